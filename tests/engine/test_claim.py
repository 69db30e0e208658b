"""Claiming: rows and slots, fairly, and never for the dead."""

from collections import Counter
from itertools import pairwise

import pytest

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.engine import reap
from clarion.engine.claim import SLACK, TOGETHER, WINDOW, claim, reslot, take_slots
from clarion.kit import clock, db
from clarion.records import tallies
from engine.batch_kind import BatchKind, RequestsKind
from support import factory

pytestmark = pytest.mark.django_db


def test_a_claim_takes_due_rows_once_and_says_so_in_the_tallies() -> None:
    channel = factory.channel()
    factory.people(channel, 10)
    broadcast = factory.sending([channel])
    worker = reap.register()

    first = claim(channel.pk, worker, 6)
    second = claim(channel.pk, worker, 6)

    ids = [c.delivery for c in (*first.messages, *second.messages)]
    assert len(first.messages) == 6
    assert len(ids) == len(set(ids)) == 10
    assert claim(channel.pk, worker, 6).messages == []
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    assert counts["sending"] == 10
    assert counts["queued"] == 0
    assert factory.states(broadcast) == {"sending": 10}


def test_a_claim_brings_the_person_along() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    factory.sending([channel])

    (claimed,) = claim(channel.pk, reap.register(), 5).messages

    assert claimed.to == "u0"
    assert claimed.contact["name"] == "Person 0"
    assert claimed.contact["city"] == "Berlin"
    assert claimed.slot == 0


@pytest.mark.parametrize("action", [control.pause, control.stop])
def test_a_paused_or_stopped_broadcast_is_not_claimed(action: object) -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    action(broadcast, by=factory.BY)  # type: ignore[operator]

    assert claim(channel.pk, reap.register(), 5).messages == []


def test_a_paused_or_throttled_channel_is_not_claimed() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    factory.sending([channel])
    worker = reap.register()
    later = db.now_us() + 60 * clock.SECOND

    Channel.objects.update(waits_until=clock.from_us(later))
    throttled = claim(channel.pk, worker, 5)
    Channel.objects.update(waits_until=None, state="paused")
    paused = claim(channel.pk, worker, 5)
    Channel.objects.update(state="active")

    assert throttled.messages == []
    assert throttled.again_at == later
    assert paused.messages == []
    assert len(claim(channel.pk, worker, 5).messages) == 3


def test_a_worker_whose_lease_ran_out_claims_nothing() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    factory.sending([channel])
    worker = reap.register()
    db.execute("UPDATE engine_worker SET lease_until = 1 WHERE id = %s", [worker])

    assert claim(channel.pk, worker, 5).messages == []
    assert not reap.renew(worker)


def test_claims_of_a_rated_channel_own_slots_that_never_crowd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rate = 100.0
    channel = factory.channel(rate=rate)
    factory.people(channel, 200)
    factory.sending([channel])
    workers = [reap.register(), reap.register()]
    now = db.now_us()
    monkeypatch.setattr(db, "now_us", lambda: now)

    slots: list[int] = []
    for turn, passed in enumerate((0, WINDOW, WINDOW // 3, 4 * WINDOW)):
        now += passed
        claimed = [c.slot for c in claim(channel.pk, workers[turn % 2], 500).messages]
        assert 0 < len(claimed) <= rate * WINDOW / clock.SECOND + 1
        assert claimed[0] > now
        slots += claimed

    assert len(slots) > 60
    assert min(b - a for a, b in pairwise(slots)) >= (clock.SECOND + SLACK) / rate - 1


def test_slots_are_further_apart_where_messages_wait_for_others_to_share_a_request(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "webhook", BatchKind)
    channel = factory.channel(rate=100)
    factory.people(channel, 30)
    factory.sending([channel])

    slots = [c.slot for c in claim(channel.pk, reap.register(), 500).messages]

    # Any of them may leave so much later than its slot, and no second sees more than the rate.
    within = [slot for slot in slots if slot < slots[0] + (WINDOW - TOGETHER)]
    assert len(within) <= 100 * (WINDOW - TOGETHER) / (clock.SECOND + TOGETHER) + 1
    assert min(b - a for a, b in pairwise(slots)) >= (clock.SECOND + SLACK + TOGETHER) // 100


def test_where_requests_are_counted_they_take_the_slots_and_messages_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(KINDS, "webhook", RequestsKind)
    channel = factory.channel(rate=10)
    factory.people(channel, 60)
    factory.sending([channel])

    claimed = claim(channel.pk, reap.register(), 50).messages
    slots = [*take_slots(channel.pk, 2), *take_slots(channel.pk, 3)]

    assert [c.slot for c in claimed] == [0] * 50
    assert min(b - a for a, b in pairwise(slots)) >= (clock.SECOND + SLACK) // 10


def test_a_missed_slot_is_replaced_by_a_later_one() -> None:
    channel = factory.channel(rate=50.0)
    factory.people(channel, 5)
    factory.sending([channel])
    claimed = claim(channel.pk, reap.register(), 5).messages

    fresh = reslot(channel.pk, claimed)

    assert [c.delivery for c in fresh] == [c.delivery for c in claimed]
    assert min(c.slot for c in fresh) > max(c.slot for c in claimed)


def test_broadcasts_of_one_priority_share_by_weight() -> None:
    channel = factory.channel()
    factory.people(channel, 100)
    light, heavy = factory.sending([channel]), factory.sending([channel])
    Broadcast.objects.filter(pk=heavy.pk).update(weight=3)

    taken = Counter(c.broadcast for c in claim(channel.pk, reap.register(), 40).messages)

    assert taken == {light.pk: 10, heavy.pk: 30}


def test_an_urgent_broadcast_never_waits_behind_a_large_one() -> None:
    channel = factory.channel()
    factory.people(channel, 100)
    large, urgent = factory.sending([channel]), factory.sending([channel])
    Broadcast.objects.filter(pk=urgent.pk).update(priority=10)

    taken = Counter(c.broadcast for c in claim(channel.pk, reap.register(), 120).messages)

    assert taken == {urgent.pk: 100, large.pk: 20}


def test_what_one_broadcast_leaves_the_others_take() -> None:
    channel = factory.channel()
    few = factory.people(channel, 4)
    small = factory.sending([channel])
    factory.people(channel, 100, prefix="v")
    large = factory.sending([channel])

    taken = Counter(c.broadcast for c in claim(channel.pk, reap.register(), 50).messages)

    assert taken == {small.pk: len(few), large.pk: 46}


def test_f5_a_broadcast_with_a_speed_of_its_own_keeps_it() -> None:
    channel = factory.channel()
    factory.people(channel, 300)
    broadcast = factory.sending([channel])
    Broadcast.objects.filter(pk=broadcast.pk).update(rate=100)
    worker = reap.register()

    first = claim(channel.pk, worker, 200)
    second = claim(channel.pk, worker, 200)

    step = round((clock.SECOND + SLACK) / 100)
    slots = [c.slot for c in (*first.messages, *second.messages)]
    assert all(after - before >= step for before, after in pairwise(slots))
    assert max(slots) <= second.now + WINDOW + step
    assert 0 < len(slots) <= (second.now + WINDOW - slots[0]) // step + 2


def test_f5_own_speeds_hold_over_all_channels_and_leave_the_rest_to_others() -> None:
    one, two = factory.channel("one", rate=1_000), factory.channel("two")
    factory.people(one, 300)
    factory.people(two, 300)
    slow, fast = factory.sending([one, two]), factory.sending([one])
    Broadcast.objects.filter(pk=slow.pk).update(rate=40)
    worker = reap.register()

    claimed = [*claim(one.pk, worker, 200).messages, *claim(two.pk, worker, 200).messages]

    # Each waits for a free slot of the channel, which comes every millisecond.
    step = round((clock.SECOND + SLACK) / 40) - 2_000
    paced = sorted(c.slot for c in claimed if c.broadcast == slow.pk)
    on_one = [c for c in claimed if c.broadcast == fast.pk]
    assert all(after - before >= step for before, after in pairwise(paced))
    assert len(on_one) > 100


def test_f5_a_rate_limited_channel_keeps_its_rate_whoever_else_is_slow() -> None:
    channel = factory.channel(rate=200)
    factory.people(channel, 200)
    slow, fast = factory.sending([channel]), factory.sending([channel])
    Broadcast.objects.filter(pk=slow.pk).update(rate=20)

    claimed = claim(channel.pk, reap.register(), 100).messages

    step = round((clock.SECOND + SLACK) / 200)
    slots = sorted(c.slot for c in claimed)
    assert all(after - before >= step for before, after in pairwise(slots))
    assert {c.broadcast for c in claimed} == {slow.pk, fast.pk}


def test_a_live_broadcast_is_claimed_like_one_that_is_sending() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    Broadcast.objects.filter(pk=broadcast.pk).update(state="live", type="trigger")

    assert len(claim(channel.pk, reap.register(), 5).messages) == 2
