"""Claiming rows: what it costs, and finding what a worker holds."""

import pytest

from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.kit import db
from clarion.records.deliveries.claim import claimed_by
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db


def test_no_index_of_deliveries_is_by_what_a_claim_writes() -> None:
    names = {
        name.lstrip("-")
        for index in (*Delivery._meta.indexes, *Delivery._meta.constraints)
        for name in (*getattr(index, "fields", ()), *_named(getattr(index, "condition", None)))
        if hasattr(index, "fields")
    }
    assert names >= {"broadcast", "stage", "due_at", "external_id__isnull"}
    assert names.isdisjoint({"state", "worker_id", "moved_at"})


def _named(condition: object) -> list[str]:
    """The fields of a condition."""
    found: list[str] = []
    for child in getattr(condition, "children", ()):
        found += [child[0]] if isinstance(child, tuple) else _named(child)
    return found


@pytest.mark.only_on("postgresql")  # SQLite has no versions of rows
def test_a_claim_finds_room_on_the_page_and_makes_no_index_entry() -> None:
    channel = factory.channel()
    factory.people(channel, 600)
    factory.sending([channel])
    in_place = "SELECT pg_stat_get_xact_tuples_hot_updated('records_delivery'::regclass)"
    before = db.fetch(in_place)[0][0]

    messages = claim(channel.pk, reap.register(), 500).messages

    assert len(messages) == 500
    assert db.fetch(in_place)[0][0] - before >= 450


def test_what_a_worker_holds_is_found_among_what_waits() -> None:
    channel = factory.channel()
    factory.people(channel, 9)
    broadcast = factory.sending([channel])
    mine, other = reap.register(), reap.register()
    held = claim(channel.pk, mine, 3).messages
    claim(channel.pk, other, 3)

    found = claimed_by(mine)

    assert sorted(found) == sorted((one.delivery, broadcast.pk, channel.pk) for one in held)
    assert claimed_by(mine, before=1) == []
