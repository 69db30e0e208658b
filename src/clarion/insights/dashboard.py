"""What the first page shows: now, next, what needs attention, and a range of time in numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any, NamedTuple

from clarion.broadcasts import history
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.insights import over_time, spans
from clarion.insights.attention import Concern, concerns
from clarion.insights.over_time import OverTime
from clarion.insights.spans import Spans
from clarion.records.measures import NAMES
from clarion.records.states import PENDING

UNDER_WAY, UPCOMING = 10, 5  # how many are shown


@dataclass(frozen=True, slots=True)
class Now:
    """How things are at this moment."""

    under_way: list[Broadcast]
    upcoming: list[tuple[datetime, Broadcast]]
    concerns: list[Concern]


@dataclass(frozen=True, slots=True)
class Compared:
    """A number of a range of time, and of as long a time before; None: no channel reports it."""

    name: str  # one of measures.NAMES
    now: int | None
    before: int | None

    @property
    def change(self) -> float | None:
        """By how much it is more than before, as a part of that; None where nothing was before."""
        if not self.before or self.now is None:
            return None
        return (self.now - self.before) / self.before


class Pace(NamedTuple):
    """Messages a second since a broadcast began, and the seconds left at that; None: not known."""

    rate: float | None
    seconds_left: float | None


@dataclass(frozen=True, slots=True)
class Range:
    """A range of time in numbers."""

    name: str  # one of spans.RANGES
    spans: Spans
    before: tuple[datetime, datetime]  # the time that it is compared with
    over_time: OverTime
    compared: list[Compared]


def now(moment: datetime) -> Now:
    """What is sent at this moment, what is next, and what needs attention."""
    return Now(history.under_way(UNDER_WAY), history.upcoming(UPCOMING), concerns(moment))


def pace(facts: Mapping[str, Any], moment: datetime) -> Pace:
    """How fast a broadcast is on average; ``facts`` as of ``history.facts``."""
    started = facts["started_at"]
    done = facts["total"] - sum(facts[state] for state in PENDING)
    if facts["state"] != BroadcastState.SENDING or started is None or not done:
        return Pace(None, None)
    rate = done / max((moment - started).total_seconds(), 0.001)
    left = (facts["total"] - done) / rate if facts["expanded_at"] else None
    return Pace(rate, left)


def in_range(name: str, zone: tzinfo, moment: datetime) -> Range:
    """The numbers of a range that ends now. Raises KeyError for a name not in spans.RANGES."""
    latest = spans.latest(name, zone, moment)
    before = spans.before(latest, moment)
    shown = over_time.of_all(latest)
    earlier = over_time.between(*before)
    compared = [
        Compared(
            number,
            getattr(shown.total, number) if shown.knows(number) else None,
            getattr(earlier, number) if shown.knows(number) else None,
        )
        for number in NAMES
        if number != "opened" or shown.total.opened or earlier.opened  # few count it
    ]
    return Range(name, latest, before, shown, compared)
