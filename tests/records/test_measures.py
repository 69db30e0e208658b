"""Numbers over time: noted with each move, folded later, the same at every moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection

from clarion.engine import reap
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock, db
from clarion.records import measures
from clarion.records.measures import BY_MINUTE, MINUTE, QUARTER, Change, Numbers, Spanned
from clarion.records.models import Measure, MeasureDelta
from support import factory
from support.measured import assert_measured

NOON = factory.START - factory.START % measures.BY_MINUTE
DAY = 24 * 60 * MINUTE


def sent(at, broadcast=1, channel=1, count=1):
    change = Change(
        broadcast, channel, "sending", "sent", at, at, was_recovered=False, is_recovered=False
    )
    measures.note({change: count})


def move(before, after, before_at, at, *, was=False, now=False):
    measures.note({Change(1, 1, before, after, before_at, at, was, now): 1})


@pytest.mark.django_db
def test_a_batch_is_one_row():
    sent(NOON + 5, count=300)
    measures.note({})

    assert MeasureDelta.objects.count() == 1
    assert measures.totals(1) == {1: Numbers(sent=300)}
    assert measures.totals(2) == {}


@pytest.mark.django_db
def test_moves_that_count_for_nothing_leave_no_row():
    for before, after in [("sending", "queued"), ("sending", "in_doubt"), ("sent", "sent")]:
        move(before, after, NOON, NOON)

    assert not MeasureDelta.objects.exists()


@pytest.mark.django_db
def test_each_number_is_counted_when_it_became_true():
    sent(NOON)
    move("sent", "delivered", NOON, NOON + QUARTER)
    move("delivered", "read", NOON + QUARTER, NOON + 2 * QUARTER)

    quarters = [(NOON + n * QUARTER, NOON + (n + 1) * QUARTER) for n in range(4)]

    assert measures.by_span(quarters) == [
        Spanned(0, 1, Numbers(sent=1)),
        Spanned(1, 1, Numbers(delivered=1)),
        Spanned(2, 1, Numbers(read=1)),
    ]


@pytest.mark.django_db
def test_a_failure_reported_later_takes_back_what_was_counted():
    sent(NOON, count=2)
    move("sent", "failed", NOON, NOON + QUARTER)
    quarters = [(NOON, NOON + QUARTER), (NOON + QUARTER, NOON + 2 * QUARTER)]

    assert measures.by_span(quarters) == [
        Spanned(0, 1, Numbers(sent=1)),
        Spanned(1, 1, Numbers(failed=1)),
    ]
    # It arrived after all.
    move("failed", "delivered", NOON + QUARTER, NOON + QUARTER + MINUTE, now=True)
    assert measures.by_span(quarters)[1:] == [
        Spanned(1, 1, Numbers(sent=1, delivered=1, recovered=1))
    ]


@pytest.mark.django_db
def test_folding_changes_no_number():
    for minute in range(0, 180, 7):
        sent(NOON + minute * MINUTE, channel=1 + minute % 2)
    spans = [(NOON + n * QUARTER, NOON + (n + 1) * QUARTER) for n in range(12)]
    before = measures.by_span(spans, 1)

    assert measures.fold() == 26
    assert measures.by_span(spans, 1) == before == measures.by_span(spans)
    assert not MeasureDelta.objects.exists()
    sent(NOON + 3 * MINUTE, count=4)
    assert measures.totals(1)[1].sent + measures.totals(1)[2].sent == 30
    measures.fold()
    assert measures.totals(1)[1].sent + measures.totals(1)[2].sent == 30
    assert measures.fold() == 0


@pytest.mark.django_db
def test_the_first_hour_stays_by_the_minute_and_later_ones_by_the_quarter():
    for minute in (1, 2, 59, 60, 61, 74, 75):
        sent(NOON + minute * MINUTE)
        measures.fold()  # where a broadcast began is known from what is folded already

    begins = Measure.objects.order_by("at").values_list("at", flat=True)

    assert [(clock.to_us(at) - NOON) // MINUTE for at in begins] == [1, 2, 59, 60, 75]
    assert measures.by_span([(NOON + BY_MINUTE, NOON + BY_MINUTE + QUARTER)])[0].numbers.sent == 3
    assert measures.first_and_last(1) == (NOON + MINUTE, NOON + 75 * MINUTE)
    assert measures.first_and_last(2) is None


@pytest.mark.django_db
def test_spans_end_before_the_next_begins_and_keep_to_a_broadcast():
    sent(NOON)
    sent(NOON + DAY, broadcast=2)
    days = [(NOON, NOON + DAY), (NOON + DAY, NOON + 2 * DAY)]

    assert measures.by_span(days) == [
        Spanned(0, 1, Numbers(sent=1)),
        Spanned(1, 1, Numbers(sent=1)),
    ]
    assert measures.by_span(days, 2) == [Spanned(1, 1, Numbers(sent=1))]
    assert measures.by_span([]) == []


@pytest.mark.django_db
def test_what_is_settled_and_reported_adds_up_to_the_rows():
    channel, other = factory.channel("A"), factory.channel("B")
    factory.people(channel, 6)
    factory.people(other, 2, prefix="o")
    broadcast = factory.sending([channel, other])
    outcomes = ["sent", "failed", "in_doubt", "queued", {"state": "sent", "recovered": True}]
    factory.settle_each(channel, [*outcomes, "sent"])
    factory.settle_all(other, "failed")

    assert_measured(broadcast)
    measures.fold()
    assert_measured(broadcast)
    numbers = measures.totals(broadcast.pk)
    assert numbers[channel.pk] == Numbers(sent=3, failed=1, recovered=1)
    assert numbers[other.pk] == Numbers(failed=2)


@pytest.mark.django_db
def test_a_batch_that_is_written_again_counts_once():
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    worker = reap.register()
    claimed = claim(channel.pk, worker, 10).messages
    batch = [factory.outcome(one, channel) for one in claimed]
    settle(worker, batch)

    settle(worker, batch, again=True)

    assert_measured(broadcast)
    assert measures.totals(broadcast.pk) == {channel.pk: Numbers(sent=3)}


@pytest.mark.django_db
def test_measures_are_deleted_with_their_broadcasts():
    sent(NOON, broadcast=1)
    sent(NOON, broadcast=2)
    measures.fold()
    sent(NOON, broadcast=1)

    assert measures.delete([1], 100) == 2
    assert measures.totals(1) == {}
    assert measures.totals(2) == {1: Numbers(sent=1)}


@pytest.mark.django_db(transaction=True)
def test_nothing_is_lost_or_doubled_while_others_note_and_fold():
    stop = threading.Event()

    def fold():
        with closing(connection):
            while not stop.is_set():
                measures.fold()

    with ThreadPoolExecutor() as threads:
        folding = [threads.submit(fold) for _ in range(2)]
        try:
            for number in range(100):
                with db.write():
                    sent(NOON + number * MINUTE)
                assert measures.totals(1)[1].sent == number + 1
        finally:
            stop.set()
    for one in folding:
        one.result()

    measures.fold()
    assert measures.totals(1)[1].sent == 100
