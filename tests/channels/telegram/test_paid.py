"""Paid broadcasts: beyond 30 messages a second, for Telegram Stars, once somebody has agreed."""

import json
from decimal import Decimal
from typing import Any

import pytest

from channels.fixtures import reply
from channels.telegram.fixtures import CASE, make
from channels.telegram.test_requests import PNG, uploaded
from clarion.accounts.models import AuditEntry
from clarion.broadcasts.costs import costs
from clarion.channels.contract import Outgoing, Refusal, Refused
from clarion.channels.errors import NotConfirmed
from clarion.channels.manage import add_channel, update_channel
from clarion.channels.models import Channel
from clarion.channels.price_lists import has_prices
from clarion.kit.parts import Button, Media
from support import factory

ON = {"paid_broadcasts": "true"}


def sent(**parts: Any) -> dict[str, Any]:
    """The parameters of a message on a channel with paid broadcasts."""
    request = make(**ON).request(Outgoing("abc-17", 3, "42", "Hello", **parts))
    parameters: dict[str, Any] = json.loads(request.body)
    return parameters


def test_a_broadcast_may_exceed_the_free_rate() -> None:
    assert sent() == {"chat_id": "42", "text": "Hello", "allow_paid_broadcast": True}
    buttons = (Button("reply", "Yes", "y"),)
    assert sent(buttons=buttons)["allow_paid_broadcast"] is True
    media = Media("image", "", "a.png", data=PNG)
    upload = make(**ON).request(Outgoing("abc-17", 3, "42", "Hello", media=media, buttons=buttons))
    assert uploaded(upload)[0]["allow_paid_broadcast"] == "true"


@pytest.mark.parametrize("purpose", ["single", "automatic"])
def test_answers_are_never_paid_for(purpose: Any) -> None:
    assert "allow_paid_broadcast" not in sent(purpose=purpose)


def test_without_the_setting_nothing_is_paid_for() -> None:
    body = json.loads(make().request(Outgoing("abc-17", 3, "42", "Hello")).body)
    assert body == {"chat_id": "42", "text": "Hello"}


def test_a_balance_that_is_used_up_pauses_the_channel() -> None:
    words = {"ok": False, "error_code": 400, "description": "Bad Request: BALANCE_TOO_LOW"}
    outcome = make(**ON).outcome(reply(400, words))
    assert isinstance(outcome, Refused)
    assert outcome.refusal is Refusal.MISCONFIGURED


def add(*, confirmed: bool, **settings: str) -> Channel:
    return add_channel(
        name="bot", kind="telegram", settings={**CASE.settings, **settings}, confirmed=confirmed,
        by=factory.BY,
    )  # fmt: skip


@pytest.mark.django_db
def test_it_is_asked_before_it_is_turned_on() -> None:
    with pytest.raises(NotConfirmed, match=r"0\.1 Telegram Stars for each message over 30"):
        add(confirmed=False, **ON)
    assert not Channel.objects.exists()
    channel = add(confirmed=False)
    with pytest.raises(NotConfirmed):
        update_channel(channel, settings=ON, by=factory.BY)
    assert not Channel.objects.get().config["paid_broadcasts"]
    assert not AuditEntry.objects.filter(action="channel.update").exists()
    update_channel(channel, settings=ON, confirmed=True, by=factory.BY)
    # Nothing is asked about what is on already, nor when it is turned off.
    for settings in ({"webhook_secret": "another"}, {"paid_broadcasts": "false"}):
        update_channel(channel, settings=settings, by=factory.BY)
    assert not Channel.objects.get().config["paid_broadcasts"]


@pytest.mark.django_db
def test_what_a_broadcast_costs_at_most_is_shown_before_sending() -> None:
    channel = factory.channel("bot", "telegram", **CASE.settings)
    broadcast = factory.draft([channel], text="Hello")
    assert costs(broadcast, [channel], {channel.pk: 498}) == []
    update_channel(channel, settings=ON, confirmed=True, by=factory.BY)
    (cost,) = costs(broadcast, [channel], {channel.pk: 498})
    assert cost.price == Decimal("49.8")
    assert cost.words == (
        "1 message each (at most 0.1 Stars; 30 a second are free), 498 recipients, 498 messages, "
        "49.80 Stars"
    )
    assert not has_prices(channel)  # nobody enters what Telegram charges everybody
