"""Restarts: of live broadcasts, and to a fixed audience."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.broadcasts import control, drafts, launch, restarts
from clarion.broadcasts.errors import ControlError, LaunchError
from clarion.broadcasts.models import Broadcast, Firing, Pick
from clarion.broadcasts.query import Audience
from clarion.contacts import tags
from clarion.engine import lifecycle
from clarion.engine.fire import fire_due
from clarion.kit import clock
from clarion.records.models import Delivery
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from support import factory

pytestmark = pytest.mark.django_db
LIVE: dict[str, dict[str, Any]] = {
    "periodic": {"recurrence": {"every": "day", "at": "09:00"}, "time_zone": "UTC"},
    "trigger": {"type": "trigger", "trigger": {"on": "tag", "tag": "vip", "delay": 60}},
    "external": {"type": "external"},
}


@pytest.mark.parametrize("what", LIVE)
def test_every_stopped_one_can_be_restarted_the_live_ones_too(what: str) -> None:
    broadcast = factory.live([factory.channel()], **LIVE[what])
    secret = broadcast.secret
    control.stop(broadcast, by=factory.BY)
    bob = factory.agent(name="Bob")
    assert "restart" in control.actions(broadcast)

    again = restarts.restart(broadcast, by=bob)

    assert (again.pk, again.state, again.agent) == (broadcast.pk, "live", bob)
    assert (again.finished_at, again.drained_at, again.secret) == (None, None, secret)
    assert (again.next_run_at is not None) == (what == "periodic")
    with pytest.raises(ControlError, match="Stop it first"):
        restarts.restart(again, by=bob)


def fired(broadcast: Broadcast, contacts: list[int]) -> None:
    tags.assign(["vip"], contacts, by=factory.BY)
    broadcast.firings.filter(state="waiting").update(due_at=clock.now())
    fire_due()


def test_a_restarted_trigger_fires_again_once_per_contact_and_sends_to_whom_it_failed() -> None:
    channel = factory.channel()
    people = factory.people(channel, 5)
    contacts = [one.contact_id for one in people]
    trigger = factory.live([channel], **LIVE["trigger"])
    fired(trigger, contacts[:3])
    factory.settle_each(channel, ["sent", "failed"])
    tags.assign(["vip"], contacts[3:4], by=factory.BY)  # waits for its delay
    control.stop(trigger, by=factory.BY)

    assert restarts.leftover(trigger)["failed"] == 1
    restarts.restart(trigger, by=factory.BY, undo_seconds=0)

    # One failed and one was queued: both get a restart, and nobody else does.
    (fresh,) = trigger.restarts.all()
    unreached = Delivery.objects.filter(broadcast=trigger).exclude(state="sent")
    assert {one.address_id for one in unreached} == set(
        Pick.objects.filter(broadcast=fresh).values_list("address_id", flat=True)
    )
    assert fresh.type == "broadcast"
    # What waited when it was stopped stays dropped; what happens from now on fires.
    assert [one.state for one in trigger.firings.filter(contact_id=contacts[3])] == ["dropped"]
    fired(trigger, contacts)
    reached = trigger.firings.filter(state=Firing.State.SENT).values_list("contact_id", flat=True)
    assert sorted(reached) == sorted([*contacts[:3], contacts[4]])
    # A restart of the restart is possible while the trigger lives.
    lifecycle.start_due()
    factory.expand(fresh)
    control.stop(fresh, by=factory.BY)
    assert restarts.restart(fresh, by=factory.BY, undo_seconds=0).restart_of == fresh


def test_a_trigger_that_fired_several_times_restarts_each_contact_once() -> None:
    channel = factory.channel()
    (person,) = factory.people(channel, 1)
    rule = {"on": "event", "event": "paid", "delay": 60, "again": True}
    trigger = factory.live([channel], type="trigger", trigger=rule)
    for occurrence in range(2):
        factory.delivery(trigger, person, "failed", occurrence=occurrence, has_progress=False)
    control.stop(trigger, by=factory.BY)

    assert restarts.leftover(trigger)["failed"] == 1
    restarts.restart(trigger, by=factory.BY, undo_seconds=0)

    (fresh,) = trigger.restarts.all()
    assert fresh.picks.count() == 1


def stopped() -> Broadcast:
    channel = factory.channel()
    factory.people(channel, 3)
    broadcast = factory.sending([channel])
    factory.settle_each(channel, ["sent", "failed"])
    control.stop(broadcast, by=factory.BY)
    return broadcast


@pytest.mark.parametrize(
    "change",
    [
        {"audience": Audience(kind="all")},
        {"picks": []},
        {"channels": []},
        {"type": "trigger"},
        {"recurrence": {"every": "day", "at": "09:00"}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_audience_of_a_restart_is_fixed(change: dict[str, Any]) -> None:
    old = stopped()
    fresh = restarts.restart(old, by=factory.BY)
    launch.undo(fresh, by=factory.BY)

    with pytest.raises(LaunchError, match=r"restart is (fixed|sent once)"):
        drafts.edit_draft(fresh, by=factory.BY, **change)

    same = Audience.model_validate(fresh.audience)
    drafts.edit_draft(
        fresh, by=factory.BY, text="Better", audience=same, channels=list(old.channels.all()),
        scheduled_at=clock.now() + timedelta(days=1),
    )  # fmt: skip
    assert launch.start(fresh, by=factory.BY).state == "scheduled"
    assert set(fresh.picks.values_list("address_id", flat=True)) == set(
        Delivery.objects.filter(broadcast=old)
        .exclude(state="sent")
        .values_list("address_id", flat=True)
    )


def test_who_turns_out_to_have_it_before_a_restart_begins_does_not_get_it_again() -> None:
    old = stopped()
    fresh = restarts.restart(old, by=factory.BY, undo_seconds=0)
    failed = Delivery.objects.get(broadcast=old, state="failed")
    key = f"{old.key}-{failed.pk}"
    assert (
        apply_receipts([ReceiptUpdate(failed.channel_id, "delivered", 1, 2, message_id=key)]) == []
    )

    lifecycle.start_due()
    factory.expand(fresh)

    addresses = set(Delivery.objects.filter(broadcast=fresh).values_list("address_id", flat=True))
    assert failed.address_id not in addresses
    assert len(addresses) == fresh.total == 1


def test_a_file_of_user_ids_goes_to_one_channel_also_when_a_second_is_ticked_later() -> None:
    channel, other = factory.channel(), factory.channel("other")
    people = factory.people(channel, 2)
    draft = drafts.create_draft(
        by=factory.BY, channels=[channel], text="Hi", picks=[one.pk for one in people],
        audience=Audience(kind="picks", picked_from="ids"),
    )  # fmt: skip
    drafts.edit_draft(draft, by=factory.BY, channels=[channel, other])

    with pytest.raises(LaunchError, match="exactly one channel"):
        launch.start(draft, by=factory.BY)

    drafts.edit_draft(draft, by=factory.BY, channels=[channel])
    assert launch.start(draft, by=factory.BY).state == "scheduled"
