"""A wrong tally is found and put right, and that is noted."""

import threading
from typing import Any

import pytest
from django.db import connection

from clarion.accounts.models import AuditEntry
from clarion.broadcasts import events
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.broadcasts.repairs import repair_tallies
from clarion.kit import clock, db
from clarion.records import measures, tallies
from clarion.records.measures import Numbers
from clarion.records.models import Delivery, Measure, MeasureDelta
from support import factory
from support.measured import assert_measured
from support.waiting import eventually

pytestmark = pytest.mark.django_db


@pytest.fixture
def broadcast() -> Broadcast:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    found = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed"])
    return found


def test_too_many_too_few_and_one_that_is_missing(broadcast: Broadcast) -> None:
    channel = broadcast.channels.get().pk
    tallies.add(
        {
            (broadcast.pk, channel, "sent"): 5,
            (broadcast.pk, channel, "failed"): -1,
            (broadcast.pk, channel, "read"): 2,
        }
    )
    assert not reconcile(broadcast.pk).ok

    sentences = repair_tallies(broadcast, by=factory.BY)

    assert sorted(sentences) == [
        "On the channel Shop the tally of failed was 1 too low.",
        "On the channel Shop the tally of read was 2 too high.",
        "On the channel Shop the tally of sent was 5 too high.",
    ]
    assert reconcile(broadcast.pk).ok
    assert AuditEntry.objects.get(action="broadcast.repair").detail == {"corrected": sentences}
    assert broadcast.events.filter(kind="repair").count() == 1


def test_what_is_right_stays(broadcast: Broadcast) -> None:
    before = tallies.counts([broadcast.pk])

    assert repair_tallies(broadcast, by=factory.BY) == []
    assert tallies.counts([broadcast.pk]) == before
    assert not AuditEntry.objects.filter(action="broadcast.repair").exists()


@pytest.mark.parametrize("folded", [False, True])
def test_numbers_over_time_that_are_lost(broadcast: Broadcast, folded: bool) -> None:
    sent = Delivery.objects.get(broadcast=broadcast, state="sent")
    Measure.objects.all().delete()
    MeasureDelta.objects.all().delete()
    assert not reconcile(broadcast.pk).ok

    sentences = repair_tallies(broadcast, by=factory.BY)
    if folded:
        measures.fold()

    assert sorted(sentences) == [
        "On the channel Shop the number over time of failed was 1 too low.",
        "On the channel Shop the number over time of sent was 1 too low.",
    ]
    assert reconcile(broadcast.pk).ok
    assert_measured(broadcast)
    at = clock.to_us(sent.moved_at)
    minute = at - at % measures.MINUTE
    (in_its_minute,) = measures.by_span([(minute, minute + measures.MINUTE)], broadcast.pk)
    assert in_its_minute.numbers.sent == 1  # where it was, and not where it was repaired
    assert repair_tallies(broadcast, by=factory.BY) == []


@pytest.mark.parametrize("folded", [False, True])
def test_numbers_over_time_that_are_wrong(broadcast: Broadcast, folded: bool) -> None:
    channel = broadcast.channels.get().pk
    hour, days = 60 * measures.MINUTE, 24 * 60 * measures.MINUTE
    start = clock.now_us() // measures.QUARTER * measures.QUARTER
    for at, numbers in (
        (start, Numbers(sent=3, clicked=1)),
        (start + hour, Numbers(sent=2, read=4)),
        (start + 2 * days, Numbers(recovered=1, opened=2)),
    ):
        measures.add({(broadcast.pk, at, channel): numbers})
        if folded:
            measures.fold()
    measures.add({(broadcast.pk, start, channel): Numbers(failed=-1)})

    sentences = repair_tallies(broadcast, by=factory.BY)
    if folded:
        measures.fold()

    said = [each.removeprefix("On the channel Shop the number over time of ") for each in sentences]
    assert sorted(said) == [
        "clicked was 1 too high.",
        "failed was 1 too low.",
        "opened was 2 too high.",
        "read was 4 too high.",
        "recovered was 1 too high.",
        "sent was 5 too high.",
    ]
    assert reconcile(broadcast.pk).ok
    assert_measured(broadcast)


@pytest.mark.django_db(transaction=True)
def test_two_at_once_put_it_right_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one begins when the first has written what was missing, and not committed it."""
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed"])
    before = tallies.counts([broadcast.pk])
    tallies.add({(broadcast.pk, channel.pk, "sent"): 5})
    measured = measures.totals(broadcast.pk)
    measures.add({(broadcast.pk, 0, channel.pk): Numbers(sent=3)})
    sentences: list[list[str]] = []
    second_began = threading.Event()
    note = events.note

    def repair() -> None:
        try:
            sentences.append(repair_tallies(broadcast, by=factory.BY))
        finally:
            connection.close()

    def second() -> None:
        second_began.set()
        repair()

    other = threading.Thread(target=second)

    def noted(*args: Any, **more: Any) -> None:
        if not second_began.is_set():
            other.start()
            eventually(lambda: len(sentences) > 0 or _waits_for_us(second_began))
        note(*args, **more)

    monkeypatch.setattr(events, "note", noted)
    repair()
    other.join()
    assert [len(each) for each in sentences] == [2, 0]
    assert tallies.counts([broadcast.pk]) == before
    assert measures.totals(broadcast.pk) == measured


def _waits_for_us(began: threading.Event) -> bool:
    """Whether another connection waits for a lock; on SQLite whoever writes waits for the file."""
    if not db.is_postgres():
        return began.is_set()
    return bool(db.fetch("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"))
