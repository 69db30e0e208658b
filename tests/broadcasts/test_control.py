"""Pause, stop, restart, delete."""

import math
from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import chains, control, history, launch, restarts
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.reconcile import reconcile
from clarion.chats import control as chats
from clarion.consents import grants
from clarion.consents.models import Consent
from clarion.contacts.models import Contact
from clarion.content import stories
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.expand import expand_chunk
from clarion.kit import clock, db
from clarion.records import tallies
from support import factory

pytestmark = pytest.mark.django_db


def test_f2_stop_leaves_what_was_sent_and_unsends_the_rest() -> None:
    channel = factory.channel()
    factory.people(channel, 6)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed"])

    control.stop(broadcast, by=factory.BY)
    while lifecycle.cancel_remaining():
        pass

    assert broadcast.finished_at is not None
    assert factory.states(broadcast) == {"sent": 1, "failed": 1, "unsent": 4}
    assert tallies.counts([broadcast.pk])[broadcast.pk]["unsent"] == 4


def test_a_stop_in_the_middle_of_the_expansion_loses_nobody() -> None:
    channel = factory.channel()
    factory.people(channel, 30)
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    lifecycle.start_due()
    expand_chunk(broadcast, 10)
    broadcast.refresh_from_db()

    control.stop(broadcast, by=factory.BY)
    while lifecycle.expand_next() or lifecycle.cancel_remaining():
        pass

    broadcast.refresh_from_db()
    assert factory.states(broadcast) == {"unsent": 30}
    assert broadcast.total == 30
    fresh = restarts.restart(broadcast, by=factory.BY, undo_seconds=0)
    assert Pick.objects.filter(broadcast=fresh).count() == 30


def test_f3_restart_reaches_exactly_those_who_did_not_get_it() -> None:
    channel = factory.channel()
    factory.people(channel, 6)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed", "in_doubt"])
    control.stop(broadcast, by=factory.BY)

    fresh = restarts.restart(broadcast, by=factory.BY, undo_seconds=0)

    assert fresh.restart_of == broadcast
    lifecycle.start_due()
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
    factory.settle_each(channel, ["sent", "in_doubt"])
    lifecycle.finish()
    broadcast.refresh_from_db()

    with pytest.raises(ControlError, match="no recipients to send to"):
        restarts.restart(broadcast, by=factory.BY)
    fresh = restarts.restart(broadcast, by=factory.BY, in_doubt=True)
    assert Pick.objects.filter(broadcast=fresh).count() == 1


def test_a_restart_of_a_restart_never_reaches_anyone_twice() -> None:
    channel = factory.channel()
    factory.people(channel, 3)
    first = factory.sending([channel])
    factory.settle_each(channel, ["failed", "failed", "failed"])
    lifecycle.finish()
    first.refresh_from_db()
    second = restarts.restart(first, by=factory.BY, undo_seconds=0)

    with pytest.raises(ControlError, match="same chain"):
        restarts.restart(first, by=factory.BY)

    lifecycle.start_due()
    factory.expand(second)
    factory.settle_each(channel, ["sent", "failed", "failed"])
    lifecycle.finish()
    first.refresh_from_db()
    third = restarts.restart(first, by=factory.BY, undo_seconds=0)
    assert Pick.objects.filter(broadcast=third).count() == 2
    assert Broadcast.objects.get(pk=third.pk).restart_of == first


def test_a_restart_waits_for_what_is_in_flight() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    claim(channel.pk, reap.register(), 1)
    control.stop(broadcast, by=factory.BY)

    with pytest.raises(ControlError, match="winding down"):
        restarts.restart(broadcast, by=factory.BY)


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
    scheduled = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    control.delete(scheduled, by=factory.BY)
    assert not Broadcast.objects.exists()

    running = factory.sending([channel])
    with pytest.raises(ControlError, match="has not been sent"):
        control.delete(running, by=factory.BY)


def test_actions_are_those_that_the_state_allows() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.draft([channel])
    assert control.actions(broadcast) == ["edit", "duplicate", "delete"]
    launch.start(broadcast, by=factory.BY, undo_seconds=60)
    assert control.actions(broadcast) == ["edit", "undo", "send_now", "duplicate", "delete"]
    running = factory.sending([channel])
    assert control.actions(running) == ["pause", "stop", "rate", "release", "duplicate"]
    control.stop(running, by=factory.BY)
    assert control.actions(running) == ["restart", "duplicate", "remove"]


LIVE: dict[str, dict[str, Any]] = {
    "periodic": {"recurrence": {"every": "day", "at": "09:00"}, "time_zone": "UTC"},
    "trigger": {"type": "trigger", "trigger": {"on": "event", "event": "x", "delay": 60}},
    "external": {"type": "external"},
}


def live(kind: str, **fields: Any) -> Broadcast:
    """One that lives on; its channel is called like the kind."""
    broadcast = factory.live([factory.channel(kind)], **LIVE[kind])
    Broadcast.objects.filter(pk=broadcast.pk).update(**({"state": "live"} | fields))
    broadcast.refresh_from_db()
    return broadcast


@pytest.mark.parametrize("kind", LIVE)
def test_one_that_lives_on_pauses_and_resumes_as_live(kind: str) -> None:
    broadcast = live(kind)

    assert control.pause(broadcast, by=factory.BY).state == "paused"
    assert control.resume(broadcast, by=factory.BY).state == "live"
    stopped = control.stop(broadcast, by=factory.BY)

    assert stopped.state == "stopped"
    assert stopped.finished_at is not None
    assert "restart" in control.actions(stopped)


def test_a_resume_leaves_out_the_runs_of_the_pause() -> None:
    past = clock.now() - timedelta(days=3)
    broadcast = live("periodic", next_run_at=past)
    control.pause(broadcast, by=factory.BY)

    resumed_at = clock.now()
    control.resume(broadcast, by=factory.BY)

    assert broadcast.state == "live"
    assert broadcast.next_run_at is not None
    assert broadcast.next_run_at > resumed_at


def test_a_resume_comes_from_a_pause_only() -> None:
    """The table knows other ways to sending; whoever read "paused" long ago must not take them."""
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=60)
    seen = Broadcast.objects.get(pk=broadcast.pk)
    seen.state = "paused"

    with pytest.raises(ControlError, match="this one is scheduled"):
        control.resume(seen, by=factory.BY)

    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.started_at) == ("scheduled", None)


@pytest.mark.parametrize("kind", LIVE)
@pytest.mark.parametrize("state", ["live", "paused", "stopped"])
def test_f1_one_that_lives_on_is_deleted_and_its_runs_stay(kind: str, state: str) -> None:
    parent = live(kind, state=state)
    factory.people(parent.channels.get(), 1)
    run = factory.sending([parent.channels.get()])
    Broadcast.objects.filter(pk=run.pk).update(parent=parent)
    assert "delete" in control.actions(parent)

    control.delete(parent, by=factory.BY)

    assert not history.visible().filter(pk=parent.pk).exists()
    run.refresh_from_db()
    assert run.state == "sending"
    assert run.parent_id == parent.pk  # it stays a run: it ends like one
    with pytest.raises(ControlError, match="has not been sent"):
        control.delete(parent, by=factory.BY)
    parent.refresh_from_db()
    assert (parent.state, parent.next_run_at) == ("stopped", None)


def test_a_trigger_that_has_sent_something_is_not_deleted() -> None:
    trigger = live("trigger", total=1)

    assert "delete" not in control.actions(trigger)
    with pytest.raises(ControlError, match="You can stop this one"):
        control.delete(trigger, by=factory.BY)


def test_f3_a_restart_says_the_same_and_requires_the_same() -> None:
    channel = factory.channel(rate=5)
    factory.people(channel, 2)
    old = factory.sending([channel])
    story = stories.create_story(
        name="Welcome", blocks=[{"kind": "text", "text": "Hello"}], by=factory.BY
    )
    first = stories.newest(story)
    stories.save_story(
        story, blocks=[{"kind": "text", "text": "Newer"}], by=factory.BY, number=first.number
    )
    same = {
        "data_type": "story", "story": story, "story_version": first, "data": {"shop": "North"},
        "rate": 2.5, "time_zone": "Europe/Berlin", "priority": 1, "end_open_chats": True,
    }  # fmt: skip
    audience = {**old.audience, "consents": []}
    Broadcast.objects.filter(pk=old.pk).update(**same, audience=audience)
    old.refresh_from_db()
    control.stop(old, by=factory.BY)

    fresh = restarts.restart(old, by=factory.BY)

    fresh.refresh_from_db()
    assert {name: getattr(fresh, name) for name in same} == same
    assert (fresh.type, fresh.parent, fresh.restart_of) == ("broadcast", None, old)
    assert [one.pk for one in fresh.channels.all()] == [channel.pk]


def test_f3_a_restart_keeps_the_consents() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    old = factory.sending([channel])
    consent = Consent.objects.create(name="News", text="Yes, send me news.")
    control.stop(old, by=factory.BY)
    Broadcast.objects.filter(pk=old.pk).update(audience={**old.audience, "consents": ["News"]})
    old.refresh_from_db()

    grants.give(consent, [Contact.objects.all()[0].pk], how="api", by=factory.BY)

    fresh = restarts.restart(old, by=factory.BY, undo_seconds=0)

    lifecycle.start_due()
    factory.expand(fresh)
    assert factory.states(fresh) == {"queued": 1, "skipped": 1}


def test_f3_three_links_reach_everybody_once() -> None:
    """Each link reaches one of five; nobody who got any link is picked by any later one."""
    channel = factory.channel()
    factory.people(channel, 5)
    link = factory.sending([channel])
    reached: list[int] = []
    for left in (5, 4, 3):
        factory.settle_each(channel, ["sent", *["failed"] * (left - 1)])
        lifecycle.finish()
        link.refresh_from_db()
        reached += _in_state(link, "sent")
        assert restarts.leftover(link)["failed"] == left - 1
        link = restarts.restart(link, by=factory.BY, undo_seconds=0)
        picked = set(Pick.objects.filter(broadcast=link).values_list("address_id", flat=True))
        assert not picked & set(reached)
        assert len(picked) == left - 1
        lifecycle.start_due()
        factory.expand(link)

    assert len(reached) == len(set(reached)) == 3
    links = chains.chain(link)
    assert [one.restart_of_id for one in links] == [None, *(one.pk for one in links[:-1])]
    # From the first link, too: only those whom no link has reached.
    factory.settle_each(channel, ["failed", "failed"])
    lifecycle.finish()
    assert restarts.leftover(links[0]) == {"failed": 2, "unsent": 0, "in_doubt": 0}
    again = restarts.restart(links[0], by=factory.BY)
    assert Pick.objects.filter(broadcast=again).count() == 2


def _in_state(broadcast: Broadcast, state: str) -> list[int]:
    rows = db.fetch(
        "SELECT address_id FROM records_delivery WHERE broadcast_id = %s AND state = %s",
        [broadcast.pk, state],
    )
    return [address for (address,) in rows]


def test_f3_who_is_in_doubt_in_an_earlier_link_is_not_sent_to_unasked() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    first = factory.sending([channel])
    factory.settle_each(channel, ["in_doubt", "failed"])
    lifecycle.finish()
    first.refresh_from_db()
    second = restarts.restart(first, by=factory.BY, in_doubt=True, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(second)
    factory.settle_each(channel, ["failed", "failed"])
    lifecycle.finish()
    second.refresh_from_db()

    assert restarts.leftover(second) == {"failed": 1, "unsent": 0, "in_doubt": 0}
    third = restarts.restart(second, by=factory.BY)
    assert Pick.objects.filter(broadcast=third).count() == 1


def test_a_restart_that_is_not_sent_yet_stands_in_the_way() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    old = factory.sending([channel])
    control.stop(old, by=factory.BY)
    restarts.restart(old, by=factory.BY, undo_seconds=600)

    with pytest.raises(ControlError, match=r"is scheduled\. Delete it or let it finish first"):
        restarts.restart(old, by=factory.BY)


def test_f5_the_speed_is_changed_while_running() -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    Broadcast.objects.filter(pk=broadcast.pk).update(rate=0.5, next_slot_at=100_000_000)

    control.set_rate(broadcast, 10, by=factory.BY)

    # 2 s after the slot that was taken last becomes 0.1 s after it.
    assert (broadcast.rate, broadcast.next_slot_at) == (10, 98_100_000)
    assert control.set_rate(broadcast, None, by=factory.BY).rate is None
    assert control.set_rate(broadcast, 3, by=factory.BY).next_slot_at == 0
    for wrong in (0, -1, 0.001, 2e6, math.nan, math.inf):
        with pytest.raises(ControlError, match="messages a second from"):
            control.set_rate(broadcast, wrong, by=factory.BY)
    control.stop(broadcast, by=factory.BY)
    with pytest.raises(ControlError, match="this one is stopped"):
        control.set_rate(broadcast, 1, by=factory.BY)


def held(count: int) -> Broadcast:
    """A broadcast that holds that many people, and has one more queued."""
    channel = factory.channel()
    agent = factory.agent()
    for address in factory.people(channel, count + 1)[1:]:
        chats.take_over(address.pk, by=agent)
    return factory.sending([channel])


def test_g2_held_people_are_released_by_hand() -> None:
    broadcast = held(3)
    assert factory.states(broadcast) == {"queued": 1, "held": 3}
    numbers = _in_state(broadcast, "held")
    other = factory.sending(list(broadcast.channels.all()))

    assert control.release_held(broadcast, by=factory.BY, address_ids=numbers[:1]) == 1
    assert factory.states(broadcast) == {"queued": 2, "held": 2}
    assert control.release_held(broadcast, by=factory.BY) == 2

    assert factory.states(broadcast) == {"queued": 4}
    assert factory.states(other) == {"queued": 1, "held": 3}
    assert reconcile(broadcast.pk).ok
    with pytest.raises(ControlError, match="No recipients are held"):
        control.release_held(broadcast, by=factory.BY)


def test_g2_nobody_is_released_from_what_is_over() -> None:
    broadcast = held(1)
    control.stop(broadcast, by=factory.BY)

    with pytest.raises(ControlError, match="has ended"):
        control.release_held(broadcast, by=factory.BY)
