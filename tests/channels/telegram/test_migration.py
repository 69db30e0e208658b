"""A group that becomes a supergroup is sent to under its new chat id."""

import json

import pytest

from channels.telegram.fixtures import make
from clarion.channels.contract import HookRequest, Moved
from clarion.contacts import identities
from clarion.contacts.models import Address
from clarion.engine.settle import settle
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from support import factory


@pytest.mark.parametrize(
    ("chat", "more"),
    [("-12", {"migrate_to_chat_id": -10012}), ("-10012", {"migrate_from_chat_id": -12})],
)
def test_an_update_says_so_in_either_chat(chat: str, more: dict[str, int]) -> None:
    message = {"message_id": 1, "date": 1, "chat": {"id": int(chat), "type": "group"}, **more}
    body = json.dumps({"update_id": 1, "message": message}).encode()
    events = list(make().events(HookRequest({}, "", body, clock.now())))
    assert events == [Moved("-12", "-10012", keeps_old=True)]


@pytest.mark.django_db(transaction=True)
def test_an_answer_says_so_and_the_next_attempt_goes_there() -> None:
    channel = factory.channel("bot", "telegram")
    (address,) = factory.people(channel, 1, prefix="-12")
    settlement = Settlement(
        1, 1, channel.pk, address.pk, "queued", 0, clock.now_us(),
        user_ids=("-120",), moved_to="-10012",
    )  # fmt: skip
    settle(1, [settlement])
    assert Address.objects.get(pk=address.pk).value == "-10012"
    assert identities.find(channel, "-120") == address
