"""Each writer moves deliveries exactly from where, and to where, the table of legal moves says.

For each of them there is a delivery in every state, with and without an attempt that may have got
through. What has moved afterwards is compared with the table.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from django.db import IntegrityError, transaction

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.deliveries import cancel, hold
from clarion.records.deliveries import receipts as moved_by_receipts
from clarion.records.deliveries.claim import claim_rows
from clarion.records.deliveries.requeue import (
    end_in_doubt,
    requeue,
    requeue_maybe_sent,
    requeue_unsent,
)
from clarion.records.deliveries.settle import Settlement, settle_rows
from clarion.records.deliveries.write import Fate, Recipients, write_missing, write_new
from clarion.records.models import Delivery, Record
from clarion.records.reasons import forget, reason_ids
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.records.states import ALL, INITIAL, MOVES, may_move, sources
from support import factory

WORKER, STRANGER = 1, 2
REASON = ("some", "For some reason.")


class World:
    """One broadcast with deliveries in every state, to one address each."""

    def __init__(self) -> None:
        self.channel: Channel = factory.channel()
        self.broadcast: Broadcast = factory.broadcast()
        self.before: dict[int, str] = {}
        for state in ALL:
            for maybe_sent in (False, True):
                self._add(state, maybe_sent=maybe_sent)
        self._add("sending", worker_id=STRANGER)

    def _add(self, state: str, **more: object) -> None:
        person = factory.address(self.channel, f"u{len(self.before)}")
        name = f"x{len(self.before)}"
        delivery = factory.delivery(self.broadcast, person, state, external_id=name, **more)
        self.before[delivery.pk] = state

    @property
    def deliveries(self) -> list[Delivery]:
        return list(Delivery.objects.order_by("pk"))

    def moves(self) -> set[tuple[str, str]]:
        """What has moved since; the tallies agree with the rows."""
        rows = {delivery.pk: delivery.state for delivery in self.deliveries}
        counted = dict.fromkeys(ALL, 0)
        for state in rows.values():
            counted[state] += 1
        assert tallies.counts([self.broadcast.pk])[self.broadcast.pk] == counted
        return {
            (self.before[key], state) for key, state in rows.items() if state != self.before[key]
        }

    def others_kept(self) -> bool:
        """Whether another worker still has what it had claimed."""
        return any(d.worker_id == STRANGER and d.state == "sending" for d in self.deliveries)


@pytest.fixture
def world(db: None) -> Iterator[World]:
    forget()
    yield World()
    forget()


def claim(world: World) -> None:
    claim_rows(WORKER, world.channel.pk, [(world.broadcast.pk, 100)], 100, clock.now_us())


def settle(after: str, *, reopen: bool = False) -> Callable[[World], None]:
    def write(world: World) -> None:
        settle_rows(
            WORKER,
            [
                Settlement(d.pk, d.broadcast_id, d.channel_id, d.address_id, after, 1, 1)
                for d in world.deliveries
            ],
            reopen=reopen,
        )

    return write


def leave(write: Callable[[int, list[int]], int]) -> Callable[[World], None]:
    def run(world: World) -> None:
        assert write(WORKER, list(world.before)) in (2, 0)  # the second time

    return run


def give_up(world: World) -> None:
    reason = reason_ids([REASON])[REASON]
    end_in_doubt(WORKER, dict.fromkeys(world.before, "Hello"), reason, {world.broadcast.pk: 0})


def receive(status: str) -> Callable[[World], None]:
    def write(world: World) -> None:
        apply_receipts(
            [
                ReceiptUpdate(world.channel.pk, status, 1, 1, external_id=d.external_id)
                for d in world.deliveries
            ]
        )

    return write


def hold_all(world: World) -> None:
    for delivery in world.deliveries:
        hold.hold(delivery.address_id, [world.broadcast.pk])


def skip_all(world: World) -> None:
    people = [delivery.address_id for delivery in world.deliveries]
    cancel.skip_addresses(people, [world.broadcast.pk], REASON)


def pairs(befores: list[str], *afters: str) -> set[tuple[str, str]]:
    return {(before, after) for before in befores for after in afters}


NOT_CLAIMED = {"queued", "held"}
PROVEN = {"sent", "failed"}  # what an answer that comes late says of one in doubt
EVERY = {  # a writer, and what it should move
    "claim": (claim, pairs(sources("sending"), "sending")),
    "requeue": (leave(requeue), pairs(sources("queued", among={"sending"}), "queued")),
    "requeue_maybe_sent": (
        leave(requeue_maybe_sent),
        pairs(sources("queued", among={"sending"}), "queued"),
    ),
    "end_in_doubt": (give_up, pairs(sources("in_doubt", among={"sending"}), "in_doubt")),
    "hold": (hold_all, pairs(sources("held"), "held")),
    "release": (
        lambda world: hold.release([d.address_id for d in world.deliveries]),
        pairs(sources("queued", among={"held"}), "queued"),
    ),
    "release_in": (
        lambda world: hold.release_in(world.broadcast.pk),
        pairs(sources("queued", among={"held"}), "queued"),
    ),
    "release_leftover": (
        lambda world: hold.release_leftover(),
        pairs(sources("queued", among={"held"}), "queued"),
    ),
    "cancel_remaining": (
        lambda world: cancel.cancel_remaining(world.broadcast.pk),
        pairs(sources("unsent", among=NOT_CLAIMED), "unsent", "in_doubt"),
    ),
    "skip_addresses": (
        skip_all,
        pairs(sources("skipped", among=NOT_CLAIMED), "skipped", "in_doubt"),
    ),
    **{
        f"settle as {after}": (
            settle(after),
            pairs(["sending"], after)
            # Answered, though the worker had been given up: proven.
            | (pairs(sources(after, among={"in_doubt"}), after) if after in PROVEN else set()),
        )
        for after in sorted(MOVES["sending"])
    },
    "requeue_unsent": (
        lambda world: requeue_unsent(list(world.before)),
        pairs(sources("queued", among={"in_doubt"}), "queued"),
    ),
    "settle as queued, open again": (
        settle("queued", reopen=True),
        pairs(sources("queued", among={"sending", "in_doubt"}), "queued"),
    ),
    **{
        f"receipt: {status}": (receive(status), pairs(sources(status), status))
        for status in ("delivered", "read", "failed")
    },
}


@pytest.mark.parametrize("name", EVERY)
def test_a_writer_moves_what_the_table_lets_it_and_nothing_twice(world: World, name: str) -> None:
    write, expected = EVERY[name]

    write(world)
    assert world.moves() == expected
    assert name.startswith("receipt") or world.others_kept()

    world.before = {d.pk: d.state for d in world.deliveries}
    records = Record.objects.count()
    write(world)
    assert world.moves() == set()
    assert Record.objects.count() == records


def test_every_legal_move_is_made_by_some_writer() -> None:
    moves = set().union(*(expected for _, expected in EVERY.values()))
    assert moves == {(before, after) for before in MOVES for after in MOVES[before]}


@pytest.mark.parametrize("after", [s for s in ALL if not may_move("sending", s)])
def test_nothing_is_settled_as_what_the_table_forbids(world: World, after: str) -> None:
    with pytest.raises(ValueError, match=f"may become {after}"):
        settle(after)(world)

    assert world.moves() == set()


def test_receipts_move_what_is_locked_as_the_table_says(world: World) -> None:
    for before, after in [(b, a) for b in ALL for a in ALL if a != "sending"]:
        person = factory.address(world.channel, f"{before} {after}")
        delivery = factory.delivery(world.broadcast, person, before)
        locked = moved_by_receipts.lock([delivery.pk])[delivery.pk]
        change = [(locked, replace(locked, state=after))]
        if before == after or may_move(before, after):
            moved_by_receipts.move(change)
            assert Delivery.objects.get(pk=delivery.pk).state == after
        else:
            with pytest.raises(ValueError, match=f"that is {before} may become {after}"):
                moved_by_receipts.move(change)
            assert Delivery.objects.get(pk=delivery.pk).state == before


def test_receipts_leave_what_has_moved_since_it_was_locked(world: World) -> None:
    delivery = next(d for d in world.deliveries if d.state == "sent")
    locked = moved_by_receipts.lock([delivery.pk])[delivery.pk]
    Delivery.objects.filter(pk=delivery.pk).update(state="read")

    with pytest.raises(RuntimeError, match="has moved"):
        moved_by_receipts.move([(locked, replace(locked, state="delivered"))])

    assert Delivery.objects.get(pk=delivery.pk).state == "read"


@pytest.mark.parametrize("state", ALL)
def test_a_delivery_begins_as_the_table_says(world: World, state: str) -> None:
    address = factory.address(world.channel, "new")
    sql = "SELECT id AS address_id, channel_id, 'why' AS reason FROM contacts_address WHERE id = %s"
    if state not in INITIAL:
        with pytest.raises(ValueError, match=f"begins as {state}"):
            Fate(state)
        return
    recipients = Recipients(sql, (address.pk,), {"why": Fate(state)})
    fresh = factory.broadcast()

    assert write_new(fresh.pk, recipients, (address.pk, address.pk)) == 1
    assert write_missing(fresh.pk, recipients) == {}
    (again,) = write_missing(fresh.pk, recipients, occurrence=1).values()

    assert set(Delivery.objects.filter(broadcast=fresh).values_list("state", flat=True)) == {state}
    assert Delivery.objects.get(pk=again).occurrence == 1
    assert tallies.counts([fresh.pk])[fresh.pk][state] == 2


def test_a_reason_without_a_fate_is_refused_and_one_without_a_delivery_left_out(
    world: World,
) -> None:
    address = factory.address(world.channel, "new")
    sql = "SELECT id AS address_id, channel_id, 'why' AS reason FROM contacts_address WHERE id = %s"
    span = (address.pk, address.pk)
    fresh = factory.broadcast()

    with pytest.raises(IntegrityError), transaction.atomic():
        write_new(fresh.pk, Recipients(sql, (address.pk,), {"other": Fate("queued")}), span)
    left_out = Recipients(sql, (address.pk,), {"other": Fate("queued"), "why": None})
    assert write_new(fresh.pk, left_out, span) == 0
