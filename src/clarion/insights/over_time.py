"""Numbers over time, by channel: of one broadcast, or of everything that was sent."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import reduce

from clarion.channels.models import Channel
from clarion.insights import spans as spans_
from clarion.insights.spans import Spans
from clarion.kit import clock
from clarion.records import measures
from clarion.records.measures import Numbers
from clarion.records.reporting import receipts_of

Reported = frozenset[str]
_REPORTED = ("delivered", "read")  # what only providers know


@dataclass(frozen=True, slots=True)
class ChannelSeries:
    """One channel's numbers, one for each span."""

    channel: Channel
    reports: Reported  # which of delivered and read are known of it
    numbers: Sequence[Numbers]

    @property
    def total(self) -> Numbers:
        """The sums of all spans."""
        return added(self.numbers)

    def knows(self, name: str) -> bool:
        """Whether a number is known: sent, failed and recovered always are."""
        return name not in _REPORTED or name in self.reports

    def column(self, name: str) -> list[int | None]:
        """One of ``measures.NAMES`` for each span; None where it is not reported."""
        return [getattr(each, name) if self.knows(name) else None for each in self.numbers]

    def value(self, name: str) -> int | None:
        """The sum of one of ``measures.NAMES``; None where it is not reported."""
        return getattr(self.total, name) if self.knows(name) else None


@dataclass(frozen=True, slots=True)
class OverTime:
    """Numbers for each span, of the channels that have any, the largest first."""

    spans: Spans
    channels: Sequence[ChannelSeries]

    @property
    def numbers(self) -> list[Numbers]:
        """All channels together, for each span."""
        columns = (series.numbers for series in self.channels)
        nothing = [Numbers()] * len(self.spans.starts)
        return [added(part) for part in zip(nothing, *columns, strict=True)]

    @property
    def total(self) -> Numbers:
        """The sums of all spans and channels."""
        return added(series.total for series in self.channels)

    @property
    def reports(self) -> Reported:
        """Which of delivered and read any of the channels reports."""
        return frozenset().union(*(series.reports for series in self.channels))

    def column(self, name: str) -> list[int | None]:
        """One of ``measures.NAMES`` for each span; None where no channel reports it."""
        return [getattr(each, name) if self.knows(name) else None for each in self.numbers]

    def knows(self, name: str) -> bool:
        """Whether a number is known: sent, failed and recovered always are."""
        return name not in _REPORTED or name in self.reports


def of_all(spans: Spans) -> OverTime:
    """Everything that was sent, in these spans (which begin and end with a quarter of an hour)."""
    return _over_time(spans, None)


def of_broadcast(
    broadcast_id: int,
    zone: tzinfo,
    since: datetime | None = None,
    until: datetime | None = None,
) -> OverTime | None:
    """One broadcast from its first number to its last, in spans that fit its length.

    ``since`` and ``until`` leave out the spans before and after. None while it has none.
    Under 300 ms for 1,000,000 recipients: docs/benchmarks-records.md.
    """
    ends = measures.first_and_last(broadcast_id)
    if ends is None:
        return None
    first, last = map(clock.from_us, ends)
    by_minute = first + timedelta(microseconds=measures.BY_MINUTE)
    first, last = max(first, since or first), min(last, until or last)
    if first > last:
        return None
    # Later numbers are only known by the quarter of an hour.
    least = spans_.MINUTE if last < by_minute else spans_.QUARTER
    return _over_time(spans_.of_broadcast(first, last, zone, least), broadcast_id)


def between(since: datetime, until: datetime) -> Numbers:
    """The sums of everything between two moments, each a quarter of an hour's beginning."""
    pair = (clock.to_us(since), clock.to_us(until))
    return added(spanned.numbers for spanned in measures.by_span([pair]))


def by_channel(since: datetime, until: datetime) -> dict[int, Numbers]:
    """As ``between``, for each channel."""
    pair = (clock.to_us(since), clock.to_us(until))
    return {spanned.channel: spanned.numbers for spanned in measures.by_span([pair])}


def added(numbers: Iterable[Numbers]) -> Numbers:
    """The sums of some numbers."""
    return reduce(Numbers.plus, numbers, Numbers())


def _over_time(spans: Spans, broadcast_id: int | None) -> OverTime:
    size = len(spans.starts)
    by_channel: dict[int, list[Numbers]] = {}
    for span, channel, numbers in measures.by_span(spans.pairs(), broadcast_id):
        by_channel.setdefault(channel, [Numbers()] * size)[span] = numbers
    channels = Channel.objects.in_bulk(by_channel)
    reports = receipts_of(channels.values())
    series = [
        ChannelSeries(channels[pk], reports[pk], numbers)
        for pk, numbers in by_channel.items()
        if pk in channels
    ]
    return OverTime(spans, sorted(series, key=_largest_first))


def _largest_first(series: ChannelSeries) -> tuple[int, str]:
    return -(series.total.sent + series.total.failed), series.channel.name
