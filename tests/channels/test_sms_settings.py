"""What an SMS costs, by the settings of a channel."""

from decimal import Decimal
from typing import Any

import pytest
from pydantic import ValidationError

from clarion.channels.contract import Outgoing
from clarion.channels.measuring import Measured
from clarion.channels.prices import PriceTable
from clarion.channels.sms_settings import SmsSettings, as_sent, measure, price_table

BECAUSE = "70 instead of 160 fit into one SMS because of"


def measured(text: str, to: str = "49151", **settings: Any) -> Measured:
    chosen = SmsSettings.model_validate(settings)
    return measure(Outgoing("a", 3, to, text), chosen, price_table(chosen))


def prices(**settings: str) -> PriceTable:
    return price_table(SmsSettings.model_validate({"currency": "EUR", **settings}))


@pytest.mark.parametrize(
    ("number", "price"),
    [("4915112345678", "0.075"), ("491701234567", "0.08"), ("33612345678", "0.06"), ("", "0.06")],
)
def test_the_longest_beginning_counts(number: str, price: str) -> None:
    table = prices(price="0.06", prices="49=0.075, +49170=0.08; 1=0.0079")
    assert table.match(number).price == Decimal(price)
    assert table.differ


def test_without_a_price_nothing_is_known() -> None:
    assert prices().match("49151").price is None
    assert prices(prices="1=0.01").match("49151").price is None
    assert prices().currency == ""
    nothing = price_table(SmsSettings(price="0.06"))  # of what, is not said
    assert (nothing.match("49151").price, nothing.currency) == (None, "")


def test_amounts_are_exact() -> None:
    cost = measured("a" * 161, currency="EUR", price="0.1")
    assert (cost.units, cost.price) == (2, Decimal("0.2"))
    assert measured("a", currency="EUR", price="0.00000001").price == Decimal("0.00000001")


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("Hello", "5 characters"),
        ("a" * 160 + "€", "153 + 9 characters; “€” counts twice"),
        ("[€]", "6 characters; “[” “€” “]” count twice"),
        (
            "Grüße – “ok”",
            f"12 characters; {BECAUSE} “–” ““” “””",
        ),
        ("\u200bабвге", f"6 characters; {BECAUSE} U+200B “а” “б” “в” “г” and others"),
    ],
)
def test_the_number_is_explained(text: str, detail: str) -> None:
    assert measured(text).detail == detail


@pytest.mark.parametrize(
    ("text", "detail"),
    [
        ("“Hi” – you…", '13 characters; replaced: “ → ", ” → ", – → -, … → ...'),
        ("a\u00a0b\u200b", "3 characters; replaced: U+00A0 → space, U+200B → nothing"),
        ("u\u0308ber", "4 characters; accents are joined"),
        ("“я”", "3 characters; 70 instead of 160 fit into one SMS because of ““” “я” “””"),
        ("plain", "5 characters"),
    ],
)
def test_what_is_replaced_is_named(text: str, detail: str) -> None:
    assert measured(text, smart_encoding=True).detail == detail


def test_the_text_is_counted_as_it_is_sent() -> None:
    message = Outgoing("a", 3, "49151", "“Hi”")
    assert as_sent(message, SmsSettings()) == "“Hi”"
    assert as_sent(message, SmsSettings(smart_encoding=True)) == '"Hi"'


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"price": "0,06"}, "with a full stop"),
        ({"price": "-1"}, "with a full stop"),
        ({"price": "1e3"}, "with a full stop"),
        ({"currency": "Euro"}, "three letters of a currency"),
        ({"prices": "49"}, "with commas between them"),
        ({"prices": "DE=0.07"}, "with commas between them"),
        ({"prices": "49=0.07, 49=0.08"}, "two prices for 49"),
        ({"prices": ",".join(f"1{n}=1" for n in range(2_001))}, "at most 2,000 prices"),
    ],
)
def test_wrong_prices_say_what_to_write(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ValidationError, match=words):
        SmsSettings.model_validate(settings)


def test_prices_are_stored_in_one_form() -> None:
    settings = SmsSettings(currency=" eur ", price=" 0.060 ", prices="+49 = 0.0000001;\n1=2")
    assert (settings.currency, settings.price) == ("EUR", "0.060")
    assert settings.prices == "49=0.0000001, 1=2"
    assert SmsSettings.model_validate(settings.model_dump()) == settings
