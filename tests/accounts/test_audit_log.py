"""Reading the audit log."""

import csv
import io
from datetime import timedelta

import pytest
from django.db import connection

from clarion.accounts import audit, audit_log
from clarion.accounts.audit_log import Wanted
from clarion.accounts.models import AuditEntry
from clarion.kit import clock
from clarion.kit.paging import Cursor, CursorError
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _entries() -> None:
    ada = factory.agent("admin", "Ada")
    audit.note("channel.add", "channel 1", ada, name="Shop")
    audit.note("channel.pause", "channel 1", "API token Till", reason="=1+1")
    audit.note("channelled", "channel 10", "command line")
    entry = audit.note("broadcast.stop", "broadcast 17", ada)
    AuditEntry.objects.filter(pk=entry.pk).update(at=clock.now() - timedelta(days=9))


@pytest.mark.parametrize(
    ("wanted", "actions"),
    [
        (Wanted(), ["channelled", "channel.pause", "channel.add", "broadcast.stop"]),
        (Wanted(actor="Ada"), ["channel.add", "broadcast.stop"]),
        (Wanted(actor="ad"), []),
        (Wanted(action="channel."), ["channel.pause", "channel.add"]),
        (Wanted(action="channel.add"), ["channel.add"]),
        (Wanted(action="%"), []),
        (Wanted(subject="channel 1"), ["channel.pause", "channel.add"]),
        (Wanted(until=clock.now() - timedelta(days=1)), ["broadcast.stop"]),
        (Wanted(actor="Ada", since=clock.now() - timedelta(days=1)), ["channel.add"]),
    ],
)
def test_conditions_are_combined(wanted: Wanted, actions: list[str]) -> None:
    assert [entry.action for entry in audit_log.search(wanted).rows] == actions


@pytest.mark.only_on("postgresql")  # whose order of texts depends on the locale
def test_a_beginning_is_found_in_every_locale() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE accounts_auditentry "
            'ALTER COLUMN action TYPE varchar(80) COLLATE "en-x-icu"'
        )
    found = audit_log.search(Wanted(action="channel.")).rows
    assert [entry.action for entry in found] == ["channel.pause", "channel.add"]


def test_pages_follow_each_other() -> None:
    first = audit_log.search(Wanted(), limit=3)
    second = audit_log.search(Wanted(), first.next_cursor, limit=3)
    assert [entry.action for entry in second.rows] == ["broadcast.stop"]
    assert second.next_cursor is None


@pytest.mark.parametrize("moment", [2**63 - 1, -(2**63 - 1)])
def test_a_cursor_of_no_moment_is_refused(moment: int) -> None:
    with pytest.raises(CursorError, match="damaged"):
        audit_log.search(Wanted(), str(Cursor((moment, 1))))


def test_pages_of_several_actions_follow_each_other() -> None:
    wanted, pages, cursor = Wanted(action="channel"), list[str](), None
    for _ in range(3):
        page = audit_log.search(wanted, cursor, limit=1)
        pages += [entry.action for entry in page.rows]
        cursor = page.next_cursor
    assert pages == ["channelled", "channel.pause", "channel.add"]
    assert cursor is None


def test_entries_of_one_moment_are_on_one_page_each() -> None:
    AuditEntry.objects.update(at=clock.now())
    pages, cursor = [], None
    for _ in range(4):
        page = audit_log.search(Wanted(), cursor, limit=1)
        pages += [entry.action for entry in page.rows]
        cursor = page.next_cursor
    assert pages == ["broadcast.stop", "channelled", "channel.pause", "channel.add"]
    assert cursor is None


def test_the_file_has_all_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit_log, "_AT_ONCE", 3)
    text = b"".join(audit_log.export_csv(Wanted(), "UTC")).decode()
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert [row["action"] for row in rows] == [
        "channelled", "channel.pause", "channel.add", "broadcast.stop",
    ]  # fmt: skip
    assert rows[1]["detail"] == '{"reason": "=1+1"}'
    assert rows[2]["actor"] == "Ada"


def test_details_are_one_line() -> None:
    entry = AuditEntry(detail={"roles": ["a", "b"], "empty": "", "n": 0, "more": {"x": 1}})
    assert entry.detail_text == 'roles: a, b, n: 0, more: {"x": 1}'
