"""Receipts that name no message: all that was sent to a person until a moment was seen."""

from datetime import timedelta

import pytest

from clarion.channels.contract import HookRequest, SeenUntil
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine import inbox
from clarion.engine.callbacks import Verified, store
from clarion.engine.models import Callback
from clarion.kit import clock
from clarion.records.models import Delivery
from clarion.records.watermarks import Mark, messages_until
from support import factory

pytestmark = pytest.mark.django_db
START = clock.from_us(factory.START)
SECOND = timedelta(seconds=1)


@pytest.fixture
def channel() -> Channel:
    return factory.channel("page", "messenger", account_id="1800", token="EAA", app_secret="s")


def sent(to: Address, name: str, after: int = 0, state: str = "sent", took: int = 0) -> Delivery:
    """A message that was accepted ``after`` seconds, for which the answer took ``took`` of them."""
    broadcast = factory.broadcast(name)
    delivery = factory.delivery(broadcast, to, state, external_id=name)
    at = factory.START + after * clock.SECOND
    factory.record(delivery, at, request_time=took * clock.SECOND)
    return delivery


def seen(
    channel: Channel, status: str = "read", until: int = 0, person: str = "60421"
) -> list[str]:
    moment = START + until * SECOND
    event = SeenUntil(person, status, moment, moment)  # type: ignore[arg-type]
    return sorted(name for _, name in messages_until([Mark(channel.pk, event)]))


def test_what_was_sent_until_then_to_this_person_was_seen(channel: Channel) -> None:
    anna, ben = factory.address(channel, "60421"), factory.address(channel, "60422")
    sent(anna, "before", -3)
    sent(anna, "then")
    sent(anna, "by a clock that is ahead", 2)
    sent(anna, "under way", 5, took=4)  # its request had begun by then
    sent(anna, "later", 5, took=2)
    sent(ben, "to another")
    assert seen(channel) == ["before", "by a clock that is ahead", "then", "under way"]
    assert seen(channel, person="nobody") == []
    assert seen(factory.channel("other")) == []


def test_only_what_is_news_is_named(channel: Channel) -> None:
    anna = factory.address(channel, "60421")
    for state in ("sent", "delivered", "read", "failed", "in_doubt"):
        sent(anna, state, state=state)
    assert seen(channel) == ["delivered", "sent"]
    assert seen(channel, "delivered") == ["sent"]


def test_another_id_of_the_same_address_names_its_messages(channel: Channel) -> None:
    anna = factory.address(channel, "60421")
    factory.address(channel, "60499", alias_of=anna, state="alias")
    sent(anna, "m_1")
    assert seen(channel, person="60499") == ["m_1"]


def apply(channel: Channel, event: SeenUntil, monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply a callback with this event, received now."""
    kind = type(inbox.adapter(channel))
    monkeypatch.setattr(kind, "events", lambda self, hook: [event])
    store([Verified(channel.pk, HookRequest({}, "", b"{}", clock.now()), inbox.Lane.RECEIPTS)])
    inbox.apply_waiting()


def test_the_inbox_moves_each_delivery_once(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna = factory.address(channel, "60421")
    first, second = sent(anna, "m_1"), sent(anna, "m_2", 3)
    apply(channel, SeenUntil("60421", "read", START, START), monkeypatch)
    apply(channel, SeenUntil("60421", "read", START, START), monkeypatch)
    states = [Delivery.objects.get(pk=each.pk).state for each in (first, second)]
    assert states == ["read", "sent"]
    assert not Callback.objects.exists()


def test_one_about_messages_of_this_moment_is_looked_at_once_more(
    channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    anna, now = factory.address(channel, "60421"), clock.now()
    apply(channel, SeenUntil("60421", "read", now, now), monkeypatch)
    waiting = Callback.objects.get()
    delivery = sent(anna, "m_1")  # its settle came after the receipt
    inbox.apply_waiting(clock.to_us(waiting.next_try_at))
    delivery.refresh_from_db()
    assert delivery.state == "read"
    assert not Callback.objects.exists()
