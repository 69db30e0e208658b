import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from django.db import connection

from clarion.broadcasts.reconcile import ReconcileError, reconcile
from clarion.channels.models import Channel
from clarion.kit import db
from clarion.records import measures, tallies
from clarion.records.models import Delivery, MeasureDelta, Receipt, Record, Tally
from clarion.records.states import ALL, COMPLETED
from support import factory


def receipt(delivery, status):
    Receipt.objects.create(
        channel_id=delivery.channel_id, delivery=delivery, external_id=f"x{delivery.pk}",
        status=status, at=factory.START, received_at=factory.START,
    )  # fmt: skip


@pytest.fixture
def whole(db):
    """Fill in a broadcast to 30 people on two channels, in all states, with its records."""
    channels = [factory.channel("App"), factory.channel("Newsletter")]
    broadcast, other = factory.broadcast("Spring"), factory.broadcast("Other")
    reason = factory.reason()
    for number in range(30):
        person = factory.address(channels[number % 2], f"u{number}")
        factory.record(factory.delivery(other, person))
        state = ALL[number % len(ALL)]
        delivery = factory.delivery(broadcast, person, state)
        if state in {"failed", "in_doubt"}:
            factory.record(delivery, because=reason)
        if state in COMPLETED:
            factory.record(delivery)
    return broadcast


def test_everyone_is_in_the_equation_once(whole):
    result = reconcile(whole.pk)

    assert result.ok
    assert result.by_rows == result.by_tallies == dict.fromkeys(ALL, 3)
    assert (result.completed_records, result.error_records, result.twice) == (9, 6, 0)
    rows, tally, records = result.lines()
    equation = (
        "expected 30 = sent 9 + failed 3 + skipped 3 + held 3 + unsent 3 + in doubt 3 + queued 6"
    )
    assert equation in rows
    assert equation in tally
    assert "sent: 3 sent, 3 delivered, 3 read; queued: 3 queued, 3 sending" in rows
    assert records == "records: 9 completed, 6 errors"


def test_as_a_document(whole):
    document = reconcile(whole.pk).document()

    assert document["ok"] is True
    assert document["expected"] == sum(document["rows"].values()) == 30
    assert document["states"]["tallies"]["in_doubt"] == 3
    assert document["records"] == {"completed": 9, "error": 6}


def test_a_broadcast_that_has_not_begun(db):
    assert reconcile(factory.broadcast().pk).ok


def test_a_broadcast_that_is_not_there(db):
    with pytest.raises(ReconcileError, match="no broadcast 5"):
        reconcile(5)


def lose_a_person(broadcast):
    """Somebody's row is gone."""
    Delivery.objects.filter(broadcast=broadcast, state="queued").first().delete()


def move_without_tally(broadcast):
    """A state changed without its tally."""
    delivery = Delivery.objects.filter(broadcast=broadcast, state="queued").first()
    Delivery.objects.filter(pk=delivery.pk).update(state="held")


def lose_a_tally(broadcast):
    Tally.objects.filter(broadcast=broadcast, state="read").first().delete()


def lose_a_measure(broadcast):
    """A message is not in the charts."""
    MeasureDelta.objects.filter(broadcast=broadcast, read=1).first().delete()


def swap_tallies_of_channels(broadcast):
    """The totals agree, but not on each channel."""
    one, two = Channel.objects.order_by("pk")
    tallies.add({(broadcast.pk, one.pk, "skipped"): 1, (broadcast.pk, two.pk, "skipped"): -1})


def expect_more(broadcast):
    broadcast.total += 1
    broadcast.save()


def lose_a_completed_record(broadcast):
    Record.objects.filter(broadcast=broadcast, status="completed").first().delete()


def misplace_a_completed_record(broadcast):
    """As many records as people, but one has two and one has none."""
    one, two = Record.objects.filter(broadcast=broadcast, status="completed")[:2]
    Record.objects.filter(pk=one.pk).update(delivery_id=two.delivery_id, address_id=two.address_id)


def lose_an_error_record(broadcast):
    Record.objects.filter(broadcast=broadcast, delivery__state="failed").first().delete()


def send_to_an_unsent_one(broadcast):
    factory.record(Delivery.objects.filter(broadcast=broadcast, state="unsent").first())


def leave_a_record_behind(broadcast):
    record = Record.objects.filter(broadcast=broadcast, status="completed").first()
    Record.objects.filter(pk=record.pk).update(delivery_id=987654)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lose_a_person, "There are 29 deliveries, but 30 are expected."),
        (move_without_tally, "deliveries are held, but the tallies say"),
        (lose_a_tally, "deliveries are read, but the tallies say"),
        (lose_a_measure, "deliveries are read, but the numbers over time add up to"),
        (swap_tallies_of_channels, "On the channel App"),
        (expect_more, "There are 30 deliveries, but 31 are expected."),
        (lose_a_completed_record, "1 deliveries count as sent without a completed record"),
        (misplace_a_completed_record, "1 deliveries count as sent without a completed record"),
        (lose_an_error_record, "1 deliveries count as failed without an error record"),
        (send_to_an_unsent_one, "1 deliveries count as skipped or unsent, but"),
        (leave_a_record_behind, "Completed records belong to 1 deliveries that are not there"),
    ],
)
def test_every_damage_is_told(whole, damage, said):
    damage(whole)

    result = reconcile(whole.pk)

    assert not result.ok
    assert said in "\n".join(result.differences)
    assert result.lines()[-len(result.differences) :] == result.differences


def test_a_receipt_is_proof_too(db):
    channel, broadcast = factory.channel(), factory.broadcast()
    for number, (state, status) in enumerate(
        [("delivered", "delivered"), ("read", "read"), ("failed", "failed")]
    ):
        delivery = factory.delivery(broadcast, factory.address(channel, f"u{number}"), state)
        receipt(delivery, status)
    # Accepted, and told later to have failed.
    reversed_ = factory.delivery(broadcast, factory.address(channel, "later"), "failed")
    factory.record(reversed_)
    receipt(reversed_, "failed")

    assert reconcile(broadcast.pk).differences == []


def test_the_wrong_receipt_proves_nothing(db):
    channel, broadcast = factory.channel(), factory.broadcast()
    receipt(factory.delivery(broadcast, factory.address(channel, "u1"), "delivered"), "failed")
    receipt(factory.delivery(broadcast, factory.address(channel, "u2"), "failed"), "read")

    assert len(reconcile(broadcast.pk).differences) == 2


def test_who_was_accepted_twice_is_told_without_alarm(db):
    broadcast = factory.broadcast()
    delivery = factory.delivery(broadcast, factory.address(factory.channel(), "u1"))
    factory.record(delivery)
    factory.record(delivery, attempt=2)

    result = reconcile(broadcast.pk)

    assert (result.twice, result.ok) == (1, True)
    assert "accepted more than once" in "\n".join(result.lines())


def test_all_is_well_in_one_quick_question(whole, django_assert_num_queries):
    with django_assert_num_queries(2):  # the question, and the names of the channels
        reconcile(whole.pk)


@pytest.mark.django_db(transaction=True)
def test_it_holds_at_every_moment():
    channel, broadcast = factory.channel(), factory.broadcast()
    for number in range(40):
        factory.delivery(broadcast, factory.address(channel, f"u{number}"), "queued")

    def settle():
        with closing(connection):
            for number, delivery in enumerate(Delivery.objects.all()):
                if number == 20:  # however quick this thread is, the other one looks meanwhile
                    assert looked.wait(60)
                with db.write():
                    Delivery.objects.filter(pk=delivery.pk).update(state="sent")
                    factory.record(delivery)
                    tallies.add(
                        {
                            (broadcast.pk, channel.pk, "queued"): -1,
                            (broadcast.pk, channel.pk, "sent"): 1,
                        }
                    )
                    factory.measure(delivery, "queued", "sent")
                tallies.squash()
                measures.fold()

    looked = threading.Event()
    with ThreadPoolExecutor() as threads:
        settling = threads.submit(settle)
        try:
            while not settling.done():
                assert reconcile(broadcast.pk).differences == []
                looked.set()
        finally:
            looked.set()
        settling.result()

    assert reconcile(broadcast.pk).by_rows["sent"] == 40
