"""When a broadcast pauses by itself because too many messages fail (F6).

There is a limit for each of two classes of failures, as a percentage of the last messages; a
broadcast has its own or the one of the workspace (``CLARION_PAUSE_…``). 0 is never.
"""

from dataclasses import dataclass

from django.conf import settings

from clarion.broadcasts.models import Broadcast
from clarion.kit.numbers import parse_count

LAST = 200  # messages that are looked at
LEAST = 10  # failures: fewer say nothing, however few messages there are


class PercentError(ValueError):
    """What is no percentage; says what to do."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Percentages of the last messages; 0: never."""

    rejected: int
    unreachable: int


def limits_of(broadcast: Broadcast) -> Limits:
    """The limits in effect: its own, or those of the workspace."""
    usual, own = usual_limits(), (broadcast.pause_rejected, broadcast.pause_unreachable)
    return Limits(
        usual.rejected if own[0] is None else own[0],
        usual.unreachable if own[1] is None else own[1],
    )


def usual_limits() -> Limits:
    """The limits of the workspace."""
    of = settings.CLARION
    return Limits(of.pause_rejected_percent, of.pause_unreachable_percent)


def checked_percent(percent: int | None) -> int | None:
    """The percentage, if it is one; None is the workspace's. Raises PercentError."""
    if percent is not None and not 0 <= percent <= 100:
        raise PercentError("The percentage must be a whole number from 0 to 100; 0 is never.")
    return percent


def parse_percent(text: str) -> int | None:
    """A percentage as it was typed; None where nothing was. Raises PercentError."""
    digits = text.strip().removesuffix("%").strip()
    if not digits:
        return None
    percent = parse_count(digits)
    return checked_percent(-1 if percent is None else percent)
