"""Prices by calling code and category: looked up, exported, imported."""

from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from channels.twilio.fixtures import CASE as SMS
from channels.whatsapp.fixtures import CASE
from clarion.channels import kept_files, price_lists, prices
from clarion.channels.errors import ChannelError
from clarion.channels.manage import update_channel
from clarion.channels.models import Channel, KeptFile
from clarion.channels.prices import PriceRow, PriceTable, named
from clarion.kit import clock
from support import factory

CATEGORIES = {"marketing": "marketing", "utility": "utility"}


def table(text: str) -> PriceTable:
    return PriceTable("EUR", prices.parse(text, CATEGORIES))


@pytest.mark.parametrize(
    ("number", "category", "code", "price"),
    [
        ("4915112345678", "marketing", "49", "0.11"),
        ("4915112345678", "utility", "49", "0.07"),
        ("4915112345678", "", "49", "0.07"),
        ("4917012345678", "marketing", "4917", "0.08"),  # the longest beginning, of any category
        ("33612345678", "marketing", "", "0.02"),
        ("33612345678", "utility", "33", None),
        ("", "utility", "", None),
    ],
)
def test_the_longest_code_applies_and_then_the_category(
    number: str, category: str, code: str, price: str | None
) -> None:
    chosen = table("49 marketing=0.11, +49=0.07; 4917=0.08, * marketing=0.02")
    wanted = Decimal(price) if price else None
    assert chosen.match(number, category) == (code, wanted)
    assert chosen.match(number[: chosen.digits], category) == (code, wanted)


def test_rows_are_written_as_they_are_read() -> None:
    text = "49 marketing=0.11, 49=0.07, *=0.000001"
    assert prices.written(prices.parse(text, CATEGORIES)) == text
    assert table("").currency == ""  # without prices there is nothing to show


@pytest.mark.parametrize(
    ("code", "shown"),
    [("49", "+49 (DE)"), ("1", "+1"), ("4917", "+4917"), ("", ""), ("7", "+7 (KZ, RU)")],
)
def test_countries_are_named_where_they_are_few(code: str, shown: str) -> None:
    assert named(code) == shown


@pytest.fixture
def shop(db: None) -> Channel:
    return factory.channel("shop", "whatsapp", **CASE.settings, currency="EUR")


def test_an_exported_list_can_be_imported_again(shop: Channel, tmp_path: Path) -> None:
    rows = [("+49", "Marketing", "0.1131"), ("*", "", "0.05")]
    assert price_lists.set_prices(shop, rows, by=factory.BY) == 2
    file = tmp_path / "rates.csv"
    file.write_bytes(b"".join(price_lists.export_csv(shop)))
    assert file.read_text().splitlines() == [
        "calling_code,category,price", "49,marketing,0.1131", "*,,0.05"
    ]  # fmt: skip
    price_lists.set_prices(shop, [], by=factory.BY)
    assert price_lists.table_of(shop).rows == ()
    assert price_lists.import_csv(shop, file, by=factory.BY) == 2
    shop.refresh_from_db()
    assert price_lists.table_of(shop).rows == (
        PriceRow("49", "marketing", Decimal("0.1131")), PriceRow("", "", Decimal("0.05"))
    )  # fmt: skip


def test_a_price_of_all_others_replaces_that_of_one_sms(db: None) -> None:
    channel = factory.channel("sms", "twilio", **SMS.settings, currency="EUR", price="0.06")
    assert price_lists.table_of(channel).match("49").price == Decimal("0.06")
    price_lists.set_prices(channel, [("*", "", "0.02")], by=factory.BY)
    assert price_lists.table_of(channel).match("49").price == Decimal("0.02")


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ("country,price\n49,1", "needs the columns calling_code and price"),
        ("code,price\n49,1\nDE,2", "Line 3: “DE” is not a calling code"),
        ("code;category;price\n49;gold;1", "Line 2: “gold” is not a category"),
        ("code;price\n49;0,5", "Line 2: Write a price with a full stop"),
        ("code,price\n49,0,05", "Line 2 has too many values: 3, with 2 columns"),
        ("code,price\n49,1\n44", "Line 3 has too few values: 1, with 2 columns"),
        ("code,price\n49,1\n+49,2", "two prices for 49"),
        ("code,price\n49,\xff", "UTF-8"),
    ],
)
def test_a_wrong_file_changes_nothing(
    shop: Channel, tmp_path: Path, lines: str, words: str
) -> None:
    price_lists.set_prices(shop, [("1", "", "0.01")], by=factory.BY)
    file = tmp_path / "rates.csv"
    file.write_bytes(lines.encode("latin-1" if "\xff" in lines else "utf-8"))
    with pytest.raises(ChannelError, match=words):
        price_lists.import_csv(shop, file, by=factory.BY)
    assert len(price_lists.table_of(shop).rows) == 1


def test_prices_are_changed_without_touching_anything_else(shop: Channel, tmp_path: Path) -> None:
    moment = clock.now()
    trouble: dict[str, Any] = {
        "waits_until": moment, "waits_since": moment, "waits_reason": "It asked to wait.",
        "checked_at": moment, "check_result": "The token is valid.", "account_name": "15550783881",
    }  # fmt: skip
    Channel.objects.filter(pk=shop.pk).update(**trouble)
    kept_files.keep(shop.pk, "photo", "17")
    another = Channel.objects.get(pk=shop.pk)
    update_channel(another, settings={"country": "DE"}, by=factory.BY)  # after ``shop`` was read
    Channel.objects.filter(pk=shop.pk).update(**trouble)
    kept_files.keep(shop.pk, "photo", "17")
    file = tmp_path / "rates.csv"
    file.write_text("code,price\n49,0.1\n")
    assert price_lists.import_csv(shop, file, by=factory.BY) == 1
    shop = Channel.objects.get(pk=shop.pk)
    assert (shop.config["prices"], shop.config["country"]) == ("49=0.1", "DE")
    assert {name: getattr(shop, name) for name in trouble} == trouble
    assert KeptFile.objects.filter(channel=shop).exists()


def test_a_file_with_too_many_prices_is_not_read_to_its_end(shop: Channel, tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    rows = "".join(f"{number},1\n" for number in range(1_000, 1_000 + 3 * prices.MOST_PRICES))
    file.write_bytes(f"code,price\n{rows}".encode() + b"\xff" * 100_000)
    with pytest.raises(ChannelError, match=r"at most 2,000 prices"):
        price_lists.import_csv(shop, file, by=factory.BY)
    with pytest.raises(ChannelError, match=r"at most 2,000 prices"):
        price_lists.set_prices(shop, repeat(("49", "", "1")), by=factory.BY)


def test_other_kinds_have_no_prices(db: None) -> None:
    channel = factory.channel()
    assert not price_lists.has_prices(channel)
    with pytest.raises(ChannelError, match="have no prices"):
        price_lists.table_of(channel)
