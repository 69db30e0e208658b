"""Settling: forward only, once, and with a record for every attempt."""

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine import reap
from clarion.engine.claim import Claimed, claim
from clarion.engine.settle import LATE, settle
from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.deliveries.settle import ALIKE
from clarion.records.models import Delivery, Record
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from support import factory

pytestmark = pytest.mark.django_db


def world(count: int = 3) -> tuple[Channel, int, list[Claimed], Broadcast]:
    channel = factory.channel()
    factory.people(channel, count)
    broadcast = factory.sending([channel])
    worker = reap.register()
    return channel, worker, claim(channel.pk, worker, count).messages, broadcast


def test_a_batch_moves_deliveries_and_writes_a_record_each() -> None:
    channel, worker, (a, b, c), broadcast = world()
    moved = settle(
        worker,
        [
            factory.outcome(a, channel, external_id="x1"),
            factory.outcome(b, channel, "failed", reason="The receiver said no.", code="400"),
            factory.outcome(c, channel, "queued", reason="Try again.", code="500", due_at=5),
        ],
    )

    assert moved == 3
    assert factory.states(broadcast) == {"sent": 1, "failed": 1, "queued": 1}
    assert sorted(Record.objects.values_list("status", "reason__text", "content")) == [
        ("completed", None, "Hello Person 0"),
        ("error", "The receiver said no.", "Hello Person 1"),
        ("error", "Try again.", "Hello Person 2"),
    ]
    assert Delivery.objects.get(pk=a.delivery).external_id == "x1"
    counts = tallies.counts([a.broadcast])[a.broadcast]
    assert (counts["sent"], counts["failed"], counts["queued"], counts["sending"]) == (1, 1, 1, 0)


def test_attributes_from_two_broadcasts_to_one_person_are_both_kept() -> None:
    channel, worker, (message, *_), _ = world()
    factory.sending([channel])
    (other, *_) = claim(channel.pk, worker, 1).messages
    first = factory.outcome(message, channel, attributes={"points": 7, "city": "Bonn"})
    second = factory.outcome(other, channel, attributes={"level": 2})
    second.address = first.address
    settle(worker, [first, second])
    contact = Address.objects.get(pk=first.address).contact
    assert contact.attributes == {"points": 7, "city": "Bonn", "level": 2}


def test_an_answer_in_a_journal_that_is_read_late_changes_no_attribute_that_is_there() -> None:
    channel, worker, (message, *_), _ = world()
    contact = Address.objects.get(pk=message.address).contact
    contact.attributes = {"points": 9}
    contact.save()
    late = factory.outcome(message, channel, attributes={"points": 7, "level": 2})
    late.at -= LATE + clock.SECOND

    settle(worker, [late], again=True, from_journal=True)

    contact.refresh_from_db()
    assert contact.attributes == {"points": 9, "level": 2}


def test_an_answer_that_waited_for_the_database_changes_attributes() -> None:
    """Nobody else could write meanwhile, so it is the newest."""
    channel, worker, (message, *_), _ = world()
    contact = Address.objects.get(pk=message.address).contact
    contact.attributes = {"points": 5}
    contact.save()
    waited = factory.outcome(message, channel, attributes={"points": 7})
    waited.at -= LATE + clock.SECOND

    settle(worker, [waited], again=True)

    contact.refresh_from_db()
    assert contact.attributes == {"points": 7}


def test_deliveries_that_become_the_same_are_written_each_with_its_own_moment() -> None:
    """Most of a batch become the same, which is written once for all of them."""
    channel, worker, claimed, broadcast = world(2 * ALIKE + 3)
    alike, refused, other = claimed[: ALIKE + 1], claimed[ALIKE + 1 : -1], claimed[-1]
    strangers = refused.pop()
    settle(worker, [factory.outcome(strangers, channel)])
    batch = [factory.outcome(each, channel) for each in alike]
    batch += [
        factory.outcome(each, channel, "failed", reason="No.", code="4", attempts=3)
        for each in [*refused, strangers]
    ]
    batch.append(factory.outcome(other, channel, external_id="x9"))
    for moment, settlement in enumerate(batch):
        settlement.at = moment

    assert settle(worker, batch) == len(batch) - 1
    assert factory.states(broadcast) == {"sent": len(alike) + 2, "failed": len(refused)}
    rows = Delivery.objects.in_bulk([each.delivery for each in claimed])
    assert [clock.to_us(rows[each.delivery].moved_at) for each in alike] == [*range(len(alike))]
    assert {rows[each.delivery].attempts for each in refused} == {3}
    assert {rows[each.delivery].reason_id for each in refused} != {None}
    assert rows[strangers.delivery].attempts == 1
    assert rows[other.delivery].external_id == "x9"
    assert clock.to_us(rows[other.delivery].moved_at) == len(batch) - 1
    assert {row.worker_id for row in rows.values()} == {None}
    assert tallies.correct(broadcast.pk) == []


def test_settling_again_moves_nothing() -> None:
    channel, worker, (a, *_), _ = world()
    batch = [factory.outcome(a, channel)]

    assert settle(worker, batch) == 1
    assert settle(worker, batch) == 0
    assert tallies.counts([a.broadcast])[a.broadcast]["sent"] == 1


def test_another_workers_delivery_is_not_touched() -> None:
    channel, _, (a, *_), broadcast = world()
    stranger = reap.register()

    assert settle(stranger, [factory.outcome(a, channel, "failed", reason="No.", code="x")]) == 0
    assert factory.states(broadcast) == {"sending": 3}


def test_an_answer_that_comes_after_the_lease_ran_out_proves_what_was_in_doubt() -> None:
    channel, worker, claimed, broadcast = world()
    db.execute("UPDATE engine_worker SET lease_until = 1")
    assert reap.reap() == 3
    assert factory.states(broadcast) == {"in_doubt": 3}

    settle(worker, [factory.outcome(claimed[0], channel)])

    assert factory.states(broadcast) == {"in_doubt": 2, "sent": 1}
    counts = tallies.counts([claimed[0].broadcast])[claimed[0].broadcast]
    assert (counts["in_doubt"], counts["sent"]) == (2, 1)


def test_a_refusal_that_comes_after_the_lease_ran_out_proves_it_unless_it_was_tried_again() -> None:
    channel, worker, (a, b, _), broadcast = world()
    db.execute("UPDATE engine_worker SET lease_until = 1")
    reap.reap()
    Delivery.objects.filter(pk=b.delivery).update(attempts=1)  # by somebody else

    late = [
        factory.outcome(one, channel, "failed", reason="No.", code="400", attempts=1)
        for one in (a, b)
    ]
    assert settle(worker, late) == 1

    assert factory.states(broadcast) == {"in_doubt": 2, "failed": 1}
    assert Delivery.objects.get(pk=a.delivery).state == "failed"


def test_an_unreachable_address_is_marked() -> None:
    channel, worker, (a, *_), _ = world()
    settle(
        worker,
        [factory.outcome(a, channel, "failed", reason="Blocked.", code="403", mark="blocked")],
    )
    assert Address.objects.get(pk=a.address).state == "blocked"


def test_texts_that_a_database_can_not_hold_are_settled_all_the_same() -> None:
    channel, worker, (a, *_), _ = world(1)
    nasty = factory.outcome(a, channel, "failed", reason="NUL \x00 and \ud800 here", code="x")
    nasty.content = "lone \ud800 surrogate \x00"

    assert settle(worker, [nasty]) == 1
    assert Record.objects.get().content == "lone ? surrogate "


def test_a_batch_whose_commit_broke_off_is_recorded_once() -> None:
    channel, worker, (a, b, _), _ = world()
    batch = [factory.outcome(a, channel), factory.outcome(b, channel)]
    settle(worker, batch[:1])

    settle(worker, batch, again=True)

    assert Record.objects.filter(delivery=a.delivery).count() == 1
    assert Record.objects.filter(delivery=b.delivery).count() == 1


@pytest.mark.parametrize(
    ("told", "state", "status", "reason", "responses"),
    [
        ("failed", "sent", "error", "Not on WhatsApp.", 1),
        ("delivered", "in_doubt", "completed", None, 1),
        ("delivered", "sent", "completed", None, 1),
        ("failed", "in_doubt", "error", "Not on WhatsApp.", 0),
    ],
)
def test_a_record_ends_as_a_receipt_said_that_was_quicker_than_our_own_settle(
    told: str, state: str, status: str, reason: str | None, responses: int
) -> None:
    channel, worker, (a, *_), _ = world()
    key = f"{Broadcast.objects.get(pk=a.broadcast).key}-{a.delivery}"
    receipt = ReceiptUpdate(channel.pk, told, 1, 2, message_id=key, reason="Not on WhatsApp.")
    assert apply_receipts([receipt]) == []

    broke = {"reason": "The connection broke.", "code": "maybe_sent"}
    more = {"responses": 1} if state == "sent" else broke
    assert settle(worker, [factory.outcome(a, channel, state, **more)]) == 0

    record = Record.objects.get()
    assert (record.status, record.reason and record.reason.text) == (status, reason)
    assert record.responses == responses
    assert Delivery.objects.get(pk=a.delivery).state == told
