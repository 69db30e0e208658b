"""Receipts about parts of a message: it has arrived when all have, and failed when one has."""

import threading

import pytest
from django.db import connection

from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.kit import clock, db
from clarion.records import segments
from clarion.records.models import Delivery, Receipt, Segment
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from support import factory

pytestmark = pytest.mark.django_db


def update(channel: Channel, name: str, status: str = "delivered") -> ReceiptUpdate:
    at = clock.now_us()
    reason = "The network rejected the message." if status == "failed" else ""
    return ReceiptUpdate(channel.pk, status, at, at, external_id=name, code="X", reason=reason)


def sent(*parts: str) -> tuple[Channel, Delivery]:
    """A message that was sent in these parts."""
    channel = factory.channel()
    factory.people(channel, 1)
    factory.sending([channel])
    factory.settle_all(channel, external_id=parts[0], parts=parts)
    return channel, Delivery.objects.get()


def state() -> str:
    return str(Delivery.objects.get().state)


def test_a_message_has_arrived_when_all_parts_have() -> None:
    channel, delivery = sent("a", "b", "c")
    for name in ("b", "a", "a"):
        assert apply_receipts([update(channel, name)]) == []
        assert state() == "sent"
    assert apply_receipts([update(channel, "c")]) == []
    assert state() == "delivered"
    assert Receipt.objects.get().external_id == "a"
    assert reconcile(delivery.broadcast_id).ok


def test_all_receipts_at_once() -> None:
    channel, _ = sent("a", "b")
    assert apply_receipts([update(channel, "b"), update(channel, "a")]) == []
    assert state() == "delivered"


def test_a_message_has_failed_when_one_part_has() -> None:
    channel, _ = sent("a", "b")
    apply_receipts([update(channel, "a"), update(channel, "b", "failed")])
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.reason.text) == ("failed", "The network rejected the message.")  # type: ignore[union-attr]


def test_a_part_that_arrives_after_all_recovers_the_message() -> None:
    channel, _ = sent("a", "b")
    apply_receipts([update(channel, "a", "failed")])
    apply_receipts([update(channel, "b")])
    assert state() == "failed"
    apply_receipts([update(channel, "a")])
    assert state() == "delivered"
    assert Delivery.objects.get().recovered
    apply_receipts([update(channel, "b", "failed")])  # too late to be true
    assert state() == "delivered"


def test_other_messages_and_other_channels_are_not_concerned() -> None:
    channel, _ = sent("a", "b")
    other = factory.channel("other")
    lost = [update(other, "b"), update(channel, "x")]
    assert apply_receipts([*lost, update(channel, "b")]) == lost
    assert Segment.objects.exclude(status="").count() == 1


def test_a_receipt_that_is_quicker_than_our_own_settle_is_returned_as_it_came() -> None:
    channel, _ = sent("a", "b")
    Delivery.objects.update(state="queued")  # as a message of a story that another one follows
    receipts = [update(channel, "a"), update(channel, "b")]
    assert apply_receipts(receipts) == receipts
    Delivery.objects.update(state="sent")
    assert apply_receipts(receipts) == []
    assert state() == "delivered"


def test_a_message_that_is_settled_meanwhile_has_not_arrived_with_its_first_part(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = factory.channel()
    factory.people(channel, 1)
    factory.sending([channel])
    as_messages = segments.as_messages

    def settled_meanwhile(updates: list[ReceiptUpdate]) -> object:
        meant = as_messages(updates)
        factory.settle_all(channel, external_id="a", parts=("a", "b"))
        return meant

    first = update(channel, "a")
    with monkeypatch.context() as patch:
        patch.setattr(segments, "as_messages", settled_meanwhile)
        assert apply_receipts([first]) == [first]
    assert apply_receipts([first]) == []
    assert state() == "sent"


def test_a_batch_that_is_written_again_forgets_no_receipt() -> None:
    channel, _ = sent("a", "b")
    apply_receipts([update(channel, "a")])
    segments.keep([(channel.pk, ("a", "b"), clock.now_us())])
    assert Segment.objects.get(external_id="a").status == "delivered"
    segments.keep([(channel.pk, ("z", "a"), clock.now_us())])  # the provider gives an id out again
    again = Segment.objects.get(external_id="a")
    assert (again.message, again.status) == ("z", "")


def test_old_parts_are_deleted() -> None:
    sent("a", "b")
    assert segments.forget_old() == 0
    assert segments.forget_old(clock.now_us() + segments.KEPT + clock.SECOND) == 2


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_receipts_of_two_parts_at_the_same_time() -> None:
    channel, _ = sent("a", "b")
    ready = threading.Barrier(2)

    def apply(name: str) -> None:
        ready.wait()
        apply_receipts([update(channel, name)])
        connection.close()

    threads = [threading.Thread(target=apply, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert state() == "delivered"


def test_parts_of_many_messages_are_kept_apart() -> None:
    channel, _ = sent("a", "b")
    segments.keep(
        (channel.pk, (f"{number}-1", f"{number}-2"), clock.now_us()) for number in range(500)
    )
    apply_receipts([update(channel, "a"), update(channel, "b"), update(channel, "7-1")])
    assert state() == "delivered"
    assert db.fetch("SELECT count(*) FROM records_segment WHERE status <> ''") == [(3,)]
