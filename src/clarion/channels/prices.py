"""What a provider charges for one unit, by calling code and category, as operators enter it.

A channel keeps its table in its settings, so that a kind can measure messages without a database.
"""

import re
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Final, NamedTuple

from clarion.channels import phones

OTHERS: Final = "*"  # instead of a calling code: all numbers that no other row is about
MOST_PRICES: Final = 2_000
TOO_MANY: Final = f"Write at most {MOST_PRICES:,} prices."
LONGEST_CODE: Final = 15  # digits: a whole phone number
_CURRENCY = re.compile(r"[A-Z]{3}")
_PRICE = re.compile(r"[0-9]{1,6}(\.[0-9]{1,8})?")
_CODE = re.compile(rf"[1-9][0-9]{{0,{LONGEST_CODE - 1}}}")
_DIGITS: Final = 3  # of the longest calling code


class PriceRow(NamedTuple):
    """The price of one unit to numbers that begin with a code, in a category."""

    code: str  # the first digits of phone numbers; "" for all others
    category: str  # the provider's word; "" for every category
    price: Decimal


class Matched(NamedTuple):
    """What a message to a number costs, and by which row of the table."""

    code: str  # of the row, or the calling code of the number where there is no row
    price: Decimal | None  # None: no row is about it


class PriceTable:
    """The prices of one channel."""

    def __init__(self, currency: str, rows: Iterable[PriceRow]) -> None:
        self.rows = tuple(rows)
        every = self.rows if currency else ()
        self.currency = currency if every else ""
        self._prices = {(row.code, row.category): row.price for row in every}
        self._lengths = sorted({len(row.code) for row in every}, reverse=True)

    @property
    def differ(self) -> bool:
        """Whether the price depends on the number."""
        return any(code for code, _ in self._prices)

    @cached_property
    def digits(self) -> int:
        """How many of the first digits of a number decide its price, and name its country."""
        return max(_DIGITS, *self._lengths) if self._lengths else _DIGITS

    def match(self, number: str, category: str = "") -> Matched:
        """The price of one unit to a number, given by its digits or the first ``digits`` of them.

        The longest beginning applies, and for it a price of the category before one of all.
        """
        for length in self._lengths:
            code = number[:length]
            for named in dict.fromkeys((category, "")):
                if (price := self._prices.get((code, named))) is not None:
                    return Matched(code, price)
        return Matched(phones.calling_code(number), None)


def currency(text: str) -> str:
    """The three letters of a currency, or "". Raises ValueError with what to write."""
    letters = text.strip().upper()
    if letters and not _CURRENCY.fullmatch(letters):
        raise ValueError("Write the three letters of a currency, for example EUR.")
    return letters


def price(text: str) -> Decimal:
    """An amount as people write it. Raises ValueError with what to write."""
    value = text.strip()
    try:
        if not _PRICE.fullmatch(value):
            raise InvalidOperation
        return Decimal(value)
    except InvalidOperation:
        raise ValueError(
            "Write a price with a full stop and without a currency, for example 0.06."
        ) from None


def row(code: str, category: str, amount: str, categories: Mapping[str, str]) -> PriceRow:
    """One row as people write it. Raises ValueError with what to write.

    ``categories``: those that the provider has, and what they are called; none for a kind whose
    messages all cost the same.
    """
    digits = code.strip().removeprefix("+")
    if digits != OTHERS and not _CODE.fullmatch(digits):
        raise ValueError(
            f"“{code.strip()[:40]}” is not a calling code. Write digits such as 49, or "
            f"{OTHERS} for all others."
        )
    named = category.strip().lower()
    if named and named not in categories:
        if not categories:
            raise ValueError("Prices have no category on this channel. Leave it empty.")
        raise ValueError(
            f"“{named[:40]}” is not a category. Use {', '.join(categories)}, or leave it "
            "empty for all of them."
        )
    return PriceRow("" if digits == OTHERS else digits, named, price(amount))


def parse(text: str, categories: Mapping[str, str]) -> list[PriceRow]:
    """The rows of ``49=0.075, 1 marketing=0.0079``. Raises ValueError with what to write."""
    example = "49 utility=0.05, 49=0.11, *=0.08" if categories else "49=0.075, 1=0.0079"
    rows = []
    for entry in filter(None, (each.strip() for each in re.split(r"[,;\n]", text))):
        beginning, equals, amount = entry.partition("=")
        code, _, category = beginning.strip().partition(" ")
        if not equals or not (code == OTHERS or _CODE.fullmatch(code.removeprefix("+"))):
            raise ValueError(
                f"Write calling codes and their prices, with commas between them: {example}."
            )
        rows.append(row(code, category, amount, categories))
    return checked(rows)


def checked(rows: list[PriceRow]) -> list[PriceRow]:
    """The rows, each of which is about something else. Raises ValueError."""
    seen = set()
    for code, category, _ in rows:
        if (code, category) in seen:
            what = f"{code or OTHERS} {category}".strip()
            raise ValueError(f"There are two prices for {what}. Remove one of them.")
        seen.add((code, category))
    if len(rows) > MOST_PRICES:
        raise ValueError(TOO_MANY)
    return rows


def written(rows: Iterable[PriceRow]) -> str:
    """Rows as ``parse`` reads them, and as settings store them."""
    return ", ".join(
        f"{code or OTHERS}{f' {category}' if category else ''}={amount:f}"
        for code, category, amount in rows
    )


def named(code: str) -> str:
    """What numbers with this beginning are called: “+49 (DE)”; “” for all others."""
    countries = phones.countries_of(code)
    shown = f"+{code}" if code else ""
    return f"{shown} ({', '.join(countries)})" if shown and countries else shown
