"""Groups and channels as recipients: their ids and names, their rate, whether the bot is there."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from channels.fixtures import NOW, reply
from channels.telegram.fixtures import make, update
from clarion.channels.contract import Accepted, OptOut
from clarion.channels.models import Channel
from clarion.contacts import addresses, identities
from clarion.contacts.models import Address
from clarion.engine import reap, snapshot
from clarion.engine.attempt import attempt
from clarion.engine.claim import claim
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.models import Delivery
from clarion.transport.messages import HttpReply
from engine.ground import Alone
from engine.stories import story, text
from support import factory

GROUP = "-1001234567890"


def sent_to(chat: dict[str, Any]) -> HttpReply:
    return reply(200, {"ok": True, "result": {"message_id": 5, "chat": chat}})


@pytest.mark.parametrize(
    ("chat", "ids"),
    [
        ({"id": 42, "type": "private"}, ()),
        ({"id": int(GROUP), "type": "supergroup"}, (GROUP,)),
        ({"id": int(GROUP), "type": "channel", "username": "shop_news"}, (GROUP,)),
        ({"id": -5, "type": "group"}, ("-5",)),
        ({"id": "?", "type": "group"}, ()),
    ],
)
def test_the_reply_names_the_id_of_a_group(chat: dict[str, Any], ids: tuple[str, ...]) -> None:
    assert make().outcome(sent_to(chat)) == Accepted(recipient_ids=ids)


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


def deliver(channel: Channel, chat: dict[str, Any]) -> None:
    """Send the next message, which is accepted for this chat."""

    async def accepted(_: object) -> HttpReply:
        return sent_to(chat)

    worker = reap.register()
    [claimed] = claim(channel.pk, worker, 1).messages
    facts, job = snapshot.take().channels[channel.pk], snapshot.job(claimed.broadcast)
    settlement, _ = asyncio.run(attempt(claimed, facts, job, accepted, Alone()))
    settle(worker, [settlement])


@pytest.mark.django_db
@pytest.mark.parametrize(("to", "seconds"), [(GROUP, 3), ("@shop_news", 3), ("42", 0)])
def test_the_messages_of_a_story_follow_each_other_slowly_in_groups(to: str, seconds: int) -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, to)
    two = story(text("One"), text("Two"))
    factory.sending([channel], data_type="story", story=two.story, text="")
    before = clock.now()
    deliver(channel, {"id": 42, "type": "private"})
    delivery = Delivery.objects.get()
    assert delivery.state == "queued"
    assert delivery.due_at is not None
    waits = (delivery.due_at - before).total_seconds()
    assert (waits >= 3) == bool(seconds)


@pytest.mark.django_db
def test_a_channel_that_is_sent_to_by_its_name_is_known_by_its_id_from_then_on() -> None:
    channel = factory.channel("bot", "telegram")
    address = factory.address(channel, "@shop_news", "Shop")
    factory.sending([channel])
    deliver(channel, {"id": int(GROUP), "type": "channel", "username": "shop_news"})
    assert identities.find(channel, GROUP) == address
    addresses.mark_value(channel, GROUP, "blocked", clock.now())
    address.refresh_from_db()
    assert address.state == "blocked"
