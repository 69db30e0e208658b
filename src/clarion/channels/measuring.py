"""What a provider charges for messages, for the kinds whose providers charge by units."""

from dataclasses import dataclass
from decimal import Decimal
from typing import ClassVar, Protocol, runtime_checkable

from clarion.channels.contract import Outgoing


@dataclass(frozen=True, slots=True)
class Measured:
    """What the provider charges for one message, as far as that is known beforehand."""

    units: int  # how many are charged
    price: Decimal | None = None  # of all of them; None: it is not known
    detail: str = ""  # how the number comes about, as a phrase


@runtime_checkable
class Measures(Protocol):
    """A kind whose provider charges messages by units that are known beforehand."""

    unit: ClassVar[tuple[str, str]]  # what one unit and several units are called
    currency: str  # of the prices; "" where the channel has none
    prices_differ: bool  # whether the price depends on who gets the message

    def measure(self, message: Outgoing) -> Measured:
        """The units of a message, and their price. Pure. A text too long is measured as well."""
