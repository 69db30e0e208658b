"""What a provider charges for messages, for the kinds whose providers charge by units."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol, runtime_checkable

from clarion.channels.contract import Limits, Outgoing
from clarion.channels.prices import PriceTable


@dataclass(frozen=True, slots=True)
class Measured:
    """What the provider charges for one message, as far as that is known beforehand."""

    units: int  # how many are charged
    price: Decimal | None = None  # of all of them; None: it is not known
    detail: str = ""  # how the number comes about, as a phrase


@runtime_checkable
class Measures(Protocol):
    """A kind whose provider charges messages by units that are known beforehand."""

    limits: ClassVar[Limits]
    unit: ClassVar[tuple[str, str]]  # what one unit and several units are called
    counts_alone: ClassVar[bool]  # whether the units are worth showing where there are no prices
    price_categories: ClassVar[Mapping[str, str]]  # that prices may have, and their names; or none
    prices: PriceTable
    # The categories that cost nothing while a person may be answered freely: for
    # ``channels.limits.WINDOW`` seconds after they last wrote.
    free_in_window: frozenset[str]

    def measure(self, message: Outgoing) -> Measured:
        """The units of a message, and their price outside of a window in which it is free. Pure.
        A text too long is measured as well."""

    def price_category(self, message: Outgoing) -> str:
        """The category that a message is charged by; "" where there is none, or it is not known.
        Pure."""

    def priced_number(self, user_id: str) -> str:
        """The digits that a price is looked up by: a phone number, or the beginning of one. Given
        the beginning of a user id, it is the beginning of these. Pure."""
