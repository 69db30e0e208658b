"""Charts as pages show them: a table of numbers, and what the script needs to draw it.

A chart has one copy of its numbers: the table beside it, which ``static/web/chart.js`` reads. So a
drawing can't show anything else than what a screen reader reads.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, NamedTuple

from django.utils import formats, timezone
from django.utils.translation import gettext as _

DAY = timedelta(days=1)
TONES = ("1", "2", "3", "4", "5", "6", "7", "8")  # classes of charts.css that differ the most


@dataclass(frozen=True, slots=True)
class Point:
    """A row of the table, and a place on the horizontal axis."""

    label: str  # in full
    short: str  # as the axis shows it


class Cell(NamedTuple):
    """A number as the script reads it, "" where nothing is reported, and as people do."""

    raw: str
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """A column of the table: a line or the bars of one colour."""

    name: str
    values: Sequence[int | None]  # one per point; None where nothing is reported
    tone: str  # a class of charts.css: one of TONES, or "bad"

    @property
    def total(self) -> int | None:
        """The sum of what is reported; None if nothing is."""
        reported = [value for value in self.values if value is not None]
        return sum(reported) if reported else None


@dataclass(frozen=True, slots=True)
class Chart:
    """What ``parts/chart.html`` shows."""

    name: str  # a word of letters and hyphens, once on a page
    title: str
    kind: Literal["line", "bar", "stack"]  # stack: bars on top of one another
    heading: str  # of the table's first column, such as “Time (UTC)”
    points: Sequence[Point]
    series: Sequence[Series]

    @property
    def rows(self) -> list[tuple[Point, list[Cell]]]:
        """The table, row by row. Raises ValueError if a column has another length."""
        columns = [[_cell(value) for value in series.values] for series in self.series]
        by_point = zip(*columns, strict=True) if columns else ((),) * len(self.points)
        return [(point, list(cells)) for point, cells in zip(self.points, by_point, strict=True)]

    @property
    def totals(self) -> list[Cell]:
        """The table's last row."""
        return [_cell(series.total) for series in self.series]

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to draw: every number is 0 or missing."""
        return not any(value for series in self.series for value in series.values)


def _cell(value: int | None) -> Cell:
    if value is None:
        return Cell("", _("not reported"))
    return Cell(str(value), formats.number_format(value, force_grouping=True) if value else "0")


def time_points(starts: Sequence[datetime], step: timedelta) -> list[Point]:
    """Points for spans of time of this length, in the agent's zone; spans of a day have no hour."""
    hours = step < DAY
    several_days = hours and len({timezone.localtime(start).date() for start in starts}) > 1
    return [_time_point(timezone.localtime(start), hours, several_days) for start in starts]


def _time_point(start: datetime, hours: bool, several_days: bool) -> Point:
    day = formats.date_format(start, "j M")
    if not hours:
        return Point(formats.date_format(start, "j M Y"), day)
    hour = formats.date_format(start, "H:i")
    new_day = several_days and start.hour == 0 and start.minute == 0
    return Point(f"{day}, {hour}", day if new_day else hour)
