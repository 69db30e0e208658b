"""How results look: tables, facts, JSON."""

import json
from datetime import UTC, datetime

import pytest

from clarion import config
from clarion.cli import output

MOMENT = datetime(2026, 7, 1, 12, 30, 5, 123456, tzinfo=UTC)


def test_a_piped_table_is_whole(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_table(
        ["NAME", "NUMBER"], [["x" * 300, 12345], ["[bold]no markup[/bold]\nline", None]]
    )
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == ["NAME", "NUMBER"]
    assert lines[1] == ["x" * 300, "12,345"]
    assert lines[2] == ["[bold]no", "markup[/bold]", "line", "–"]


def test_json_is_one_document_with_plain_values(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"name": "Ünal 陳", "at": MOMENT, "none": None})
    printed = capsys.readouterr().out
    assert "Ünal 陳" in printed
    assert json.loads(printed) == {
        "name": "Ünal 陳",
        "at": "2026-07-01T12:30:05.123456+00:00",
        "none": None,
    }


def test_moments_are_in_the_command_lines_time_zone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert output.format_cell(MOMENT) == "2026-07-01 12:30:05"
    settings = config.load().model_copy(update={"time_zone": "Asia/Tokyo"})
    monkeypatch.setattr(config, "load", lambda: settings)
    assert output.format_cell(MOMENT) == "2026-07-01 21:30:05"


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "–"), (True, "yes"), (False, "no"), (1234567, "1,234,567"), (["a", "b"], "a, b")],
)
def test_cells(value: object, text: str) -> None:
    assert output.format_cell(value) == text


def test_facts_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_facts([("id", "7"), ("title", ""), ("long name", 3)])
    assert capsys.readouterr().out == "id         7\ntitle\nlong name  3\n"
