import random
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clarion.broadcasts.reconcile import reconcile
from clarion.contacts.models import Address
from clarion.records import receipts, tallies
from clarion.records.causes import causes
from clarion.records.export import export_csv
from clarion.records.filters import RecordFilter
from clarion.records.models import Delivery, Receipt
from clarion.records.reasons import forget
from clarion.records.receipts import UNSAID, ReceiptUpdate, apply_receipts
from clarion.records.search import search
from clarion.records.states import ALL
from support import factory
from support.measured import assert_measured

AT = factory.START


@pytest.fixture(autouse=True)
def _fresh_reasons():
    forget()
    yield
    forget()


@pytest.fixture
def shop(db):
    return factory.channel("Shop bot")


@pytest.fixture
def spring(db):
    return factory.broadcast("Spring")


def add_delivery(broadcast, channel, state="sent", external_id="x1", **more):
    person = factory.address(channel, f"u{Address.objects.count()}")
    return factory.delivery(broadcast, person, state, external_id=external_id, **more)


def told(delivery, status, **more):
    facts = {
        "channel_id": delivery.channel_id, "status": status, "at": AT, "received_at": AT + 1,
        "external_id": delivery.external_id,
    }  # fmt: skip
    if status == "failed":
        facts |= {"code": "131026", "reason": "Not on WhatsApp."}
    return ReceiptUpdate(**(facts | more))


def message_id(delivery):
    return f"{delivery.broadcast.key}-{delivery.pk}"


def agree(broadcast):
    """Whether the tallies and the numbers over time say what the rows say."""
    assert_measured(broadcast)
    rows = dict.fromkeys(ALL, 0)
    for state in Delivery.objects.filter(broadcast=broadcast).values_list("state", flat=True):
        rows[state] += 1
    return tallies.counts([broadcast.pk])[broadcast.pk] == rows


@pytest.mark.parametrize(
    ("before", "status", "after"),
    [
        ("sent", "delivered", "delivered"),
        ("sent", "read", "read"),
        ("sent", "failed", "failed"),
        ("delivered", "read", "read"),
        ("delivered", "failed", "delivered"),
        ("delivered", "delivered", "delivered"),
        ("read", "delivered", "read"),
        ("read", "failed", "read"),
        ("failed", "delivered", "delivered"),
        ("failed", "read", "read"),
        ("failed", "failed", "failed"),
        ("in_doubt", "delivered", "delivered"),
        ("in_doubt", "read", "read"),
        ("in_doubt", "failed", "failed"),
        ("sending", "delivered", "delivered"),
        ("sending", "read", "read"),
        ("sending", "failed", "failed"),
        ("skipped", "delivered", "skipped"),
        ("unsent", "read", "unsent"),
    ],
)
def test_a_receipt_only_moves_forward(shop, spring, before, status, after):
    delivery = add_delivery(spring, shop, before)

    assert apply_receipts([told(delivery, status)]) == []

    delivery.refresh_from_db()
    assert delivery.state == after
    assert delivery.recovered == ("failed" in (before, status) and after in ("delivered", "read"))
    assert (delivery.worker_id is None) == (after != "sending")
    assert agree(spring)
    kept = Receipt.objects.get()
    assert (kept.status, kept.external_id, kept.delivery_id) == (status, "x1", delivery.pk)


@pytest.mark.parametrize("state", ["queued", "held"])
def test_a_receipt_that_is_too_early_waits(shop, spring, state):
    delivery = add_delivery(spring, shop, state)
    early = told(delivery, "delivered")

    assert apply_receipts([early]) == [early]
    assert not Receipt.objects.exists()

    Delivery.objects.filter(pk=delivery.pk).update(state="sent")
    tallies.add({(spring.pk, shop.pk, state): -1, (spring.pk, shop.pk, "sent"): 1})
    assert apply_receipts([early]) == []
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_a_failure_has_its_reason_until_it_is_recovered(shop, spring):
    delivery = add_delivery(spring, shop)

    apply_receipts([told(delivery, "failed")])
    delivery.refresh_from_db()
    assert (delivery.reason.code, delivery.reason.text) == ("131026", "Not on WhatsApp.")

    apply_receipts([told(delivery, "delivered")])
    delivery.refresh_from_db()
    assert (delivery.reason, delivery.recovered) == (None, True)


@pytest.mark.parametrize("first", ["failed", "delivered"])
def test_a_failure_reported_later_is_in_the_records_until_it_is_recovered(shop, spring, first):
    delivery, other = add_delivery(spring, shop), add_delivery(spring, shop, external_id="x2")
    record, untouched = factory.record(delivery), factory.record(other)
    second = "delivered" if first == "failed" else "failed"

    apply_receipts([told(delivery, first)])
    record.refresh_from_db()
    if first == "failed":
        assert (record.status, record.reason.text) == ("error", "Not on WhatsApp.")
        assert [row.id for row in search(RecordFilter(status="error")).rows] == [record.pk]
        assert [row.error for row in search(RecordFilter(error="whatsapp")).rows]
        assert b'error,"Not on WhatsApp.","131026"' in b"".join(
            export_csv(RecordFilter(status="error"))
        )
        (cause,) = causes(spring.pk)
        assert (cause.code, cause.errors, cause.people) == ("131026", 1, 1)
        assert reconcile(spring.pk).ok

    apply_receipts([told(delivery, second)])
    record.refresh_from_db()
    assert (record.status, record.reason, record.responses) == ("completed", None, 1)
    untouched.refresh_from_db()
    assert untouched.status == "completed"
    assert reconcile(spring.pk).ok


@pytest.mark.parametrize(("status", "after"), [("delivered", "completed"), ("failed", "error")])
def test_only_the_attempt_that_a_receipt_is_about_ends_as_reported(shop, spring, status, after):
    busy = factory.reason("Busy.", "503")
    delivery = add_delivery(spring, shop, "in_doubt", reason=busy, attempts=2)
    first = factory.record(delivery, because=busy)
    second = factory.record(
        delivery, factory.START + 9, because=factory.reason("Broke off."), attempt=2
    )

    apply_receipts([told(delivery, status)])

    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.reason) == ("error", busy)
    assert (second.status, second.responses) == (after, 1 if after == "completed" else 0)
    assert (second.reason.text if second.reason else "") == (
        "Not on WhatsApp." if after == "error" else ""
    )


def test_a_failure_without_words_gets_some(shop, spring):
    delivery = add_delivery(spring, shop)

    apply_receipts([told(delivery, "failed", reason="", code="")])

    delivery.refresh_from_db()
    assert delivery.reason.text == UNSAID


def test_our_own_message_id_finds_the_delivery(shop, spring):
    delivery = add_delivery(spring, shop, "sending", external_id=None)
    sighting = told(delivery, "delivered", message_id=message_id(delivery))

    assert apply_receipts([sighting]) == []

    delivery.refresh_from_db()
    assert delivery.state == "delivered"
    assert delivery.external_id is None
    assert Receipt.objects.get().external_id == message_id(delivery)


def test_the_providers_id_is_learned_from_a_receipt(shop, spring):
    delivery = add_delivery(spring, shop, "sending", external_id=None)
    apply_receipts(
        [told(delivery, "delivered", message_id=message_id(delivery), external_id="wamid.9")]
    )

    assert apply_receipts([told(delivery, "read", external_id="wamid.9")]) == []

    delivery.refresh_from_db()
    assert (delivery.state, delivery.external_id) == ("read", "wamid.9")


def test_only_true_message_ids_are_believed(shop, spring):
    delivery = add_delivery(spring, shop, external_id=None)
    other_channel = factory.channel("Other")
    other = factory.broadcast()
    right = message_id(delivery)
    wrong = [
        told(delivery, "read", message_id=f"{other.key}-{delivery.pk}"),
        told(delivery, "read", message_id=f"{spring.key}-0{delivery.pk}"),
        told(delivery, "read", message_id=f"{spring.key}-{delivery.pk + 1}"),
        told(delivery, "read", message_id=f"{spring.key}-{2**70}"),
        told(delivery, "read", message_id=f"{spring.key.upper()}-{delivery.pk}"),
        told(delivery, "read", message_id=f"{right}\n"),
        told(delivery, "read", message_id=f"<{right}>"),
        told(delivery, "read", message_id="-"),
        told(delivery, "read", message_id=right, channel_id=other_channel.pk),
        told(delivery, "read", external_id="x\x001"),
        told(delivery, "read"),
    ]

    assert apply_receipts(wrong) == wrong

    delivery.refresh_from_db()
    assert delivery.state == "sent"
    assert not Receipt.objects.exists()


def test_the_same_provider_id_on_another_channel_is_another_message(shop, spring):
    here = add_delivery(spring, shop)
    there = add_delivery(spring, factory.channel("Other"))

    apply_receipts([told(there, "read")])

    here.refresh_from_db()
    there.refresh_from_db()
    assert (here.state, there.state) == ("sent", "read")


def test_an_id_used_again_means_the_latest_message(shop, spring):
    earlier, later = add_delivery(spring, shop), add_delivery(spring, shop)

    apply_receipts([told(later, "delivered")])

    earlier.refresh_from_db()
    later.refresh_from_db()
    assert (earlier.state, later.state) == ("sent", "delivered")


def test_many_at_once_with_strangers_among_them(shop, spring, monkeypatch):
    monkeypatch.setattr(receipts, "BATCH", 7)
    crowd = [add_delivery(spring, shop, external_id=f"x{number}") for number in range(20)]
    stranger = told(crowd[0], "read", external_id="unheard-of")
    news = [told(one, status) for one in crowd for status in ("delivered", "read")]
    news.insert(13, stranger)

    assert apply_receipts(news) == [stranger]
    assert apply_receipts(news) == [stranger]

    assert Receipt.objects.count() == 40
    assert set(Delivery.objects.values_list("state", flat=True)) == {"read"}
    assert agree(spring)
    assert apply_receipts([]) == []


@settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
@given(
    before=st.sampled_from(["sending", "sent", "delivered", "failed", "in_doubt"]),
    news=st.lists(
        st.tuples(st.sampled_from(["delivered", "read", "failed"]), st.booleans()), max_size=6
    ),
    seed=st.integers(0, 1000),
)
def test_order_and_repetition_do_not_matter(shop, spring, before, news, seed):
    chance = random.Random(seed)
    ends = []
    for shuffled in range(3):
        delivery = add_delivery(spring, shop, before, external_id=f"x{Delivery.objects.count()}")
        sightings = [
            told(delivery, status, message_id=message_id(delivery) if ours else None)
            for status, ours in news
        ]
        if shuffled:
            sightings += chance.choices(sightings, k=3) if sightings else []
            chance.shuffle(sightings)
        while sightings:  # in parts of any size
            size = chance.randint(1, len(sightings))
            assert apply_receipts(sightings[:size]) == []
            del sightings[:size]
        delivery.refresh_from_db()
        ends.append((delivery.state, delivery.recovered, delivery.reason_id))
    assert len(set(ends)) == 1
    assert agree(spring)


@pytest.mark.django_db(transaction=True)
def test_several_at_the_same_time_leave_one_truth():
    shop, spring = factory.channel(), factory.broadcast()
    crowd = [add_delivery(spring, shop, external_id=f"x{number}") for number in range(12)]
    news = [told(one, status) for one in crowd for status in ("failed", "delivered", "read")]

    def apply(seed):
        chance = random.Random(seed)
        mine = [replace(sighting, received_at=AT + seed) for sighting in news]
        chance.shuffle(mine)
        with closing(connection):
            for start in range(0, len(mine), 5):
                assert apply_receipts(mine[start : start + 5]) == []

    with ThreadPoolExecutor() as threads:
        for done in [threads.submit(apply, seed) for seed in range(3)]:
            done.result()

    assert Receipt.objects.count() == 36
    states = Delivery.objects.values_list("state", "recovered", "reason_id")
    assert set(states) == {("read", True, None)}
    assert agree(spring)
