"""Pause, stop, restart, delete."""

import pytest

from clarion.broadcasts import control, launch
from clarion.broadcasts.control import ControlError
from clarion.broadcasts.models import Broadcast, Pick
from clarion.engine import calendar, reap
from clarion.engine.claim import claim
from clarion.engine.settle import Settlement, settle
from clarion.kit import clock, db
from clarion.records import tallies
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)


def send_some(channel_id: int, states: list[str]) -> None:
    """Claim as many deliveries and settle them into these states."""
    worker = reap.register()
    claimed = claim(channel_id, worker, len(states)).messages
    settle(
        worker,
        [
            Settlement(
                c.delivery, c.broadcast, channel_id, c.address, state, 1, clock.now_us(),
                reason="" if state == "sent" else "No.", code="x", attempted=True,
            )
            for c, state in zip(claimed, states, strict=True)
        ],
    )  # fmt: skip


def test_f2_stop_leaves_what_was_sent_and_unsends_the_rest() -> None:
    channel = factory.channel()
    factory.people(channel, 6)
    broadcast = factory.sending([channel])
    send_some(channel.pk, ["sent", "failed"])

    control.stop(broadcast, by=factory.BY)
    while calendar.wind_up():
        pass

    assert broadcast.finished_at is not None
    assert factory.states(broadcast) == {"sent": 1, "failed": 1, "unsent": 4}
    assert tallies.counts([broadcast.pk])[broadcast.pk]["unsent"] == 4


def test_a_stop_in_the_middle_of_the_expansion_loses_nobody() -> None:
    channel = factory.channel()
    factory.people(channel, 30)
    broadcast = launch.send(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    calendar.start_due()
    factory.expand_chunk(broadcast, 10)
    broadcast.refresh_from_db()

    control.stop(broadcast, by=factory.BY)
    while calendar.expand_next() or calendar.wind_up():
        pass

    broadcast.refresh_from_db()
    assert factory.states(broadcast) == {"unsent": 30}
    assert broadcast.total == 30
    fresh = control.restart(broadcast, by=factory.BY, undo_seconds=0)
    assert Pick.objects.filter(broadcast=fresh).count() == 30


def test_f3_restart_reaches_exactly_those_who_did_not_get_it() -> None:
    channel = factory.channel()
    factory.people(channel, 6)
    broadcast = factory.sending([channel])
    send_some(channel.pk, ["sent", "failed", "in_doubt"])
    control.stop(broadcast, by=factory.BY)

    fresh = control.restart(broadcast, by=factory.BY, undo_seconds=0)

    assert fresh.restart_of == broadcast
    calendar.start_due()
    factory.expand(fresh)
    reached = set(
        db.fetch("SELECT address_id FROM records_delivery WHERE broadcast_id = %s", [fresh.pk])
    )
    wanted = set(
        db.fetch(
            "SELECT address_id FROM records_delivery WHERE broadcast_id = %s "
            "AND state IN ('failed', 'unsent')",
            [broadcast.pk],
        )
    )
    assert reached == wanted
    assert len(reached) == 4


def test_f3_people_in_doubt_only_when_asked() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    send_some(channel.pk, ["sent", "in_doubt"])
    calendar.finish()
    broadcast.refresh_from_db()

    with pytest.raises(ControlError, match="Nobody is left"):
        control.restart(broadcast, by=factory.BY)
    fresh = control.restart(broadcast, by=factory.BY, in_doubt=True)
    assert Pick.objects.filter(broadcast=fresh).count() == 1


def test_a_restart_of_a_restart_never_reaches_anyone_twice() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    first = factory.sending([channel])
    send_some(channel.pk, ["failed", "failed", "failed"])
    calendar.finish()
    first.refresh_from_db()
    second = control.restart(first, by=factory.BY, undo_seconds=0)

    with pytest.raises(ControlError, match="same chain"):
        control.restart(first, by=factory.BY)

    calendar.start_due()
    factory.expand(second)
    send_some(channel.pk, ["sent", "failed", "failed"])
    calendar.finish()
    first.refresh_from_db()
    third = control.restart(first, by=factory.BY, undo_seconds=0)
    assert Pick.objects.filter(broadcast=third).count() == 2
    assert Broadcast.objects.get(pk=third.pk).restart_of == first


def test_a_restart_waits_for_what_is_in_flight() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    claim(channel.pk, reap.register(), 1)
    control.stop(broadcast, by=factory.BY)

    with pytest.raises(ControlError, match="winding down"):
        control.restart(broadcast, by=factory.BY)


def test_f4_pause_and_resume() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    control.pause(broadcast, by=factory.BY)
    assert broadcast.state == "paused"
    with pytest.raises(ControlError, match="this one is paused"):
        control.pause(broadcast, by=factory.BY)
    assert control.resume(broadcast, by=factory.BY).state == "sending"


def test_f1_only_what_has_not_been_sent_can_be_deleted() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    scheduled = launch.send(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    control.delete(scheduled, by=factory.BY)
    assert not Broadcast.objects.exists()

    running = factory.sending([channel])
    with pytest.raises(ControlError, match="has not been sent"):
        control.delete(running, by=factory.BY)


def test_actions_are_those_that_the_state_allows() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    assert control.actions(broadcast) == ["edit", "delete"]
    launch.send(broadcast, by=factory.BY, undo_seconds=60)
    assert control.actions(broadcast) == ["undo", "delete"]
    running = factory.sending([channel])
    assert control.actions(running) == ["pause", "stop"]
    control.stop(running, by=factory.BY)
    assert control.actions(running) == ["restart"]
