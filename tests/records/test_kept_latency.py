"""The latency of large broadcasts is kept by a worker, and read anew when it may have changed."""

from datetime import timedelta

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.contacts.models import Address
from clarion.kit import clock, db
from clarion.records import kept_latency
from clarion.records.kept_latency import keep, latency_of
from clarion.records.latency import latency
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def large(monkeypatch: pytest.MonkeyPatch) -> Broadcast:
    """One of three messages, which are many here."""
    monkeypatch.setattr(kept_latency, "KEPT_FROM", 3)
    broadcast = factory.broadcast()
    channel = factory.channel()
    for number in range(3):
        sent(broadcast, factory.address(channel, f"u{number}"), number + 1)
    return broadcast


def sent(broadcast: Broadcast, to: Address, seconds: int) -> None:
    delivery = factory.delivery(broadcast, to)
    factory.record(delivery, factory.START + seconds * clock.SECOND, request_time=1_000)


def test_what_is_kept_is_what_the_records_say(large: Broadcast) -> None:
    assert latency_of(large.pk).at is None  # read now: nothing is kept yet
    assert keep() == 1
    assert keep() == 0  # nothing has changed

    kept = latency_of(large.pk)

    assert kept.spans == latency(large.pk)
    assert kept.at is None
    assert kept.spans["total"].within[100] == 3 * clock.SECOND


def test_it_is_not_read_from_the_records_again(
    large: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep()
    monkeypatch.delattr(kept_latency, "latency")
    assert latency_of(large.pk).spans["total"].messages == 3


def test_one_that_changes_is_read_again_but_not_all_the_time(
    large: Broadcast, monkeypatch: pytest.MonkeyPatch
) -> None:
    keep()
    sent(large, factory.address(factory.channel("other"), "v"), 9)

    soon = latency_of(large.pk)
    assert (soon.spans["total"].messages, soon.at is None) == (3, False)
    assert keep() == 0

    later = clock.now_us() + int(timedelta(hours=1).total_seconds()) * clock.SECOND
    monkeypatch.setattr(kept_latency.clock, "now_us", lambda: later)
    assert keep() == 1
    again = latency_of(large.pk)
    assert (again.spans["total"].messages, again.at) == (4, None)
    assert again.spans["total"].within[100] == 9 * clock.SECOND


def test_a_small_one_is_read_from_its_records() -> None:
    broadcast = factory.broadcast()
    sent(broadcast, factory.address(factory.channel(), "a"), 1)
    assert keep() == 0
    assert latency_of(broadcast.pk).spans["total"].messages == 1


def test_it_is_deleted_with_its_broadcast(large: Broadcast) -> None:
    keep()
    assert kept_latency.delete([large.pk], 10) == 1
    assert db.fetch("SELECT count(*) FROM records_keptlatency") == [(0,)]
