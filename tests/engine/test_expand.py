"""Expanding: one delivery per person, whatever the audience, and none twice after a crash."""

import threading

import pytest
from django.db import connection

from clarion.broadcasts.audience import summary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import add_picks
from clarion.broadcasts.query import Audience
from clarion.chats.models import Chat
from clarion.contacts.models import Address, Tag, Tagging
from clarion.contacts.states import AddressState
from clarion.engine.expand import expand_chunk
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.models import Delivery
from support import factory

pytestmark = pytest.mark.django_db
AUDIENCES = [
    Audience(kind="all"),
    Audience(kind="all", without_tags=["staff"]),
    Audience(kind="tags", tags=["vip", "beta"]),
    Audience(kind="tags", tags=["vip", "beta"], without_tags=["staff"]),
    Audience(kind="picks", picked_from="hand"),
]


def world(audience: Audience) -> Broadcast:
    """A mixed crowd on two channels, and a broadcast to some of it that is being sent."""
    channels = [factory.channel("one"), factory.channel("two")]
    people = [*factory.people(channels[0], 40), *factory.people(channels[1], 40)]
    factory.people(factory.channel("three"), 10)
    tags = {name: Tag.objects.create(name=name) for name in ("vip", "beta", "staff")}
    for number, address in enumerate(people):
        for step, name in ((2, "vip"), (3, "beta"), (7, "staff")):
            if number % step == 0:
                Tagging.objects.create(tag=tags[name], contact=address.contact)
        if number % 5 == 0:
            Chat.objects.create(address=address, state="open")
    for step, state in ((11, "blocked"), (13, "opted_out"), (17, "unreachable")):
        ids = [address.pk for address in people[::step]]
        Address.objects.filter(pk__in=ids).update(state=state)
    broadcast = Broadcast.objects.create(
        state="sending", audience=audience.model_dump(), text="Hello", scheduled_at=clock.now()
    )
    broadcast.channels.set(channels)
    add_picks(broadcast, [address.pk for address in people[::3]])
    return broadcast


def whole(broadcast: Broadcast, size: int) -> None:
    while expand_chunk(broadcast, size):
        broadcast.refresh_from_db()


@pytest.mark.parametrize("audience", AUDIENCES, ids=lambda one: one.model_dump_json()[:40])
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_what_is_written_is_what_was_counted(audience: Audience, size: int) -> None:
    broadcast = world(audience)
    counted = summary(audience, list(broadcast.channels.all()), broadcast_id=broadcast.pk)
    whole(broadcast, size)
    assert broadcast.expanded_at is not None
    states = factory.states(broadcast)
    dropped = counted.dropped
    assert states["queued"] + states["held"] == counted.total
    assert states["held"] == counted.held > 0
    gone = sum(dropped.get(state, 0) for state in AddressState.values)
    assert states["skipped"] == gone > 0
    assert broadcast.total == sum(states.values())
    by_tallies = tallies.counts([broadcast.pk])[broadcast.pk]
    assert {state: number for state, number in by_tallies.items() if number} == states
    reasons = Delivery.objects.filter(broadcast=broadcast, state="skipped")
    assert not reasons.filter(reason=None).exists()
    assert not reasons.exclude(reason__code__in=AddressState.values).exists()


def test_with_open_chats_ended_nobody_is_held() -> None:
    broadcast = world(Audience(kind="all"))
    Broadcast.objects.update(end_open_chats=True)
    whole(broadcast, 1000)
    assert "held" not in factory.states(broadcast)


def test_a_chunk_that_fails_leaves_nothing_and_is_done_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    broadcast = world(Audience(kind="all"))
    assert expand_chunk(broadcast, 10)
    before = factory.states(broadcast)

    def crash(*_: object) -> None:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(tallies, "shift", crash)
        with pytest.raises(RuntimeError):
            expand_chunk(broadcast, 10)
    assert factory.states(broadcast) == before
    whole(broadcast, 10)
    assert broadcast.total == Delivery.objects.filter(broadcast=broadcast).count() == 80


@pytest.mark.django_db(transaction=True)
def test_any_number_of_workers_may_expand() -> None:
    broadcast = world(Audience(kind="all"))
    problems: list[Exception] = []

    def work() -> None:
        try:
            mine = Broadcast.objects.get(pk=broadcast.pk)
            while mine.expanded_at is None:
                expand_chunk(mine, 3)
                mine.refresh_from_db()
        except Exception as error:  # noqa: BLE001 - shown by the assertion
            problems.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    broadcast.refresh_from_db()
    assert problems == []
    assert broadcast.total == Delivery.objects.filter(broadcast=broadcast).count() == 80
    assert sum(tallies.counts([broadcast.pk])[broadcast.pk].values()) == 80
