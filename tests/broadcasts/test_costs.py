"""How many SMS a broadcast takes and what they cost, told beforehand."""

from decimal import Decimal
from typing import Any

import pytest

from channels.twilio.fixtures import CASE
from clarion.broadcasts import costs as costing
from clarion.broadcasts.audience import summary
from clarion.broadcasts.costs import Cost, cost_of, costs
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience, audience_of
from clarion.channels.models import Channel
from clarion.content import stories
from support import factory

pytestmark = pytest.mark.django_db
PRICED = {"currency": "EUR", "price": "0.06"}


def sms(**settings: str) -> Channel:
    return factory.channel("sms", "twilio", **CASE.settings, **settings)


def people(channel: Channel, *names: str) -> None:
    for number, name in enumerate(names):
        factory.address(channel, f"49151{number:07d}", name)


def told(broadcast: Broadcast, *channels: Channel, about: bool = False) -> list[Cost]:
    counted = summary(audience_of(broadcast), list(channels), broadcast_id=broadcast.pk)
    return costs(broadcast, channels, counted.by_channel, about=about)


def draft(channel: Channel, text: str = "Hello", **fields: Any) -> Broadcast:
    return factory.draft([channel], text=text, audience=Audience(kind="all"), **fields)


def test_a_text_that_is_the_same_for_everybody_is_exact() -> None:
    channel = sms(**PRICED)
    people(channel, "Anna", "Ben", "Cleo")
    (cost,) = told(draft(channel, "a" * 160 + "€"), channel)
    assert (cost.units, cost.each, cost.price, cost.about) == (6, 2, Decimal("0.36"), False)
    assert cost.words == (
        "2 SMS each (153 + 9 characters; “€” counts twice), 3 recipients, 6 SMS, 0.36 EUR"
    )


def test_a_number_of_people_that_is_about_makes_the_rest_about() -> None:
    channel = sms(**PRICED)
    people(channel, "Anna", "Ben")
    (cost,) = told(draft(channel), channel, about=True)
    assert cost.words == ("1 SMS each (5 characters), 2 recipients, about 2 SMS, about 0.12 EUR")


def test_a_personalised_text_is_measured_for_some(monkeypatch: pytest.MonkeyPatch) -> None:
    channel = sms(**PRICED)
    people(channel, *["A" * 150] * 5, *["B" * 160] * 5)
    broadcast = draft(channel, "{{ contact.name }}!")
    (cost,) = told(broadcast, channel)
    assert (cost.units, cost.each, cost.price, cost.about) == (15, None, Decimal("0.90"), False)
    assert cost.words == "10 recipients, 15 SMS, 0.90 EUR"
    monkeypatch.setattr(costing, "LOOKED_AT", 4)
    (cost,) = told(broadcast, channel)
    assert (cost.units, cost.about) == (15, True)
    assert cost.words == "10 recipients, about 15 SMS, about 0.90 EUR"


def test_a_person_whose_text_cannot_be_made_is_left_out_of_the_sample() -> None:
    channel = sms(**PRICED)
    people(channel, "Anna", "")
    factory.address(channel, "491529999999", "Dora").contact.delete()
    (cost,) = told(draft(channel, "{{ contact.city | default('x') }}{{ contact.name }}"), channel)
    assert cost.each == 1


def test_prices_by_country_are_those_of_the_recipients() -> None:
    channel = sms(currency="EUR", price="0.06", prices="1=0.01")
    people(channel, "Anna")
    factory.address(channel, "16505551234", "Bob")
    (cost,) = told(draft(channel), channel)
    assert (cost.units, cost.price) == (2, Decimal("0.07"))


def test_without_a_price_only_the_number_is_told() -> None:
    channel = sms()
    people(channel, "Anna")
    (cost,) = told(draft(channel), channel)
    assert cost.words == "1 SMS (5 characters)"
    assert cost.price_words == ""


def test_channels_whose_providers_charge_otherwise_cost_nothing_here() -> None:
    channel = factory.channel()
    factory.people(channel, 2)
    assert told(draft(channel), channel) == []
    assert cost_of(draft(channel), channel, None) is None


def test_every_message_of_a_story_counts() -> None:
    channel = sms(**PRICED)
    people(channel, "Anna", "Ben")
    blocks = [
        {"kind": "text", "text": "One"},
        {"kind": "webhook", "url": "https://example.org"},
        {"kind": "text", "text": "a" * 161},
    ]
    story = stories.create_story(name="A", blocks=blocks, by=factory.BY)
    (cost,) = told(draft(channel, "", data_type="story", story=story), channel)
    assert (cost.units, cost.each, cost.price) == (6, 3, Decimal("0.36"))


def test_one_persons_message() -> None:
    channel = sms(smart_encoding="true", **PRICED)
    address = factory.address(channel, "4915112345678", "“Anna”")
    cost = cost_of(draft(channel, "Hi {{ contact.name }}"), channel, address)
    assert cost is not None
    assert cost.words == '1 SMS (9 characters; replaced: “ → ", ” → "), 0.06 EUR'
