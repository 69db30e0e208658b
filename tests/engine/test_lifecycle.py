"""What happens by itself."""

from datetime import timedelta

import pytest

from clarion.broadcasts import control, launch
from clarion.broadcasts.models import Broadcast, Event
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.chats import control as chats
from clarion.contacts.addresses import mark
from clarion.contacts.models import Address
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.expand import expand_chunk
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db


def test_c6_a_run_that_is_too_late_is_missed_and_asks() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    Broadcast.objects.update(scheduled_at=clock.now() - timedelta(hours=2))

    assert lifecycle.start_due() == 0

    broadcast.refresh_from_db()
    assert broadcast.state == "missed"
    assert "no worker was running" in broadcast.state_reason
    assert {"accept_missed", "delete"} <= set(control.actions(broadcast))
    assert launch.accept_missed(broadcast, by=factory.BY).state == "scheduled"


def test_a_run_in_the_future_waits() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    assert lifecycle.start_due() == 0


def test_expanding_writes_everybody_once_however_often_it_is_repeated() -> None:
    channel = factory.channel()
    factory.people(channel, 25)
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    lifecycle.start_due()

    steps = 0
    while expand_chunk(broadcast, 7):
        steps += 1

    broadcast.refresh_from_db()
    assert steps == 5  # four chunks of ids, and the look that finds nobody left
    assert broadcast.total == 25
    assert factory.states(broadcast) == {"queued": 25}
    assert not expand_chunk(broadcast, 7)


def test_who_can_not_be_sent_to_is_skipped_with_the_reason() -> None:
    channel = factory.channel()
    stopped, blocked, *_ = factory.people(channel, 4)
    mark(stopped.pk, "opted_out", clock.now())
    mark(blocked.pk, "blocked", clock.now())

    broadcast = factory.sending([channel])

    reasons = Delivery.objects.filter(state="skipped").values_list("address", "reason__text")
    assert dict(reasons) == {
        stopped.pk: "The contact opted out.",
        blocked.pk: "The contact blocked this channel.",
    }
    assert factory.states(broadcast) == {"queued": 2, "skipped": 2}


def test_m2_an_opt_out_skips_what_is_queued_at_once() -> None:
    channel = factory.channel()
    leaver, _ = factory.people(channel, 2)
    broadcast = factory.sending([channel])

    mark(leaver.pk, "opted_out", clock.now())

    assert factory.states(broadcast) == {"queued": 1, "skipped": 1}
    counts = tallies.counts([broadcast.pk])[broadcast.pk]
    assert (counts["queued"], counts["skipped"]) == (1, 1)


def test_g2_people_in_an_open_chat_are_held_until_it_is_closed() -> None:
    channel = factory.channel()
    before, during, _ = factory.people(channel, 3)
    agent = factory.agent()
    chats.take_over(before.pk, by=agent)
    broadcast = factory.sending([channel])
    assert factory.states(broadcast) == {"queued": 2, "held": 1}

    chats.take_over(during.pk, by=agent)
    assert factory.states(broadcast) == {"queued": 1, "held": 2}

    chats.close(before.pk, by=agent)
    chats.close(during.pk, by=agent)
    assert factory.states(broadcast) == {"queued": 3}
    assert tallies.counts([broadcast.pk])[broadcast.pk]["held"] == 0


def test_a_broadcast_is_complete_when_its_deliveries_are() -> None:
    channel = factory.channel()
    for address in factory.people(channel, 2):
        mark(address.pk, "opted_out", clock.now())
    broadcast = factory.sending([channel])

    assert lifecycle.finish() == 1

    broadcast.refresh_from_db()
    assert broadcast.state == "completed"
    assert broadcast.finished_at is not None


def test_what_ends_together_is_completed_together_but_for_what_is_not_over() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    several = [factory.sending([channel]) for _ in range(lifecycle.TOGETHER + 2)]
    factory.settle_all(channel)
    late = several[1]
    Delivery.objects.filter(broadcast=late).update(state="queued")  # its tallies deny it

    assert lifecycle.finish() == len(several) - 1

    ended = Broadcast.objects.filter(state="completed", finished_at__isnull=False)
    assert set(ended.values_list("pk", flat=True)) == {each.pk for each in several} - {late.pk}
    assert Event.objects.filter(kind="complete").count() == len(several) - 1


def test_a_broadcast_with_held_people_is_not_complete() -> None:
    channel = factory.channel()
    (person,) = factory.people(channel, 1)
    chats.take_over(person.pk, by=factory.agent())
    factory.sending([channel])
    assert lifecycle.finish() == 0


def test_people_who_join_after_the_expansion_are_not_sent_to() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    factory.people(channel, 2, prefix="late")
    assert not lifecycle.expand_next()
    assert Address.objects.count() == 4
    assert broadcast.total == 2


def stopped_a_while_ago(broadcast: Broadcast) -> Broadcast:
    control.stop(broadcast, by=factory.BY)
    Broadcast.objects.update(finished_at=clock.now() - timedelta(minutes=2))
    return broadcast


def is_drained(broadcast: Broadcast) -> bool:
    lifecycle.cancel_remaining()
    broadcast.refresh_from_db()
    return broadcast.drained_at is not None


def test_what_is_stopped_is_looked_at_until_nothing_of_it_can_leave() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = stopped_a_while_ago(factory.sending([channel]))
    claimed = Delivery.objects.order_by("pk")[0].pk
    Delivery.objects.filter(pk=claimed).update(state="sending", worker_id=1)
    tallies.add({(broadcast.pk, channel.pk, s): d for s, d in (("queued", -1), ("sending", 1))})

    assert not is_drained(broadcast)  # the other one was still queued
    assert not is_drained(broadcast)  # one is being sent, and may come back
    Delivery.objects.filter(pk=claimed).update(state="queued", worker_id=None)
    tallies.add({(broadcast.pk, channel.pk, s): d for s, d in (("queued", 1), ("sending", -1))})
    assert not is_drained(broadcast)
    assert is_drained(broadcast)
    assert factory.states(broadcast) == {"unsent": 2}


def test_what_was_stopped_just_now_or_is_not_expanded_is_looked_at_again() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    started = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    stopped_a_while_ago(started)
    assert not is_drained(started)
    factory.expand(started)
    assert is_drained(started)

    fresh = factory.sending([channel])
    control.stop(fresh, by=factory.BY)
    lifecycle.cancel_remaining()
    assert factory.states(fresh) == {"unsent": 1}
    assert not is_drained(fresh)


def mistaken(broadcast: Broadcast, channel: Channel, by: int, state: str = "queued") -> None:
    """Make a tally wrong, as a disk that failed might."""
    tallies.add({(broadcast.pk, channel.pk, state): by})


def test_b10_a_tally_that_hides_what_is_queued_is_found_and_repaired() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    wrong, right = factory.sending([channel]), factory.sending([channel])
    mistaken(wrong, channel, -3)
    worker = reap.register()
    assert {row.broadcast for row in claim(channel.pk, worker, 10).messages} == {right.pk}

    assert lifecycle.verify_tallies() == 1

    assert {row.broadcast for row in claim(channel.pk, worker, 10).messages} == {wrong.pk}
    assert tallies.counts([wrong.pk])[wrong.pk]["sending"] == 3
    assert lifecycle.verify_tallies() == 0
    assert [event.kind for event in wrong.events.filter(kind="repair")] == ["repair"]
    assert reconcile(wrong.pk).ok


@pytest.mark.parametrize(("state", "by"), [("queued", 2), ("sending", 1), ("sending", -1)])
def test_b10_a_tally_that_shows_what_is_not_there_is_repaired(state: str, by: int) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    if by > 0:
        factory.settle_all(channel)
    else:
        claim(channel.pk, reap.register(), 1)
    mistaken(broadcast, channel, by, state)

    assert lifecycle.verify_tallies() == 1
    assert reconcile(broadcast.pk).ok
    assert lifecycle.finish() == (1 if by > 0 else 0)


def test_b10_nothing_is_finished_by_a_wrong_tally() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    mistaken(broadcast, channel, -2)

    assert lifecycle.finish() == 0

    broadcast.refresh_from_db()
    assert broadcast.state == "sending"
    assert tallies.counts([broadcast.pk])[broadcast.pk]["queued"] == 2
    factory.settle_all(channel)
    assert lifecycle.finish() == 1


def test_b10_nothing_of_a_stopped_broadcast_is_forgotten_by_a_wrong_tally() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    mistaken(broadcast, channel, -2)
    stopped_a_while_ago(broadcast)

    assert not is_drained(broadcast)  # the tally is repaired
    assert not is_drained(broadcast)  # what it hid is taken back
    assert is_drained(broadcast)
    assert factory.states(broadcast) == {"unsent": 2}
