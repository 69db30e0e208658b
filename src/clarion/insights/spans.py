"""Spans of time that charts count in: minutes, quarters of an hour, hours, and days of a zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import pairwise

from clarion.kit import clock

MINUTE = timedelta(minutes=1)
QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
RANGES = {"24h": (24, HOUR), "7d": (7, DAY), "30d": (30, DAY), "90d": (90, DAY)}
DEFAULT_RANGE = "7d"
# Up to which length of time a broadcast's chart has which spans; longer ones have days.
_STEPS = ((HOUR, MINUTE), (timedelta(hours=12), QUARTER), (timedelta(days=5), HOUR))


@dataclass(frozen=True, slots=True)
class Spans:
    """Spans of equal length (but for days on which clocks change), one after the other."""

    step: timedelta
    bounds: Sequence[datetime]  # one more than there are spans

    @property
    def starts(self) -> Sequence[datetime]:
        """When each span begins."""
        return self.bounds[:-1]

    @property
    def since(self) -> datetime:
        """When the first span begins."""
        return self.bounds[0]

    @property
    def until(self) -> datetime:
        """When the last span ends."""
        return self.bounds[-1]

    def pairs(self) -> list[tuple[int, int]]:
        """Beginning and end of each span in microseconds."""
        edges = [clock.to_us(bound) for bound in self.bounds]
        return list(pairwise(edges))


def latest(name: str, zone: tzinfo, now: datetime) -> Spans:
    """One of ``RANGES`` that ends with the span ``now`` is in. Raises KeyError for another name."""
    count, step = RANGES[name]
    first = _floor(now, step, zone)
    if step == DAY:
        days = [first.date() + (n - count + 1) * DAY for n in range(count + 1)]
        bounds = [datetime(day.year, day.month, day.day, tzinfo=zone) for day in days]
    else:
        end = first.astimezone(UTC) + step
        bounds = [(end - (count - n) * step).astimezone(zone) for n in range(count + 1)]
    return Spans(step, bounds)


def of_broadcast(first: datetime, last: datetime, zone: tzinfo, least: timedelta = MINUTE) -> Spans:
    """Spans for a chart of one broadcast: the first and the last moment that it has numbers of.

    None is shorter than ``least``.

    A broadcast has numbers by the minute for its first hour, by the quarter after that.
    """
    length = last - first
    step = max(least, next((step for most, step in _STEPS if length < most), DAY))
    since, until = _floor(first, step, zone), last
    bounds = [since]
    while bounds[-1] <= until:
        bounds.append(_next(bounds[-1], step, zone))
    return Spans(step, bounds)


def before(spans: Spans, now: datetime) -> tuple[datetime, datetime]:
    """The same length of time as from the first span to ``now``, just before the first span.

    So the running day is compared with as much of a day. Its beginning is that of as many days
    earlier, its end is rounded up to a quarter of an hour.
    """
    zone = spans.since.tzinfo or UTC
    whole = spans.until.astimezone(UTC) - spans.since.astimezone(UTC)
    if spans.step == DAY:
        count = len(spans.bounds) - 1
        day = spans.since.date() - count * DAY
        since = datetime(day.year, day.month, day.day, tzinfo=zone)
    else:
        since = (spans.since.astimezone(UTC) - whole).astimezone(zone)
    passed = min(now, spans.until).astimezone(UTC) - spans.since.astimezone(UTC)
    until = since.astimezone(UTC) + passed
    short = (clock.EPOCH - until) % QUARTER
    return since, min(until + short, spans.since.astimezone(UTC)).astimezone(zone)


def _floor(moment: datetime, step: timedelta, zone: tzinfo) -> datetime:
    local = moment.astimezone(zone)
    if step == DAY:
        return datetime(local.year, local.month, local.day, tzinfo=zone)
    past = timedelta(minutes=local.minute, seconds=local.second, microseconds=local.microsecond)
    return (moment.astimezone(UTC) - past % step).astimezone(zone)


def _next(start: datetime, step: timedelta, zone: tzinfo) -> datetime:
    if step == DAY:
        day = start.date() + DAY
        return datetime(day.year, day.month, day.day, tzinfo=zone)
    return (start.astimezone(UTC) + step).astimezone(zone)
