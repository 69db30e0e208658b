"""J5: who changed a broadcast, when and why, is written by what changes it."""

from datetime import timedelta

import pytest

from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.broadcasts import control, drafts, events, launch, restarts, retention, singles
from clarion.broadcasts.models import Broadcast, Event
from clarion.channels.manage import pause_channel, resume_channel
from clarion.channels.models import Channel
from clarion.chats import control as chats
from clarion.engine import lifecycle, reap
from clarion.engine.claim import claim
from clarion.engine.stops import wait_on_channel
from clarion.kit import clock, db
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Agent:
    return factory.agent()


@pytest.fixture
def channel() -> Channel:
    found = factory.channel("Shop")
    factory.people(found, 3)
    return found


def kinds(broadcast: Broadcast) -> list[str]:
    return list(broadcast.events.order_by("at", "pk").values_list("kind", flat=True))


def last(broadcast: Broadcast) -> Event:
    return broadcast.events.order_by("at", "pk").last()


def test_a_life_in_order(channel: Channel, ada: Agent) -> None:
    broadcast = launch.start(factory.draft([channel]), by=ada, undo_seconds=0)
    lifecycle.start_due()
    factory.expand(broadcast)
    control.pause(broadcast, by=ada, reason="Wrong price.")
    control.resume(broadcast, by=ada)
    control.set_rate(broadcast, 30, by=ada)
    factory.settle_all(channel)
    lifecycle.finish()

    assert kinds(broadcast) == [
        "create", "send", "begin", "expanded", "pause", "resume", "rate_changed", "complete",
    ]  # fmt: skip
    of = {event.kind: event for event in broadcast.events.all()}
    assert (of["pause"].agent, of["pause"].actor) == (ada, "Ada")
    assert of["pause"].detail == {"reason": "Wrong price."}
    assert of["rate_changed"].detail == {"rate": 30}
    assert (of["begin"].agent, of["begin"].actor) == (None, events.CLARION)
    assert of["expanded"].detail == {"people": 3}
    assert of["complete"].detail == {"sent": 3}


def test_a_stop_names_the_reason_and_the_audit_log_has_it_too(channel: Channel, ada: Agent) -> None:
    broadcast = factory.sending([channel])

    control.stop(broadcast, by=ada, reason="Recalled.")

    assert (last(broadcast).kind, last(broadcast).detail) == ("stop", {"reason": "Recalled."})
    entry = AuditEntry.objects.get(action="broadcast.stop")
    assert (entry.agent, entry.detail) == (ada, {"reason": "Recalled."})


def test_a_change_that_was_refused_is_no_event(channel: Channel, ada: Agent) -> None:
    broadcast = factory.sending([channel])
    before = kinds(broadcast)

    with pytest.raises(ValueError, match="Only a paused"):
        control.resume(broadcast, by=ada)

    assert kinds(broadcast) == before


def test_edits_by_one_agent_that_follow_each_other_are_one_event(
    channel: Channel, ada: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = drafts.create_draft(by=ada, channels=[channel], text="One")
    for text in ("Two", "Three"):
        drafts.edit_draft(draft, by=ada, text=text)
    assert kinds(draft) == ["create"]

    ben = factory.agent(name="Ben")
    drafts.edit_draft(draft, by=ben, text="Four")
    drafts.edit_draft(draft, by=ben, text="Five")
    assert kinds(draft) == ["create", "edited"]

    later = db.now_us() + (events.ONE_EDIT + timedelta(seconds=1)) // timedelta(microseconds=1)
    monkeypatch.setattr(db, "now_us", lambda: later)
    drafts.edit_draft(draft, by=ben, text="Six")
    assert kinds(draft) == ["create", "edited", "edited"]


def test_undo_and_a_copy(channel: Channel, ada: Agent) -> None:
    broadcast = launch.start(factory.draft([channel]), by=ada)
    launch.undo(broadcast, by=ada)
    copy = drafts.duplicate(broadcast, by=ada)

    assert kinds(broadcast) == ["create", "send", "undo", "duplicate"]
    assert last(broadcast).detail == {"copy": copy.pk}
    assert (last(copy).kind, last(copy).detail) == ("create", {"copy_of": broadcast.pk})


def test_one_that_is_missed_says_why(channel: Channel) -> None:
    broadcast = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=0)
    long_ago = clock.now() - timedelta(days=1)
    Broadcast.objects.filter(pk=broadcast.pk).update(scheduled_at=long_ago)

    lifecycle.start_due()

    assert last(broadcast).kind == "missed"
    assert "no worker was running" in last(broadcast).detail["reason"]


def test_what_happens_to_its_channel(channel: Channel, ada: Agent) -> None:
    elsewhere = factory.channel("Other")
    factory.people(elsewhere, 1)
    broadcast, other = factory.sending([channel]), factory.sending([elsewhere])
    draft = factory.draft([channel])

    pause_channel(channel, reason="The token is wrong.", by=audit.WORKER)
    pause_channel(channel, reason="Again.", by=audit.WORKER)
    resume_channel(channel, by=ada)
    now = db.now_us()
    for began in (now, now + clock.SECOND):  # the second continues the first
        wait_on_channel(channel.pk, began, began + 30 * clock.SECOND, "It answered 429.")

    expected = ["channel_paused", "channel_resumed", "channel_waits"]
    assert kinds(broadcast)[-3:] == expected
    paused, resumed, waits = broadcast.events.order_by("at", "pk")[len(kinds(broadcast)) - 3 :]
    assert paused.detail == {"channel": "Shop", "reason": "The token is wrong."}
    assert (paused.actor, resumed.actor) == (events.CLARION, "Ada")
    assert waits.detail["reason"] == "It answered 429."
    assert not set(expected) & {*kinds(other), *kinds(draft)}


def test_held_and_released(channel: Channel, ada: Agent) -> None:
    broadcast = factory.sending([channel])
    address = channel.addresses.first()

    chats.take_over(address.pk, by=ada)
    chats.close(address.pk, by=ada)

    held, released = broadcast.events.order_by("at", "pk")[len(kinds(broadcast)) - 2 :]
    assert (held.kind, held.detail) == ("held", {"chat": address.pk, "people": 1})
    assert (released.kind, released.detail) == ("released", {"chat": address.pk, "people": 1})

    chats.take_over(address.pk, by=ada)
    control.release_held(broadcast, by=ada)
    assert (last(broadcast).kind, last(broadcast).detail) == ("release", {"people": 1})


def test_a_worker_that_ended(channel: Channel) -> None:
    broadcast = factory.sending([channel])
    worker = reap.register()
    claim(channel.pk, worker, 2)

    reap.sign_off(worker)

    assert (last(broadcast).kind, last(broadcast).detail) == ("worker_ended", {"people": 2})


def test_a_restart_leads_both_ways(channel: Channel, ada: Agent) -> None:
    broadcast = factory.sending([channel])
    factory.settle_all(channel, "failed")
    lifecycle.finish()
    broadcast.refresh_from_db()

    fresh = restarts.restart(broadcast, by=ada)

    assert (last(broadcast).kind, last(broadcast).detail) == ("restart", {"restart": fresh.pk})
    assert kinds(fresh) == ["create", "send"]
    assert fresh.events.get(kind="create").detail == {"restart_of": broadcast.pk}


def test_a_message_to_one_person_has_none(channel: Channel, ada: Agent) -> None:
    singles.send_single(channel.addresses.first(), by=ada, text="Hello")
    lifecycle.start_due()
    factory.settle_all(channel)
    lifecycle.finish()

    assert Event.objects.count() == 0


def test_they_are_deleted_with_their_broadcast(channel: Channel, ada: Agent) -> None:
    broadcast = factory.sending([channel])
    factory.settle_all(channel)
    lifecycle.finish()
    broadcast.refresh_from_db()
    retention.remove(broadcast, by=ada)
    while retention.sweep():
        pass

    assert Event.objects.count() == 0
    assert AuditEntry.objects.filter(action="broadcast.remove").exists()
