"""What every channel that sends SMS may be told: look-alike characters, and what an SMS costs."""

from decimal import Decimal
from typing import Final

from pydantic import BaseModel, Field, field_validator

from clarion.channels import prices, sms_text
from clarion.channels.contract import Outgoing
from clarion.channels.groups import COSTS, MESSAGES
from clarion.channels.measuring import Measured
from clarion.channels.prices import PriceRow, PriceTable

UNIT: Final = ("SMS", "SMS")
_MOST_NAMED = 5  # characters
_NAMES = {"": "nothing", " ": "space", "\n": "line break"}


class SmsSettings(BaseModel):
    """Settings that a kind of SMS channel has beside its own; they come last in its form."""

    smart_encoding: bool = Field(
        default=False,
        title="Replace typographic characters",
        description="Replaces “ ” ’ – … and the like with characters of the SMS alphabet, where "
        "that makes a message shorter: one of them is enough for an SMS to hold 70 characters, not "
        "160. Messages are sent and counted with the replacements.",
        json_schema_extra={"group": MESSAGES},
    )
    currency: str = Field(
        default="",
        title="Currency",
        description="The currency of the prices below: three letters, for example EUR. Leave it "
        "empty to show no costs.",
        json_schema_extra={"group": COSTS},
    )
    price: str = Field(
        default="",
        title="Price of one SMS",
        description="For example 0.06. A message that takes two SMS costs twice as much.",
        json_schema_extra={"group": COSTS},
    )
    prices: str = Field(
        default="",
        title="Prices by country",
        description="Where they differ: the first digits of phone numbers and the price, for "
        "example 49=0.075, 1=0.0079. The longest match applies; others have the price above.",
        json_schema_extra={"group": COSTS, "long": True},
    )

    @field_validator("currency")
    @classmethod
    def _is_currency(cls, value: str) -> str:
        return prices.currency(value)

    @field_validator("price")
    @classmethod
    def _is_price(cls, value: str) -> str:
        return f"{prices.price(value):f}" if value.strip() else ""

    @field_validator("prices")
    @classmethod
    def _are_prices(cls, value: str) -> str:
        return prices.written(prices.parse(value, {}))


def price_table(settings: SmsSettings) -> PriceTable:
    """What SMS of a channel cost."""
    rows = prices.parse(settings.prices, {})
    if settings.price and all(row.code for row in rows):
        rows.append(PriceRow("", "", Decimal(settings.price)))
    return PriceTable(settings.currency, rows)


def measure(message: Outgoing, settings: SmsSettings, table: PriceTable) -> Measured:
    """How many SMS a text takes as it is sent, why, and what they cost."""
    text = as_sent(message, settings)
    size = sms_text.size_of(text)
    each = table.match(message.to).price
    price = None if each is None else each * size.segments
    return Measured(size.segments, price, _why(message.text, text, size))


def as_sent(message: Outgoing, settings: SmsSettings) -> str:
    """The text of a message as it is sent and counted."""
    return sms_text.simplified(message.text) if settings.smart_encoding else message.text


def _why(written: str, text: str, size: sms_text.Size) -> str:
    """How the number of SMS comes about: “153 + 19 characters; “€” counts twice”.

    ``written``: the text before characters were replaced.
    """
    parts = [f"{' + '.join(map(str, size.lengths))} characters"]
    if size.encoding == "ucs2":
        forcing = _named(sms_text.forcing(text))
        parts.append(f"70 instead of 160 fit into one SMS because of {forcing}")
    elif twice := sms_text.counted_twice(text):
        parts.append(f"{_named(twice)} {'counts' if len(twice) == 1 else 'count'} twice")
    if text != written:
        pairs = sms_text.replacements(written)
        changes = ", ".join(
            f"{_sign(each)} → {_NAMES.get(simple, simple)}" for each, simple in pairs[:_MOST_NAMED]
        )
        others = " and others" if len(pairs) > _MOST_NAMED else ""
        parts.append(f"replaced: {changes}{others}" if changes else "accents are joined")
    return "; ".join(parts)


def _sign(character: str) -> str:
    """A character, or its code where there is nothing to see."""
    return character if character.isprintable() else f"U+{ord(character):04X}"


def _named(characters: tuple[str, ...]) -> str:
    shown = " ".join(
        f"“{each}”" if each.isprintable() else _sign(each) for each in characters[:_MOST_NAMED]
    )
    return f"{shown} and others" if len(characters) > _MOST_NAMED else shown
