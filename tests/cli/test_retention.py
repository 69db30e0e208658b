"""``clarion retention``."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import clock
from clarion.records.models import Record

pytestmark = pytest.mark.django_db


@pytest.fixture
def old(channel: str) -> Broadcast:
    """A broadcast that ended 91 days ago, with two records; another one ended 80 days ago."""
    broadcasts = [
        Broadcast.objects.create(
            title=title,
            state="completed",
            total=2,
            finished_at=clock.now() - timedelta(days=days),
            expanded_at=clock.now(),
        )
        for title, days in (("Old", 91), ("Newer", 80))
    ]
    for number in range(2):
        Record.objects.create(
            delivery_id=number,
            broadcast=broadcasts[0],
            channel=Channel.objects.get(),
            address_id=number,
            attempt=1,
            status="error" if number else "completed",
            responses=0,
            latency=1,
            recorded_at=clock.now(),
            content="",
        )
    return broadcasts[0]


def test_e5_show_says_what_will_go(
    old: Broadcast, ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    said = ok("retention", "show")
    assert "deleted 90 days after they end" in said
    assert "2 broadcasts with 2 records will be deleted in the next 30 days." in said
    assert ["Old" in line for line in said.splitlines()].count(True) == 1

    told = ok_json("retention", "show", "--days", "0")
    assert [one["id"] for one in told["due"]] == [old.pk]
    assert (told["retention_days"], told["broadcasts"], told["records"]) == (90, 1, 2)
    assert told["due"][0]["total"] == 2


def test_e5_run_asks_first(old: Broadcast, clarion: Callable[..., Any]) -> None:
    result = clarion("retention", "run", stdin="n\n")

    assert result.exit_code == 1
    assert "Delete 1 broadcast with 2 records? This can't be undone." in result.stderr
    assert Broadcast.objects.count() == 2


def test_e5_run_deletes_for_good(old: Broadcast, ok: Callable[..., str]) -> None:
    said = ok("retention", "run", stdin="y\n")
    assert said.endswith("Deleted 1 broadcast with all records.\n")

    assert [one.title for one in Broadcast.objects.all()] == ["Newer"]
    assert not Record.objects.exists()
    assert AuditEntry.objects.get(action="broadcast.expire").actor == "command line"
    assert ok("retention", "run") == "There is nothing to delete.\n"


def test_e5_run_without_asking(old: Broadcast, ok: Callable[..., str]) -> None:
    assert ok("retention", "run", "--yes").startswith("Deleted 1 broadcast")


def test_e5_nothing_goes_when_it_is_kept_for_ever(
    old: Broadcast, ok: Callable[..., str], settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"retention_days": 0})

    assert "CLARION_RETENTION_DAYS is 0" in ok("retention", "show")
    assert ok("retention", "run", "--yes") == "There is nothing to delete.\n"
    assert Broadcast.objects.count() == 2


def test_nothing_to_show(db: None, ok: Callable[..., str]) -> None:
    assert "Nothing will be deleted in the next 30 days." in ok("retention", "show")
