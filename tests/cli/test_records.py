"""``clarion records``."""

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from clarion.content import stories
from clarion.kit import clock
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from support import factory

pytestmark = pytest.mark.django_db
SHAPE = {
    "id", "recorded_at", "broadcast", "title", "channel", "kind", "chat", "user", "name",
    "status", "error", "code", "attempt", "responses", "latency_seconds", "messages",
    "attempted", "failed_later",
}  # fmt: skip


@pytest.fixture
def recorded(people: str, ok_json: Callable[..., Any]) -> int:
    """The number of a broadcast with a record for each of the three; the second is an error."""
    number = ok_json("send", "--channel", people, "--all", "--text", "Hello")["id"]
    broadcast = Broadcast.objects.get(pk=number)
    broken = factory.reason("The provider had an error.", "500")
    for address in Address.objects.order_by("pk"):
        failed = address.value == "2"
        delivery = factory.delivery(broadcast, address, "failed" if failed else "sent")
        factory.record(
            delivery,
            clock.now_us(),
            broken if failed else None,
            latency=1_500_000,
            content=f"Hello {address.value}",
        )
    return int(broadcast.pk)


def test_the_document(recorded: int, ok_json: Callable[..., Any]) -> None:
    newest, failed, oldest = ok_json("records")
    assert newest.keys() == SHAPE
    assert failed["broadcast"] == recorded
    assert failed["user"] == "2"
    assert failed["name"] == "Bo"
    assert failed["status"] == "error"
    assert failed["error"] == "The provider had an error."
    assert failed["code"] == "500"
    assert failed["latency_seconds"] == 1.5
    assert [sent["text"] for sent in oldest["messages"]] == ["Hello 1"]
    assert (oldest["attempted"], oldest["failed_later"]) == ("", False)


@pytest.mark.parametrize(
    ("conditions", "users"),
    [
        (["--status", "error"], ["2"]),
        (["--status", "completed"], ["1", "3"]),
        (["--user", "1"], ["1"]),
        (["--name", "an"], ["1"]),
        (["--error", "PROVIDER"], ["2"]),
        (["--responses", ">0"], ["1", "3"]),
        (["--responses", "=0", "--channel", "news"], ["2"]),
        (["--after", "2020-01-01T00:00"], ["1", "2", "3"]),
        (["--before", "2020-01-01T00:00"], []),
        (["--broadcast", "999999"], []),
    ],
)
def test_conditions(
    recorded: int, ok_json: Callable[..., Any], conditions: list[str], users: list[str]
) -> None:
    rows = ok_json("records", *conditions)
    assert sorted(row["user"] for row in rows) == users


def test_i3_records_are_found_by_the_story(recorded: int, ok_json: Callable[..., Any]) -> None:
    blocks = [{"kind": "text", "text": "Hello"}]
    story = stories.create_story(name="Welcome tour", blocks=blocks, by=factory.BY)
    Broadcast.objects.filter(pk=recorded).update(data_type="story", story=story)
    assert len(ok_json("records", "--story", str(story.pk))) == 3
    assert len(ok_json("records", "--story-name", "TOUR", "--status", "error")) == 1
    assert ok_json("records", "--story-name", "farewell") == []


def test_the_table(recorded: int, ok: Callable[..., str], clarion: Callable[..., Any]) -> None:
    lines = ok("records").splitlines()
    assert lines[0].split()[:4] == ["RECORDED", "BROADCAST", "USER", "NAME"]
    assert len(lines) == 4
    assert "The provider had an error." in lines[2]
    assert ok("records", "--user", "nobody") == "No records match.\n"
    result = clarion("records", "--limit", "2")
    assert len(result.stdout.splitlines()) == 3
    assert "Only the first 2 are shown. Use --limit to show more, or --csv" in result.stderr


def test_json_is_bounded(recorded: int, ok_json: Callable[..., Any]) -> None:
    assert len(ok_json("records", "--limit", "2")) == 2


def test_csv(recorded: int, ok: Callable[..., str], tmp_path: Path) -> None:
    path = tmp_path / "records.csv"
    ok("records", "--csv", str(path), "--status", "completed", "--limit", "1")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert len(rows) == 3
    assert not list(tmp_path.glob("*.part"))
    printed = ok("records", "--csv", "-", "--status", "completed")
    assert list(csv.reader(io.StringIO(printed.lstrip("\ufeff")))) == rows


def test_a_csv_file_that_can_not_be_written(
    recorded: int, refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "missing" / "records.csv"
    said = refused("records", "--csv", str(path))
    assert said == f"{path} can't be written: No such file or directory."


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        (["--broadcast", "one"], "A broadcast id is a number, such as 17."),
        (["--status", "sent"], "'sent' is not one of 'completed', 'error'."),
        (["--responses", "many"], "Write the number of responses like >0, =2 or <1."),
        (["--after", "soon"], "“soon” is not a date and time."),
        (["--user", "a\x00b"], "characters that can't be searched for"),
        (["--csv", "x.csv", "--json"], "It can't be combined with --csv."),
        (["--limit", "0"], "--limit"),
    ],
)
def test_wrong_usage(
    db: None, misused: Callable[..., str], conditions: list[str], said: str
) -> None:
    assert said in misused("records", *conditions)


def test_an_unknown_channel(db: None, clarion: Callable[..., Any]) -> None:
    result = clarion("records", "--channel", "nowhere")
    assert result.exit_code in (1, 2)
    assert "nowhere" in result.stderr


@pytest.mark.parametrize("arguments", [("records", "list"), ("records", "--limit", "1")])
def test_list_is_what_it_does_without_a_subcommand(
    recorded: int, ok: Callable[..., str], arguments: tuple[str, ...]
) -> None:
    assert ok(*arguments).split()[:3] == ["RECORDED", "BROADCAST", "USER"]


def test_its_help_is_that_of_the_group(ok: Callable[..., str]) -> None:
    assert "list" in ok("records", "--help")
    assert "--status" in ok("records", "list", "--help")


def test_an_export_is_in_the_audit_log(
    recorded: int, ok: Callable[..., str], tmp_path: Path
) -> None:
    ok("records", "--csv", str(tmp_path / "all.csv"), "--status", "error")
    entry = AuditEntry.objects.latest("pk")
    assert (entry.action, entry.subject, entry.actor) == ("data.export", "records", "command line")
    assert entry.detail == {"only": "status=error"}


def test_a_failure_that_was_reported_later_is_an_error_with_its_reason(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    shop = factory.channel("late")
    factory.people(shop, 1)
    broadcast = factory.sending([shop])
    factory.settle_each(shop, [{"state": "sent", "external_id": "x1"}])
    now = clock.now_us()
    apply_receipts([ReceiptUpdate(shop.pk, "failed", now, now, "x1", code="7", reason="Gone.")])

    (row,) = ok_json("records", "--broadcast", str(broadcast.pk), "--status", "error")

    assert (row["error"], row["code"], row["failed_later"]) == ("Gone.", "7", True)
    assert [sent["text"] for sent in row["messages"]] == ["Hello Person 0"]
    assert "Gone." in ok("records", "--broadcast", str(broadcast.pk), "--error", "gone")
    assert "Gone." in ok("broadcasts", "show", str(broadcast.pk))
