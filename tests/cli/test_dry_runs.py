"""``clarion drafts dry-run``."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.cli import dry_runs
from clarion.engine.dry_runs import control, running
from clarion.engine.models import DryRun
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def draft(db: None) -> Broadcast:
    """A draft to three contacts, one of whom lacks a variable."""
    channel = factory.channel()
    factory.people(channel, 2)
    factory.address(channel, "x1", "Nadia")
    return factory.draft([channel], text="Hello {{ contact.city }}")


def test_it_waits_for_the_worker_and_reports(
    draft: Broadcast,
    ok_json: Callable[..., Any],
    clarion: Callable[..., Any],
    ok: Callable[..., str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """A worker gets its turn while the command waits."""
    monkeypatch.setattr(dry_runs.time, "sleep", lambda _: running.run_next(1, lambda: False))

    answer = clarion("drafts", "dry-run", str(draft.pk))

    assert "No worker is running" in answer.stderr
    assert "3 contacts checked. Nothing was sent." in answer.stdout
    assert "1  Missing variable: contact.city" in answer.stdout
    assert "For example Nadia (#" in answer.stdout
    assert "sink: 2 messages to 2 contacts" in answer.stdout

    file = tmp_path / "result.csv"
    report = ok_json("drafts", "dry-run", str(draft.pk), "--show", "--csv", str(file))
    assert (report["would_be_sent"], report["would_fail"], report["void"]) == (2, 1, False)
    lines = file.read_text().splitlines()
    assert len(lines) == 4
    assert sum('"variable","contact.city"' in line for line in lines) == 1

    ok("drafts", "edit", str(draft.pk), "--text", "Hi")
    assert "This report is void" in clarion("drafts", "dry-run", str(draft.pk), "--show").stderr


def test_it_names_links_that_are_broken(
    draft: Broadcast, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    link, broken = (
        ["https://a.example/", "ok", ""],
        ["https://b.example/", "broken", "It answers 404."],
    )
    control.order(draft, by=factory.BY)
    DryRun.objects.update(state="done", links=[link, broken])
    lines = ok("drafts", "dry-run", str(draft.pk), "--show").splitlines()
    assert "Links: 1 of 2 answer." in lines
    assert "  broken: https://b.example/  It answers 404." in lines
    assert ok_json("drafts", "dry-run", str(draft.pk), "--show")["links"] == [
        {"url": "https://a.example/", "result": "ok", "detail": ""},
        {"url": "https://b.example/", "result": "broken", "detail": "It answers 404."},
    ]


def test_it_is_cancelled(draft: Broadcast, ok: Callable[..., str], clarion: Any) -> None:
    missing = clarion("drafts", "dry-run", str(draft.pk), "--show")
    assert (missing.exit_code, "has no dry run" in missing.stderr) == (1, True)
    control.order(draft, by=factory.BY)
    assert "cancelled" in ok("drafts", "dry-run", str(draft.pk), "--cancel")
    assert DryRun.objects.get().state == "cancelled"
    again = clarion("drafts", "dry-run", str(draft.pk), "--cancel")
    assert "has ended already" in again.stderr
