"""Triggers: what fires them, for whom, and when."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection, transaction

from clarion.broadcasts import control, firings
from clarion.broadcasts.errors import TriggerError
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.trigger import parse, words
from clarion.channels.models import Channel
from clarion.contacts import tags
from clarion.contacts.models import Contact
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
TAG = {"on": "tag", "tag": "vip"}
EVENT = {"on": "event", "event": "signed-up"}


def live(channel: Channel, trigger: dict[str, Any], **fields: Any) -> Broadcast:
    return factory.live([channel], text="Hello", type="trigger", trigger=trigger, **fields)


def contacts(channel: Channel, count: int = 1, **fields: Any) -> list[int]:
    ids = [address.contact_id for address in factory.people(channel, count)]
    Contact.objects.filter(pk__in=ids).update(**fields) if fields else None
    return ids


def tag(*contact_ids: int, name: str = "vip") -> None:
    tags.assign([name], contact_ids, by=factory.BY)


def due(after: timedelta = timedelta(minutes=2)) -> list[tuple[int, list[int]]]:
    """Take what is due some time from now, and count it as sent."""
    with transaction.atomic():
        taken = firings.take_due(clock.now() + after, 1_000)
        for _, due in taken:
            firings.mark_sent(due)
    return [(one.pk, [firing.contact_id for firing in due]) for one, due in taken]


def stored() -> list[tuple[int, str, str]]:
    firings_by_contact = Firing.objects.order_by("contact_id", "occurrence")
    return [(one.contact_id, one.state, one.reason) for one in firings_by_contact]


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        ({}, "Choose what it fires on: a tag, an event or a segment."),
        ({"on": "birthday"}, "Choose what it fires on: a tag, an event or a segment."),
        ({"on": "tag"}, "Choose the tag that it fires on."),
        ({"on": "tag", "tag": "a,b"}, "“a,b” can't be a tag."),
        ({"on": "event", "event": " "}, "Name the event that it fires on."),
        *(
            ({**EVENT, "delay": delay}, "Choose a delay in whole minutes, from 1 minute to 366 d")
            for delay in (59, 90, 366 * 86_400 + 60)
        ),
        ({**EVENT, "at": "25:00"}, "Write the time of day like 09:00."),
        ({**EVENT, "conditions": [{"is": "set"}]}, "Complete each condition"),
        ({**EVENT, "conditions": [{"tag": "a", "is": "set"}]}, "Complete each condition"),
        ({**EVENT, "conditions": [{"attribute": "a", "is": "has"}]}, "Complete each condition"),
        ({**EVENT, "conditions": [{"attribute": "a", "is": "equals"}]}, "Give a short value"),
        ({**EVENT, "conditions": [{"attribute": "a", "is": "like"}]}, "Complete each condition"),
        ({**EVENT, "conditions": [{"tag": "a", "is": "has"}] * 21}, "Complete each condition"),
    ],
)
def test_c4_a_trigger_that_can_not_be_is_refused(raw: dict[str, Any], says: str) -> None:
    with pytest.raises(TriggerError) as refused:
        parse(raw)
    assert str(refused.value).startswith(says)


def test_c4_words() -> None:
    vip = {**TAG, "delay": 7_200, "at": "9:00", "conditions": [
        {"attribute": "city", "is": "equals", "value": "Bonn"}, {"tag": "paid", "is": "has_not"},
    ]}  # fmt: skip
    assert words(parse(vip)) == (
        "2 hours after the tag “vip” is assigned, at 09:00 in the contact's time zone, "
        "if city is “Bonn” and "
        "they do not have the tag “paid”, once per contact"
    )
    assert words(parse({**EVENT, "delay": 5_400, "again": True})) == (
        "90 minutes after the event “signed-up”, each time"
    )


def test_c4_a_tag_given_by_hand_fires_after_the_delay(channel: Channel) -> None:
    broadcast = live(channel, {**TAG, "delay": 3_600})
    one, two, _ = contacts(channel, 3)
    tag(one, two)
    tag(two, name="other")

    assert due(timedelta(minutes=55)) == []
    assert due(timedelta(minutes=61)) == [(broadcast.pk, [one, two])]
    assert due() == []


def test_c4_who_had_the_tag_before_is_not_meant(channel: Channel) -> None:
    one, two = contacts(channel, 2)
    tag(one)
    live(channel, TAG)
    tag(one, two)
    assert [key for key, _, _ in stored()] == [two]


def test_c4_once_per_contact(channel: Channel) -> None:
    live(channel, TAG)
    (contact,) = contacts(channel)
    for _ in range(2):
        tag(contact)
        tags.remove(["vip"], [contact], by=factory.BY)
    assert len(stored()) == 1
    due()
    tag(contact)
    assert stored() == [(contact, "sent", "")]


def test_c4_again_each_time(channel: Channel) -> None:
    live(channel, {**EVENT, "again": True})
    (contact,) = contacts(channel)
    assert [firings.event_arrived("signed-up", contact) for _ in range(3)] == [1, 1, 1]
    assert [firing.occurrence for firing in Firing.objects.order_by("pk")] == [0, 1, 2]
    assert sum(len(contacts) for _, contacts in due()) == 3


def test_c4_an_event_fires_all_its_triggers_with_its_data(channel: Channel) -> None:
    first, second = live(channel, EVENT), live(channel, {**EVENT, "delay": 3_600})
    live(channel, {"on": "event", "event": "left"})
    (contact,) = contacts(channel)
    at = clock.now() - timedelta(seconds=30)
    assert firings.event_arrived("signed-up", contact, {"plan": "gold"}, at) == 2
    assert firings.event_arrived("signed-up", contact) == 0

    firings_of = {firing.broadcast_id: firing for firing in Firing.objects.all()}
    assert firings_of.keys() == {first.pk, second.pk}
    assert firings_of[first.pk].data == {"plan": "gold"}
    assert firings_of[first.pk].due_at - at == timedelta(seconds=60)
    assert firings_of[second.pk].due_at - at == timedelta(hours=1)


def test_c4_at_a_clock_time_where_the_person_lives(channel: Channel) -> None:
    live(channel, {**EVENT, "at": "09:00"}, time_zone="Europe/Berlin")
    at = datetime(2024, 10, 26, 20, 0, tzinfo=UTC)  # the evening before the clocks go back
    zones = {"": 8, "America/New_York": 13, "Asia/Tokyo": 0, "Nowhere": 8}
    for zone, hour in zones.items():
        (contact,) = contacts(channel, time_zone=zone)
        channel = factory.channel(f"next to {zone}")
        firings.event_arrived("signed-up", contact, {}, at)
        firing = Firing.objects.get(contact=contact)
        assert firing.due_at == datetime(2024, 10, 27, hour, 0, tzinfo=UTC), zone


CITY = {"attribute": "city", "is": "equals", "value": "berlin"}


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        (CITY, True),
        ({**CITY, "is": "not"}, False),
        ({**CITY, "is": "contains", "value": "ERL"}, True),
        ({**CITY, "value": "Bonn"}, False),
        ({"attribute": "city", "is": "set"}, True),
        ({"attribute": "city", "is": "unset"}, False),
        ({"attribute": "nothing", "is": "unset"}, True),
        ({"attribute": "nothing", "is": "not", "value": "x"}, True),
        ({"attribute": "age", "is": "equals", "value": 40}, True),
        ({"attribute": "age", "is": "equals", "value": "40"}, True),
        ({"attribute": "likes", "is": "contains", "value": "Tea"}, True),
        ({"attribute": "likes", "is": "contains", "value": "Te"}, False),
        ({"attribute": "member", "is": "equals", "value": True}, True),
        ({"attribute": "member", "is": "equals", "value": "true"}, True),
        ({"attribute": "language", "is": "equals", "value": "DE"}, True),
        ({"tag": "new", "is": "has"}, True),
        ({"tag": "new", "is": "has_not"}, False),
        ({"tag": "old", "is": "has"}, False),
        ({"tag": "old", "is": "has_not"}, True),
    ],
)
def test_c4_conditions(channel: Channel, condition: dict[str, Any], holds: bool) -> None:
    live(channel, {**EVENT, "conditions": [condition]})
    (contact,) = contacts(channel, language="de", attributes={
        "city": "Berlin", "age": 40, "likes": ["tea", "milk"], "member": True,
    })  # fmt: skip
    tag(contact, name="new")
    firings.event_arrived("signed-up", contact)
    assert bool(due()) is holds
    ((_, state, reason),) = stored()
    assert state == ("sent" if holds else "dropped")
    assert reason.startswith("" if holds else "It does not hold that ")


def test_c4_conditions_are_looked_at_when_the_moment_has_come(channel: Channel) -> None:
    broadcast = live(channel, {**EVENT, "conditions": [{"tag": "paid", "is": "has_not"}]})
    one, two = contacts(channel, 2)
    for contact in (one, two):
        firings.event_arrived("signed-up", contact)
    tag(one, name="paid")
    assert due() == [(broadcast.pk, [two])]
    assert stored()[0] == (
        one, "dropped", "It does not hold that they do not have the tag “paid”."
    )  # fmt: skip

    # What was dropped does not count as once.
    tags.remove(["paid"], [one], by=factory.BY)
    firings.event_arrived("signed-up", one)
    assert due() == [(broadcast.pk, [one])]
    firings_of_one = Firing.objects.filter(contact=one).order_by("occurrence")
    assert [(firing.occurrence, firing.state) for firing in firings_of_one] == [
        (0, "dropped"), (1, "sent"),
    ]  # fmt: skip


def test_c4_firings_of_a_paused_one_wait_and_leave_after_resume(channel: Channel) -> None:
    broadcast = live(channel, TAG)
    one, two = contacts(channel, 2)
    tag(one)
    control.pause(broadcast, by=factory.BY)
    tag(two)
    # So long a pause is no lateness: nobody would want to be asked.
    Firing.objects.update(due_at=clock.now() - timedelta(days=3))
    assert due() == []
    control.resume(broadcast, by=factory.BY)
    assert broadcast.state == "live"
    assert due() == [(broadcast.pk, [one, two])]


def test_c4_firings_of_a_stopped_one_are_dropped(channel: Channel) -> None:
    broadcast = live(channel, TAG)
    one, two = contacts(channel, 2)
    tag(one)
    control.stop(broadcast, by=factory.BY)
    tag(two)
    assert due() == []
    assert stored() == [(one, "dropped", "The broadcast was stopped.")]


def test_c6_firings_that_are_too_late_ask_first(channel: Channel) -> None:
    broadcast = live(channel, TAG)
    (contact,) = contacts(channel)
    tag(contact)
    assert due(timedelta(hours=2)) == []
    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert broadcast.state_reason == (
        "For 1 contact it fired more than 60 minutes too late: no worker was running. Resume it to "
        "send to them now, or stop it."
    )
    assert stored() == [(contact, "waiting", "")]


def test_c4_a_limit_is_kept_and_the_rest_follows(channel: Channel) -> None:
    live(channel, EVENT)
    live(channel, EVENT)
    for one in contacts(channel, 5):
        firings.event_arrived("signed-up", one)
    sizes = []
    while True:
        with transaction.atomic():
            taken = firings.take_due(clock.now() + timedelta(minutes=2), 3)
            for _, some in taken:
                firings.mark_sent(some)
        if not taken:
            break
        sizes.append(sum(len(some) for _, some in taken))
    assert sizes == [3, 3, 3, 1]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.mark.django_db(transaction=True)
def test_c4_races_fire_once_or_each_time(channel: Channel, threads: ThreadPoolExecutor) -> None:
    once, each = live(channel, EVENT), live(channel, {**EVENT, "again": True})
    people = contacts(channel, 5)

    def happen() -> None:
        with closing(connection):
            for one in people:
                firings.event_arrived("signed-up", one)

    for running in [threads.submit(happen) for _ in range(4)]:
        running.result()
    assert Firing.objects.filter(broadcast=once).count() == 5
    assert Firing.objects.filter(broadcast=each).count() == 20


@pytest.mark.django_db(transaction=True)
def test_c4_two_engines_never_take_the_same(channel: Channel, threads: ThreadPoolExecutor) -> None:
    live(channel, EVENT)
    people = contacts(channel, 40)
    for one in people:
        firings.event_arrived("signed-up", one)

    def engine() -> list[int]:
        got: list[int] = []
        with closing(connection):
            while Firing.objects.filter(state="waiting").exists():
                with transaction.atomic():
                    for _, some in firings.take_due(clock.now() + timedelta(minutes=2), 7):
                        firings.mark_sent(some)
                        got += [firing.contact_id for firing in some]
        return got

    taken = [running.result() for running in [threads.submit(engine) for _ in range(3)]]
    assert sorted(one for some in taken for one in some) == people
