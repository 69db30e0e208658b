"""How many SMS a broadcast takes and what they cost, told beforehand."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from channels.twilio.fixtures import CASE
from channels.whatsapp.fixtures import CASE as WHATSAPP
from clarion.broadcasts import costs as costing
from clarion.broadcasts.audience import summary
from clarion.broadcasts.costs import Cost, cost_of, costs
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience, audience_of
from clarion.channels.models import Channel, MessageTemplate
from clarion.content import stories
from clarion.kit import clock, sampling
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


@pytest.mark.parametrize("in_story", [False, True])
def test_a_text_formatted_for_chats_is_measured_without_its_markup(in_story: bool) -> None:
    channel = sms(**PRICED)
    people(channel, "Anna")
    text, written = f"<b>{'a' * 155}</b> &amp;", "chat_html"
    fields: dict[str, Any] = {"text": text, "format": written}
    if in_story:
        block = {"kind": "text", "text": text, "format": written}
        story = stories.create_story(name="S", blocks=[block], by=factory.BY)
        fields = {"data_type": "story", "story": story, "text": ""}
    (cost,) = told(draft(channel, **fields), channel)
    assert (cost.units, cost.price) == (1, Decimal("0.06"))


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


WHATSAPP_PRICES = {
    "currency": "EUR",
    "prices": "49 marketing=0.1131, 49 utility=0.05, 1=0.02, 491 service=0.01",
}


def whatsapp(category: str, **settings: str) -> tuple[Channel, Broadcast]:
    """A channel whose list has a template of this category, and a draft that sends it."""
    channel = factory.channel("shop", "whatsapp", **{**WHATSAPP.settings, **settings})
    if category:
        MessageTemplate.objects.create(
            channel=channel, name="sale", language="de", status="approved", category=category
        )
    template = {"name": "sale", "language": "de", "variables": ["{{ contact.name }}"]}
    audience = Audience(kind="all")
    return channel, factory.draft(
        [channel], text="", data_type="template", template=template, audience=audience
    )


def test_a_template_costs_what_its_category_does_in_each_country(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(costing, "LOOKED_AT", 2)  # whose variables change no price
    channel, broadcast = whatsapp("marketing", **WHATSAPP_PRICES)
    for number in range(2):
        factory.address(channel, f"4915112345{number:03d}")
    factory.address(channel, "16505551234")
    factory.address(channel, "US.13491208655302741918")  # who keeps their number to themselves
    for number in range(3):
        factory.address(channel, f"23480312345{number:02d}")
    (cost,) = told(broadcast, channel)
    assert (cost.units, cost.price, cost.category, cost.about) == (
        7, Decimal("0.2662"), "marketing", False
    )  # fmt: skip
    assert cost.line_words == [
        "+234 (NG): 3 × unknown price",
        "+1: 2 × 0.02 EUR",
        "+49 (DE): 2 × 0.1131 EUR",
    ]
    assert cost.unpriced_words == (
        "No price for 3 recipients (+234 (NG): 3). Add it to the prices."
    )


def test_without_prices_whatsapp_has_no_costs() -> None:
    channel, broadcast = whatsapp("marketing")
    factory.address(channel, "4915112345678")
    assert told(broadcast, channel) == []
    assert cost_of(broadcast, channel, None) is None


def test_a_template_of_an_unknown_category_says_what_to_do() -> None:
    channel, broadcast = whatsapp("", **WHATSAPP_PRICES)
    factory.address(channel, "4915112345678")
    (cost,) = told(broadcast, channel)
    assert cost.price is None
    assert cost.unpriced_words == (
        "No price for 1 recipient: the category of the template is not known. Refresh the list "
        "of templates."
    )


@pytest.mark.parametrize(
    ("free", "category", "price"),
    [
        ("service and utility", "utility", Decimal("0.05")),
        ("service", "utility", Decimal("0.10")),
        ("nothing", "utility", Decimal("0.10")),
        ("service and utility", "marketing", Decimal("0.2262")),
    ],
)
def test_an_open_window_is_free_where_the_provider_says_so(
    free: str, category: str, price: Decimal
) -> None:
    channel, broadcast = whatsapp(category, free_in_window=free, **WHATSAPP_PRICES)
    factory.address(channel, "4915112345678", wrote_at=clock.now() - timedelta(hours=25))
    factory.address(channel, "4915112345679")  # wrote just now
    (cost,) = told(broadcast, channel)
    assert cost.price == price
    assert sum(group.people for group in cost.groups if group.free) == (price < Decimal("0.1"))


def test_a_text_is_a_service_message() -> None:
    channel, _ = whatsapp("marketing", **WHATSAPP_PRICES)
    factory.address(channel, "4915112345678")
    (cost,) = told(draft(channel), channel)
    assert (cost.price, cost.category) == (Decimal("0.01"), "service")


def test_countries_of_very_many_recipients_are_estimated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "EXACT", 10)
    monkeypatch.setattr(sampling, "SPANS", 4)
    monkeypatch.setattr(sampling, "LOOKED", 20)
    channel, broadcast = whatsapp("marketing", **WHATSAPP_PRICES)
    numbers = [f"{'49151' if n % 2 else '16505'}{n:06d}" for n in range(40)]
    for number in numbers:
        factory.address(channel, number)
    (cost,) = told(broadcast, channel)
    assert cost.about
    assert {group.code for group in cost.groups} == {"49", "1"}
    assert cost.price_words.endswith(" EUR")
