"""Triggers on their way: from what happens to somebody to the message they get."""

from datetime import timedelta
from typing import Any

import pytest

from clarion.accounts.models import Agent
from clarion.broadcasts import control, firings
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.chats import control as chats
from clarion.contacts import tags
from clarion.contacts.models import Address
from clarion.engine import fire, lifecycle
from clarion.kit import clock
from clarion.records.models import Delivery, DeliveryProgress, Record
from support import factory
from support.listener import Listener
from support.waiting import eventually

pytestmark = pytest.mark.django_db
ON_ORDER = {"on": "event", "event": "order", "delay": 60}


def live(channel: Channel, text: str = "Hello", **trigger: Any) -> Broadcast:
    return factory.live([channel], text=text, type="trigger", trigger=ON_ORDER | trigger)


def pass_time(minutes: float = 2) -> None:
    """As if it had happened that much earlier."""
    for firing in Firing.objects.all():
        firing.due_at -= timedelta(minutes=minutes)
        firing.save()


def test_c4_a_trigger_sends_to_one_person_with_the_events_data(engine: None) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        ann, ben = factory.people(channel, 2)
        broadcast = live(channel, "Order {{ data.number }} for {{ contact.name }}")

        assert firings.event_arrived("order", ann.contact_id, {"number": 7}) == 1
        assert firings.event_arrived("order", ann.contact_id, {"number": 8}) == 0
        pass_time()
        eventually(lambda: Record.objects.exists(), timeout=60)

        assert [heard.body["text"] for heard in listener.heard] == ["Order 7 for Person 0"]
    record = Record.objects.get()
    assert record.address_id == ann.pk
    # From the moment it fired for this person, not from the trigger's own beginning.
    assert record.recorded_at - Firing.objects.get().due_at == timedelta(
        microseconds=record.latency
    )
    assert not Delivery.objects.filter(address=ben.pk).exists()
    eventually(lambda: not DeliveryProgress.objects.exists(), timeout=60)
    broadcast.refresh_from_db()
    assert (broadcast.state, broadcast.total) == ("live", 1)
    assert reconcile(broadcast.pk).ok


def test_c4_again_each_time_is_another_delivery_to_the_same_person(engine: None) -> None:
    with Listener() as listener:
        channel = factory.channel(url=f"{listener.url}/hook")
        (ann,) = factory.people(channel, 1)
        broadcast = live(channel, "Number {{ data.n }}", again=True)
        for number in range(3):
            assert firings.event_arrived("order", ann.contact_id, {"n": number}) == 1
        pass_time()
        eventually(lambda: Record.objects.count() == 3, timeout=60)

        assert sorted(heard.body["text"] for heard in listener.heard) == [
            "Number 0", "Number 1", "Number 2",
        ]  # fmt: skip
        assert len({heard.headers["idempotency-key"] for heard in listener.heard}) == 3
    assert reconcile(broadcast.pk).ok


def test_c4_whoever_can_not_be_sent_to_is_skipped_or_held_with_the_reason() -> None:
    channel = factory.channel()
    ann, ben, cas = factory.people(channel, 3)
    broadcast = live(channel)
    chats.take_over(ann.pk, by=Agent.objects.first() or factory.agent())
    Address.objects.filter(pk=ben.pk).update(state="opted_out")
    for person in (ann, ben, cas):
        firings.event_arrived("order", person.contact_id)
    pass_time()

    assert fire.fire_due() == 3
    assert fire.fire_due() == 0
    states = dict(Delivery.objects.values_list("address_id", "state"))
    assert states == {ann.pk: "held", ben.pk: "skipped", cas.pk: "queued"}
    assert reconcile(broadcast.pk).ok


def test_c4_a_tag_given_to_many_fires_for_each_of_them_once() -> None:
    channel = factory.channel()
    people = factory.people(channel, 50)
    broadcast = live(channel, on="tag", tag="vip")
    everybody = [person.contact_id for person in people]
    tags.assign(["vip"], everybody, by=factory.BY)
    tags.assign(["vip"], everybody, by=factory.BY)
    pass_time()

    assert fire.fire_due() == 50
    assert factory.states(broadcast) == {"queued": 50}


def test_c4_a_stopped_trigger_takes_back_what_waits() -> None:
    channel = factory.channel()
    ann, ben = factory.people(channel, 2)
    broadcast = live(channel)
    firings.event_arrived("order", ann.contact_id)
    pass_time()
    fire.fire_due()
    firings.event_arrived("order", ben.contact_id)
    control.stop(broadcast, by=factory.BY)
    Broadcast.objects.update(finished_at=clock.now() - timedelta(minutes=2))

    lifecycle.cancel_remaining()
    lifecycle.cancel_remaining()
    assert factory.states(broadcast) == {"unsent": 1}
    broadcast.refresh_from_db()
    assert broadcast.drained_at is None  # a firing waits
    fire.fire_due()
    assert Firing.objects.get(contact=ben.contact_id).state == "dropped"
    lifecycle.cancel_remaining()
    broadcast.refresh_from_db()
    assert broadcast.drained_at is not None


def test_c4_somebody_without_an_address_on_its_channels_is_said_to_be_left_out() -> None:
    channel, other = factory.channel(), factory.channel("other")
    (ann,) = factory.people(other, 1)
    live(channel)
    firings.event_arrived("order", ann.contact_id)
    pass_time()

    fire.fire_due()

    firing = Firing.objects.get()
    assert (firing.state, firing.reason) == ("dropped", fire.NOBODY)
