"""Callbacks: stored raw, applied once, in whatever order they come."""

import base64
import hashlib
import hmac
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection, transaction

from clarion.broadcasts.models import Broadcast
from clarion.channels import own_keywords
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.channels.webhook.kind import WebhookKind
from clarion.chats.models import Message
from clarion.contacts import import_store
from clarion.contacts.import_lines import Person
from clarion.contacts.models import Address, Contact
from clarion.engine import callbacks, inbox
from clarion.engine.callbacks import Verified
from clarion.engine.models import Callback, DropCount
from clarion.kit import clock, db
from clarion.records.message_ids import message_id
from clarion.records.models import Delivery, Receipt
from clarion.records.receipts import ReceiptUpdate
from support import factory
from support.waiting import eventually

pytestmark = pytest.mark.django_db
SECRET = "whsec_" + base64.b64encode(b"rehearsal secret 123").decode()


def world() -> tuple[Channel, Broadcast, Delivery]:
    channel = factory.channel(secret=SECRET)
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    return channel, broadcast, Delivery.objects.get()


def call(channel: Channel, kind: str, **data: object) -> None:
    now = clock.now()
    body = json.dumps({"type": kind, "timestamp": now.isoformat(), "data": data}).encode()
    stamp = str(int(now.timestamp()))
    key = base64.b64decode(SECRET.removeprefix("whsec_"))
    signed = hmac.new(key, b"m1." + stamp.encode() + b"." + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "m1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(signed).decode(),
    }
    store(channel, HookRequest(headers, "", body, now))


def store(channel: Channel, hook: HookRequest) -> None:
    callbacks.store([Verified(channel.pk, hook, inbox.lane_of(adapter(channel), hook))])


def test_receipts_move_a_delivery_forward_whatever_their_order() -> None:
    channel, broadcast, delivery = world()
    factory.settle_all(channel)
    ours = message_id(broadcast.key, delivery.pk)
    for kind in ("message.read", "message.delivered", "message.read"):
        call(channel, kind, id=ours, to="u0")

    assert inbox.apply_waiting() == 3

    delivery.refresh_from_db()
    assert delivery.state == "read"
    assert Receipt.objects.count() == 2
    assert not Callback.objects.exists()


def test_a_receipt_that_comes_before_its_message_is_known_waits_and_is_applied() -> None:
    channel, broadcast, delivery = world()
    ours = message_id(broadcast.key, 10**9)
    call(channel, "message.delivered", id=ours, to="u0")
    inbox.apply_waiting()
    waiting = Callback.objects.get()
    assert waiting.state == "waiting"

    factory.settle_all(channel)
    Delivery.objects.filter(pk=delivery.pk).update(id=10**9)
    inbox.apply_waiting(clock.to_us(waiting.next_try_at))

    assert not Callback.objects.exists()


def test_a_receipt_for_nobody_is_given_up_after_an_hour() -> None:
    channel, broadcast, _ = world()
    call(channel, "message.delivered", id=message_id(broadcast.key, 10**9), to="u0")
    later = clock.now_us() + inbox.PATIENCE + clock.SECOND

    inbox.apply_waiting(later)

    given_up = Callback.objects.get()
    assert given_up.state == "dropped"
    assert given_up.error == inbox.UNKNOWN
    assert DropCount.objects.values_list("reason", "count").get() == (inbox.UNKNOWN, 1)


def test_one_broken_callback_does_not_stop_the_others() -> None:
    channel, broadcast, delivery = world()
    factory.settle_all(channel)
    now = clock.now()
    store(channel, HookRequest({}, "", b"\xff{ not json", now))
    call(channel, "message.delivered", id=message_id(broadcast.key, delivery.pk), to="u0")

    inbox.apply_waiting()

    assert Callback.objects.get().error == "The callback is not JSON."
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_messages_and_opt_outs_come_in_by_the_same_way() -> None:
    channel, broadcast, _ = world()
    call(channel, "message.received", **{"id": "x1", "from": "u0", "text": "STOP"})
    call(channel, "contact.opted_out", **{"from": "u0"})

    inbox.apply_waiting()

    assert Message.objects.get().text == "STOP"
    assert factory.states(broadcast) == {"skipped": 1}


def test_what_people_write_comes_before_receipts_and_before_those_that_fit_nothing() -> None:
    channel, broadcast, delivery = world()
    factory.settle_all(channel)
    call(channel, "message.delivered", id=message_id(broadcast.key, 10**9), to="u0")
    inbox.apply_waiting()
    Callback.objects.update(next_try_at=1)
    call(channel, "message.delivered", id=message_id(broadcast.key, delivery.pk), to="u0")
    call(channel, "message.received", **{"id": "x1", "from": "u0", "text": "STOP"})
    later = clock.now_us() + clock.SECOND

    def lanes() -> list[str]:
        return sorted(Callback.objects.values_list("lane", flat=True))

    assert lanes() == ["people", "receipts", "unmatched"]
    assert inbox.apply_waiting(later) == 1
    assert lanes() == ["receipts", "unmatched"]
    assert inbox.apply_waiting(later) == 1
    assert lanes() == ["unmatched"]
    assert inbox.apply_waiting(later) == 1


def test_a_receipt_that_fits_nothing_is_looked_for_less_and_less_often() -> None:
    channel, broadcast, _ = world()
    call(channel, "message.delivered", id=message_id(broadcast.key, 10**9), to="u0")
    now = received = clock.now_us()
    looks = 0
    while inbox.apply_waiting(now):
        looks += 1
        now = clock.to_us(Callback.objects.get().next_try_at)
    assert now - received > inbox.PATIENCE
    assert 10 < looks < 20


def test_an_error_of_ours_costs_one_callback_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, broadcast, _ = world()
    whole = inbox.receive

    def broken(channel: Channel, event: Inbound) -> None:
        whole(channel, event)
        if event.text == "boom":
            raise KeyError("boom")

    monkeypatch.setattr(inbox, "receive", broken)
    call(channel, "message.received", **{"id": "x1", "from": "u0", "text": "boom"})
    call(channel, "message.received", **{"id": "x2", "from": "u0", "text": "STOP"})

    inbox.apply_waiting()

    assert Message.objects.get().text == "STOP"
    assert factory.states(broadcast) == {"skipped": 1}
    assert Callback.objects.get().error == inbox.BROKEN


def test_a_receipt_that_can_not_be_applied_is_dropped_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, broadcast, delivery = world()
    factory.settle_all(channel)
    whole = inbox.apply_receipts

    def broken(batch: list[ReceiptUpdate]) -> list[ReceiptUpdate]:
        if any(update.status == "read" for update in batch):
            raise RuntimeError("a delivery has moved that was to be locked")
        return whole(batch)

    monkeypatch.setattr(inbox, "apply_receipts", broken)
    ours = message_id(broadcast.key, delivery.pk)
    for kind in ("message.read", "message.delivered"):
        call(channel, kind, id=ours, to="u0")

    assert inbox.apply_waiting() == 2

    assert factory.states(broadcast) == {"delivered": 1}
    assert Callback.objects.get().error == inbox.BROKEN


def test_a_round_takes_no_more_than_its_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, _, _ = world()
    monkeypatch.setattr(callbacks, "MOST_BYTES", 1_000)
    for size in (600, 600, 5_000, 100):
        call(channel, "message.unknown", padding="x" * size)
    assert [inbox.apply_waiting() for _ in range(5)] == [1, 1, 1, 1, 0]


def test_kept_callbacks_are_deleted_by_age_and_beyond_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, _, _ = world()
    for _ in range(5):
        store(channel, HookRequest({}, "", b"no json", clock.now()))
    inbox.apply_waiting()
    oldest = Callback.objects.earliest("pk")
    Callback.objects.filter(pk=oldest.pk).update(received_at=1)
    assert (callbacks.forget_old(), callbacks.forget_old()) == (1, 0)
    monkeypatch.setattr(callbacks, "MOST_KEPT", 2)
    assert callbacks.forget_old() == 2
    assert Callback.objects.count() == 2
    assert DropCount.objects.get().count == 5


def test_what_means_nothing_here_is_counted_and_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    channel, broadcast, delivery = world()
    factory.settle_all(channel)
    reason = "This means nothing here."
    read = WebhookKind.events

    def events(self: WebhookKind, hook: HookRequest) -> list[Event]:
        return [Ignored(reason), *read(self, hook)]

    monkeypatch.setattr(WebhookKind, "events", events)
    call(channel, "message.delivered", id=message_id(broadcast.key, delivery.pk), to="u0")
    assert inbox.apply_waiting() == 1
    assert Callback.objects.get().error == reason
    assert DropCount.objects.values_list("reason", "count").get() == (reason, 1)
    delivery.refresh_from_db()
    assert delivery.state == "delivered"  # the rest of it is applied all the same


def test_a_callback_that_breaks_the_reader_is_stored_and_dropped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel, _, _ = world()

    def broken(self: object, hook: HookRequest) -> None:
        raise KeyError("boom")

    monkeypatch.setattr("clarion.channels.webhook.kind.WebhookKind.events", broken)
    call(channel, "message.delivered", id="x", to="u0")
    assert inbox.apply_waiting() == 1
    assert Callback.objects.get().error == inbox.BROKEN


def test_the_operators_own_words_opt_out() -> None:
    channel, broadcast, _ = world()
    own_keywords.add(["Nie wieder"], "opted_out", factory.BY)
    call(channel, "message.received", **{"id": "x1", "from": "u0", "text": "nie wieder, bitte!"})

    inbox.apply_waiting()

    assert factory.states(broadcast) == {"skipped": 1}


def somebody_waits_for_a_lock() -> bool:
    return bool(db.fetch("SELECT 1 FROM pg_locks WHERE NOT granted"))


def wait_for_each_other(
    monkeypatch: pytest.MonkeyPatch, then: Callable[[], object] = lambda: None
) -> threading.Barrier:
    """Let a round wait after its first person until another transaction has come as far, unless
    that waits for the round; ``then`` is called before it goes on."""
    both = threading.Barrier(2)
    receive = inbox.receive

    def receive_and_wait(*args: Any) -> Any:
        result = receive(*args)
        with suppress(threading.BrokenBarrierError):
            both.wait(0.5)
            then()
        return result

    monkeypatch.setattr(inbox, "receive", receive_and_wait)
    return both


def closing(work: Callable[[], int]) -> int:
    try:
        return work()
    finally:
        connection.close()


@pytest.mark.only_on("postgresql")  # on SQLite one round is applied at a time
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("known", [False, True])
def test_two_rounds_with_the_same_people_in_opposite_order_wait_for_each_other_in_turn(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    channel = factory.channel(secret=SECRET)
    if known:
        factory.people(channel, 2)
    for to in ("u0", "u1", "u1", "u0"):
        call(channel, "message.received", **{"id": f"in-{Callback.objects.count()}", "from": to,
                                             "text": "Hello"})  # fmt: skip
    monkeypatch.setitem(inbox.BATCH, callbacks.Callback.Lane.PEOPLE, 2)
    wait_for_each_other(monkeypatch)

    with ThreadPoolExecutor(2) as threads:
        rounds = [threads.submit(closing, inbox.apply_waiting) for _ in range(2)]
        assert [each.result() for each in rounds] == [2, 2]

    assert not DropCount.objects.exists()
    assert Message.objects.count() == 4
    assert sorted(Address.objects.values_list("value", flat=True)) == ["u0", "u1"]


@pytest.mark.only_on("postgresql")
@pytest.mark.django_db(transaction=True)
def test_an_import_of_the_same_people_waits_for_a_round_or_the_round_for_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    channel = factory.channel(secret=SECRET)
    for to in ("u1", "u0"):
        call(channel, "message.received", **{"id": f"in-{to}", "from": to, "text": "Hello"})
    both = wait_for_each_other(monkeypatch, lambda: eventually(somebody_waits_for_a_lock, 60))

    def store() -> int:
        with suppress(threading.BrokenBarrierError):
            both.wait(5)
        with transaction.atomic():
            names = {"u0": "Dana", "u1": "Ben"}
            people = [Person(value, name, channel=channel.pk) for value, name in names.items()]
            stored = import_store.store(people, [], clock.now_us())
            return stored.created + stored.updated + stored.unchanged

    with ThreadPoolExecutor(2) as threads:
        works = [threads.submit(closing, work) for work in (store, inbox.apply_waiting)]
        assert [each.result() for each in works] == [2, 2]

    assert not DropCount.objects.exists()
    assert sorted(Contact.objects.values_list("name", flat=True)) == ["Ben", "Dana"]
