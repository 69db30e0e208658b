"""Groups and channels as recipients: their ids and names, their rate, whether the bot is there."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest

from channels.fixtures import NOW, reply
from channels.telegram.fixtures import make, update
from clarion.channels.contract import OptOut, Refusal, Refused, Request
from clarion.channels.models import Channel
from clarion.contacts import addresses, identities
from clarion.contacts.models import Address
from clarion.engine import reap, snapshot
from clarion.engine.attempt import attempt
from clarion.engine.claim import Claimed, claim
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.records.models import Delivery
from clarion.transport.errors import MaybeSent
from clarion.transport.messages import HttpReply, HttpRequest
from engine.ground import Alone
from engine.stories import story, text
from support import factory

GROUP = "-1001234567890"


@pytest.mark.parametrize(("to", "is_asked"), [("@shop_news", True), (GROUP, False), ("42", False)])
def test_a_name_is_exchanged_for_an_id(to: str, is_asked: bool) -> None:
    question = make().resolve(to)
    assert (question is not None) == is_asked
    if question is not None:
        assert question.url.endswith("/getChat")
        assert json.loads(question.body) == {"chat_id": to}


@pytest.mark.parametrize(
    ("answer", "refusal"),
    [
        (reply(200, {"ok": True, "result": {"id": "?"}}), Refusal.UNKNOWN),
        (reply(400, {"ok": False, "description": "Bad Request: chat not found"}),
         Refusal.UNREACHABLE),
        (reply(429, {"ok": False, "parameters": {"retry_after": 3}}), Refusal.THROTTLED),
        (reply(401, {"ok": False, "description": "Unauthorized"}), Refusal.MISCONFIGURED),
    ],
)  # fmt: skip
def test_a_name_that_telegram_does_not_resolve(answer: HttpReply, refusal: Refusal) -> None:
    refused = make().resolved(answer)
    assert isinstance(refused, Refused)
    assert refused.refusal is refusal


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("member", "reachable"), ("administrator", "reachable"), ("creator", "reachable"),
        ("left", "blocked"), ("kicked", "blocked"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["group", "supergroup", "channel"])
def test_whether_the_bot_is_in_a_group(status: str, state: Any, kind: str) -> None:
    change = {
        "chat": {"id": int(GROUP), "type": kind},
        "date": int(NOW.timestamp()),
        "new_chat_member": {"user": {"id": 123456, "is_bot": True}, "status": status},
    }
    hook = update({"update_id": 3, "my_chat_member": change})
    assert list(make().events(hook)) == [OptOut(GROUP, state, NOW)]


@pytest.mark.django_db
def test_a_bot_that_is_added_to_a_group_may_write_to_it() -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, GROUP, "Team", has_written=False)
    addresses.mark_value(channel, GROUP, "reachable", clock.now())
    assert Address.objects.get().has_written
    addresses.mark_value(channel, GROUP, "blocked", clock.now() + timedelta(seconds=1))
    assert Address.objects.get().state == "blocked"


def attempted(channel: Channel, claimed: Claimed, answer: object) -> Settlement:
    """Attempt a message; ``answer``: what Telegram replies, or what the transport raises."""

    async def replied(request: Request) -> HttpReply:
        assert isinstance(request, HttpRequest)
        if isinstance(answer, Exception):
            raise answer
        if request.url.endswith("/getChat"):
            assert isinstance(answer, HttpReply)
            return answer
        return reply(200, {"ok": True, "result": {"message_id": 5}})

    facts, job = snapshot.take().channels[channel.pk], snapshot.job(claimed.broadcast)
    settlement, _ = asyncio.run(attempt(claimed, facts, job, replied, Alone()))
    return settlement


def deliver(channel: Channel) -> None:
    """Send the next message; a name is one of GROUP."""
    worker = reap.register()
    [claimed] = claim(channel.pk, worker, 1).messages
    settle(worker, [attempted(channel, claimed, named(GROUP))])


def named(chat_id: str) -> HttpReply:
    return reply(200, {"ok": True, "result": {"id": int(chat_id), "type": "channel"}})


@pytest.mark.django_db
@pytest.mark.parametrize(("to", "seconds"), [(GROUP, 3), ("42", 0)])
def test_the_messages_of_a_story_follow_each_other_slowly_in_groups(to: str, seconds: int) -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, to)
    two = story(text("One"), text("Two"))
    factory.sending([channel], data_type="story", story=two.story, text="")
    before = clock.now()
    deliver(channel)
    delivery = Delivery.objects.get()
    assert delivery.state == "queued"
    assert delivery.due_at is not None
    waits = (delivery.due_at - before).total_seconds()
    assert (waits >= 3) == bool(seconds)


@pytest.mark.django_db
def test_a_channel_with_a_name_is_known_by_its_id_before_anything_is_sent() -> None:
    channel = factory.channel("bot", "telegram")
    address = factory.address(channel, "@shop_news", "Shop")
    factory.sending([channel])
    deliver(channel)
    delivery = Delivery.objects.get()
    assert (delivery.state, delivery.attempts) == ("queued", 0)
    address.refresh_from_db()
    assert address.value == GROUP
    assert identities.find(channel, "@shop_news") == address
    Delivery.objects.update(due_at=clock.now())
    deliver(channel)
    assert Delivery.objects.get().state == "sent"
    addresses.mark_value(channel, GROUP, "blocked", clock.now())
    address.refresh_from_db()
    assert address.state == "blocked"


@pytest.mark.django_db
@pytest.mark.parametrize("name_is_older", [False, True])
@pytest.mark.parametrize("id_is_sent_first", [False, True])
def test_a_name_and_an_id_of_one_channel_get_one_message(
    name_is_older: bool, id_is_sent_first: bool
) -> None:
    channel = factory.channel("bot", "telegram")
    for value in ("@shop_news", GROUP) if name_is_older else (GROUP, "@shop_news"):
        factory.address(channel, value, "Shop")
    factory.sending([channel])
    worker = reap.register()
    both = claim(channel.pk, worker, 2).messages  # at the same moment
    for claimed in sorted(both, key=lambda each: (each.to == GROUP) != id_is_sent_first):
        settle(worker, [attempted(channel, claimed, named(GROUP))])
    assert sorted(Delivery.objects.values_list("state", flat=True)) == ["sent", "skipped"]
    assert Address.objects.get(alias_of=None).value == GROUP


@pytest.mark.django_db
@pytest.mark.parametrize(
    "answer", [MaybeSent("No answer."), reply(500, {"ok": False}), ValueError("broken")]
)
def test_a_name_that_could_not_be_asked_for_is_no_doubt_about_the_message(answer: object) -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, "@shop_news", "Shop")
    factory.sending([channel])
    worker = reap.register()
    [claimed] = claim(channel.pk, worker, 1).messages
    settlement = attempted(channel, claimed, answer)
    assert (settlement.state, settlement.attempts, settlement.maybe_sent) == ("queued", 1, False)
