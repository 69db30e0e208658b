"""One person under several ids of WhatsApp: a STOP by any of them stops the person."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from django.db import OperationalError, connection

from channels.whatsapp.fixtures import PHONE_NUMBER_ID, SECRET, make, meta
from clarion.broadcasts.query import Audience, candidates
from clarion.channels.contract import Accepted, Outgoing, Request
from clarion.channels.manage import add_channel
from clarion.channels.models import Channel
from clarion.chats.models import Message
from clarion.contacts import identities
from clarion.contacts.models import Address, Contact
from clarion.engine import callbacks, inbox, reap
from clarion.engine.attempt import attempt
from clarion.engine.callbacks import Verified
from clarion.engine.claim import claim
from clarion.engine.models import Callback
from clarion.engine.settle import settle
from clarion.engine.snapshot import job, take
from clarion.kit import clock, db
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from support import factory

pytestmark = pytest.mark.django_db(transaction=True)
ANNA = "5215512345678"
SAME = {"wa_id": ANNA, "user_id": "MX.1234"}


@pytest.fixture
def channel() -> Channel:
    settings = {"phone_number_id": PHONE_NUMBER_ID, "token": "EAAtoken", "app_secret": SECRET}
    return add_channel(name="wa", kind="whatsapp", by=factory.BY, settings=settings)


def known(channel: Channel, value: str = ANNA) -> Address:
    return factory.address(channel, value, "Anna")


def heard(channel: Channel, *changes: dict[str, Any]) -> None:
    hook = meta(*changes)
    callbacks.store([Verified(channel.pk, hook, inbox.lane_of(make(), hook))])
    while inbox.apply_waiting():
        pass


def says(text: str, **who: str) -> dict[str, Any]:
    message = {"id": f"wamid.{text}", "timestamp": "1795348795", "type": "text", **who}
    return {"messages": [{**message, "text": {"body": text}}]}


def audience(channel: Channel) -> list[int]:
    query = candidates(Audience(kind="all"), [channel.pk])
    return [row[0] for row in db.fetch(query.sql, query.params) if not row[3]]


@pytest.mark.parametrize(
    "first",
    [
        {**says("Hi", **{"from": ANNA, "from_user_id": "MX.1234"}), "contacts": [SAME]},
        {"statuses": [{"id": "wamid.x", "status": "sent", "recipient_id": ANNA,
                       "recipient_user_id": "MX.1234"}]},
        {"user_preferences": [{**SAME, "category": "marketing_messages", "value": "resume"}]},
    ],
)  # fmt: skip
def test_a_stop_by_the_other_id_stops_the_person(channel: Channel, first: dict[str, Any]) -> None:
    address = known(channel)
    heard(channel, first)
    assert audience(channel) == [address.pk]

    heard(channel, says("STOP", from_user_id="MX.1234"))

    assert audience(channel) == []
    assert Contact.objects.count() == 1


def test_a_stop_before_the_ids_are_known_to_be_one_counts_too(channel: Channel) -> None:
    known(channel)
    heard(channel, says("STOP", from_user_id="MX.1234"))
    assert Contact.objects.count() == 2

    heard(channel, {**says("Hi", **{"from": ANNA}), "contacts": [SAME]})

    assert audience(channel) == []
    assert Contact.objects.count() == 1


def test_preferences_that_name_both_ids_stop_the_person(channel: Channel) -> None:
    address = known(channel)
    wish = {**SAME, "category": "marketing_messages", "value": "stop"}
    heard(channel, {"user_preferences": [{**wish, "timestamp": 1795348795}]})

    address.refresh_from_db()
    assert address.state == "opted_out"
    assert identities.find(channel, "MX.1234") == address


async def test_the_number_in_the_answer_is_read() -> None:
    request = make().request(Outgoing("a", 1, ANNA, "Hi"))
    assert json.loads(request.body)["to"] == ANNA  # type: ignore[union-attr]
    for contacts, ids in (
        ([{"input": ANNA, "wa_id": "525512345678"}], ("525512345678",)),
        ([{"input": "MX.1", "user_id": "MX.1"}], ("MX.1",)),
        ([{"input": ANNA, "wa_id": "?"}], ()),
        ([], ()),
        (None, ()),
        ([7], ()),
    ):
        body = json.dumps({"contacts": contacts, "messages": [{"id": "wamid.1"}]}).encode()
        assert make().outcome(HttpReply(200, {}, body)) == Accepted("wamid.1", ids)


def test_a_reply_comes_from_the_number_that_the_provider_returned(channel: Channel) -> None:
    address = known(channel)
    factory.sending([channel])
    body = {"contacts": [{"input": ANNA, "wa_id": "525512345678"}], "messages": [{"id": "wamid.1"}]}
    deliver(channel, HttpReply(200, {}, json.dumps(body).encode()))

    heard(channel, says("STOP", **{"from": "525512345678"}))

    address.refresh_from_db()
    assert (address.value, address.state) == (ANNA, "opted_out")
    assert Contact.objects.count() == 1


def test_a_changed_number_is_sent_to_from_now_on(channel: Channel) -> None:
    address = known(channel)
    system = {"type": "user_changed_number", "wa_id": "491700000002"}
    heard(channel, {"messages": [{"from": ANNA, "id": "w", "type": "system", "system": system}]})

    address.refresh_from_db()
    assert address.value == "491700000002"
    heard(channel, says("Hello", **{"from": ANNA}))  # somebody else has got the number
    assert Contact.objects.count() == 2


def test_the_number_is_sent_to_as_soon_as_it_is_known_and_the_other_id_still_names_them(
    channel: Channel,
) -> None:
    heard(channel, says("Hi", from_user_id="MX.1234"))
    address = Address.objects.get()
    assert address.value == "MX.1234"

    heard(channel, {"contacts": [SAME], **says("Again", from_user_id="MX.1234")})

    address.refresh_from_db()
    assert address.value == ANNA
    Address.objects.update(wrote_at=clock.now())  # the callbacks above are from long ago
    assert audience(channel) == [address.pk]
    factory.sending([channel], text="Hello")
    (claimed,) = claim(channel.pk, reap.register(), 5).messages
    assert (claimed.to, claimed.address) == (ANNA, address.pk)
    heard(channel, says("STOP", from_user_id="MX.1234"))
    address.refresh_from_db()
    assert (address.state, Contact.objects.count()) == ("opted_out", 1)


def apply_as_a_worker() -> None:
    """Apply what waits. PostgreSQL may undo one of two rounds that wait for each other: like a
    worker, it is carried out again."""
    for _ in range(200):
        try:
            if not inbox.apply_waiting():
                return
        except OperationalError:
            connection.close()
    pytest.fail("the callbacks are not applied after 200 rounds")


def test_two_callbacks_that_name_both_ids_at_once_make_one_contact(channel: Channel) -> None:
    """Through connections of their own, each with other messages and in another order."""
    rounds = 6

    def hear(number: int) -> None:
        with closing(connection):
            for turn in range(rounds):
                who = {"wa_id": f"52155123456{turn}0", "user_id": f"MX.77{turn}"}
                ids = {"from": who["wa_id"], "from_user_id": who["user_id"]}
                first, second = ("from", "from_user_id") if number % 2 else ("from_user_id", "from")
                hook = meta(
                    {"contacts": [who], **says(f"{number} {turn} a", **{first: ids[first]})},
                    {"contacts": [who], **says(f"{number} {turn} b", **{second: ids[second]})},
                )
                callbacks.store([Verified(channel.pk, hook, inbox.lane_of(make(), hook))])
                apply_as_a_worker()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(hear, range(4)))
    apply_as_a_worker()

    assert Contact.objects.count() == rounds
    assert Address.objects.filter(alias_of=None).count() == rounds
    assert Address.objects.exclude(alias_of=None).count() == rounds
    assert set(Address.objects.filter(alias_of=None).values_list("value", flat=True)) == {
        f"52155123456{turn}0" for turn in range(rounds)
    }
    assert Message.objects.filter(inbound=True).count() == 4 * rounds * 2
    assert not Callback.objects.filter(state="dropped").exists()


def deliver(channel: Channel, reply: HttpReply) -> None:
    """Send what is due on a channel, answered so, and settle it."""

    async def answered(_: Request) -> HttpReply:
        return reply

    worker = reap.register()
    facts = take().channels[channel.pk]
    settlements = []
    for claimed in claim(channel.pk, worker, 10).messages:
        sending = attempt(claimed, facts, job(claimed.broadcast), answered, Alone())
        settlement, _ = asyncio.run(sending)
        settlements.append(settlement)
    settle(worker, settlements)
