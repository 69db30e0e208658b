"""Callbacks: stored raw, applied once, in whatever order they come."""

import base64
import hashlib
import hmac
import json

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import HookRequest
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.chats.models import Message
from clarion.engine import inbox, reap
from clarion.engine.claim import claim
from clarion.engine.models import Callback
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.records.message_ids import message_id
from clarion.records.models import Delivery, Receipt
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)
SECRET = "whsec_" + base64.b64encode(b"rehearsal secret 123").decode()


def world() -> tuple[Channel, Broadcast, Delivery]:
    channel = add_channel(
        name="sink", kind="webhook", by=factory.BY,
        settings={"url": "http://127.0.0.1:9/", "allow_private": "true", "secret": SECRET},
    )  # fmt: skip
    factory.people(channel, 1)
    broadcast = factory.sending([channel])
    return channel, broadcast, Delivery.objects.get()


def send(channel: Channel) -> None:
    worker = reap.register()
    (c,) = claim(channel.pk, worker, 1).messages
    settle(
        worker,
        [
            Settlement(
                c.delivery, c.broadcast, channel.pk, c.address, "sent", 1, clock.now_us(),
                attempted=True, responses=1,
            )
        ],
    )  # fmt: skip


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
    inbox.store_callback(channel, HookRequest(headers, "", body, now))


def test_receipts_move_a_delivery_forward_whatever_their_order() -> None:
    channel, broadcast, delivery = world()
    send(channel)
    ours = message_id(broadcast.key, delivery.pk)
    for kind in ("message.read", "message.delivered", "message.read"):
        call(channel, kind, id=ours, to="u0")

    assert inbox.apply_waiting() == 3

    delivery.refresh_from_db()
    assert delivery.state == "read"
    assert Receipt.objects.count() == 2
    assert set(Callback.objects.values_list("state", flat=True)) == {"applied"}


def test_a_receipt_that_comes_before_its_message_is_known_waits_and_is_applied() -> None:
    channel, broadcast, delivery = world()
    ours = message_id(broadcast.key, 10**9)
    call(channel, "message.delivered", id=ours, to="u0")
    inbox.apply_waiting()
    waiting = Callback.objects.get()
    assert waiting.state == "waiting"

    send(channel)
    Delivery.objects.filter(pk=delivery.pk).update(id=10**9)
    inbox.apply_waiting(clock.to_us(waiting.next_try_at))

    assert Callback.objects.get().state == "applied"


def test_a_receipt_for_nobody_is_given_up_after_an_hour() -> None:
    channel, broadcast, _ = world()
    call(channel, "message.delivered", id=message_id(broadcast.key, 10**9), to="u0")
    later = clock.now_us() + inbox.PATIENCE + clock.SECOND

    inbox.apply_waiting(later)

    given_up = Callback.objects.get()
    assert given_up.state == "failed"
    assert "No message of ours" in given_up.error


def test_one_broken_callback_does_not_stop_the_others() -> None:
    channel, broadcast, delivery = world()
    send(channel)
    now = clock.now()
    inbox.store_callback(channel, HookRequest({}, "", b"\xff{ not json", now))
    call(channel, "message.delivered", id=message_id(broadcast.key, delivery.pk), to="u0")

    inbox.apply_waiting()

    states = dict(Callback.objects.values_list("pk", "state"))
    assert sorted(states.values()) == ["applied", "failed"]
    delivery.refresh_from_db()
    assert delivery.state == "delivered"


def test_messages_and_opt_outs_come_in_by_the_same_way() -> None:
    channel, broadcast, _ = world()
    call(channel, "message.received", **{"id": "x1", "from": "u0", "text": "STOP"})
    call(channel, "contact.opted_out", **{"from": "u0"})

    inbox.apply_waiting()

    assert Message.objects.get().text == "STOP"
    assert factory.states(broadcast) == {"skipped": 1}


def test_old_callbacks_are_forgotten() -> None:
    channel, _, _ = world()
    call(channel, "message.delivered", id="nothing-1", to="u0")
    Callback.objects.update(state="applied", received_at=1)
    assert inbox.forget_old() == 1
    assert not Callback.objects.exists()
