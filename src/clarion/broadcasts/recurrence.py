"""When a periodic broadcast runs: every day, week or month at a clock time, or by cron (C3).

Two rules for the hours that clock changes add and take away:

- A clock time is kept once a day. One that the clocks skip in spring runs as soon as the clocks
  go on; one that comes twice in autumn runs the first time.
- What runs in every hour of the day (a cron expression whose hours are all 24) runs in every hour
  that really passes: in both of two equal ones, and not in a missing one.

A whole day that a country leaves out (Samoa, 30 December 2011) has no run.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import islice
from typing import Any, Literal

from cronsim import CronSim, CronSimError
from cronsim.cronsim import Field as CronField
from django.utils.dates import WEEKDAYS
from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator, model_validator

from clarion.broadcasts.errors import RecurrenceError
from clarion.kit import clock
from clarion.kit.sentences import problems

LAST_DAY = 31  # of the month, however short it is
LONGEST_CRON = 100  # characters
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_LONGEST_FOLD = timedelta(hours=3)  # clocks go back by an hour, by half of one, rarely by more
_EXAMPLE = "Write minute, hour, day, month and weekday, such as 0 9 * * 1."
_FAULTS = {
    "every": "Choose how often it runs: every day, week or month, or by a cron expression.",
    "at": "Write the time of day like 09:00.",
    "days": "Choose the days of the week on which it runs.",
    "day": "Choose a day of the month from 1 to 31.",
    "cron": f"Write a cron expression. {_EXAMPLE}",
}


class Recurrence(BaseModel):
    """How often something runs; stored with the broadcast. Fields that don't matter are empty."""

    model_config = ConfigDict(extra="forbid")

    every: Literal["day", "week", "month", "cron"]
    at: str = ""  # 09:00; for day, week and month
    days: list[int] = []  # for week; Monday is 0
    day: int = 0  # for month; in a month without that day it is the last one
    cron: str = ""  # five fields, as in crontab(5)

    @field_validator("day", mode="before")
    @classmethod
    def _last_day(cls, value: Any) -> Any:
        return LAST_DAY if value == "last" else value

    @model_validator(mode="after")
    def _complete(self) -> "Recurrence":
        used = {"day": {"at"}, "week": {"at", "days"}, "month": {"at", "day"}, "cron": {"cron"}}
        for name, nothing in {"at": "", "days": [], "day": 0, "cron": ""}.items():
            if name not in used[self.every]:
                setattr(self, name, nothing)
        if "at" in used[self.every]:
            self.at = clock_time(self.at)
        if self.every == "week" and not (self.days and set(self.days) <= set(range(7))):
            raise ValueError(_FAULTS["days"])
        self.days = sorted(set(self.days))
        if self.every == "month" and not 1 <= self.day <= LAST_DAY:
            raise ValueError(_FAULTS["day"])
        if self.every == "cron":
            self.cron = _checked_cron(self.cron)
        return self


def parse(raw: Mapping[str, Any]) -> Recurrence:
    """The recurrence as stored or typed. Raises RecurrenceError with one sentence."""
    try:
        return Recurrence.model_validate(dict(raw))
    except ValidationError as error:
        raise RecurrenceError(problems(error, fields=_FAULTS)[0].sentence) from None


def clock_time(text: str) -> str:
    """A time of day as HH:MM. Raises RecurrenceError for anything else."""
    hours, colon, minutes = text.strip().partition(":")
    digits = f"{hours}{minutes}"
    numbers = colon and digits.isascii() and digits.isdigit() and len(hours) <= 2 == len(minutes)
    if not numbers or int(hours) > 23 or int(minutes) > 59:
        raise RecurrenceError(_FAULTS["at"])
    return f"{int(hours):02}:{minutes}"


def _checked_cron(expression: str) -> str:
    """A cron expression with single spaces. Raises RecurrenceError naming the part that's wrong."""
    parts = expression.split()
    if not parts:
        raise RecurrenceError(_FAULTS["cron"])
    if len(parts) != 5 or len(expression) > LONGEST_CRON:
        raise RecurrenceError(f"A cron expression has five short parts. {_EXAMPLE}")
    names = ("minute", "hour", "day of the month", "month", "day of the week")
    for field, name, part in zip(list(CronField)[1:], names, parts, strict=True):
        try:
            field.parse(part.upper())
        except CronSimError:
            raise RecurrenceError(
                f"The {name} “{part}” of the cron expression is wrong. {_EXAMPLE}"
            ) from None
    cron = " ".join(parts)
    try:
        next(CronSim(cron, datetime(2000, 1, 1)))  # noqa: DTZ001 - by the clock on the wall
    except (CronSimError, StopIteration):
        raise RecurrenceError(
            f"“{cron}” never runs: there is no such day. Choose another day or month."
        ) from None
    return cron


def next_run(recurrence: Recurrence, zone: str, after: datetime) -> datetime:
    """The first run later than ``after``, in UTC. ``zone``: IANA name.

    Raises RecurrenceError when there is none within 50 years, ValueError for an unknown zone.
    """
    for moment in stream(recurrence, zone, after):
        return moment
    raise RecurrenceError("It does not run again. Choose other days.")


def runs(recurrence: Recurrence, zone: str, after: datetime, n: int) -> list[datetime]:
    """The next ``n`` runs later than ``after``, in UTC."""
    return list(islice(stream(recurrence, zone, after), n))


def stream(recurrence: Recurrence, zone: str, after: datetime) -> Iterator[datetime]:
    """All runs later than ``after``, in UTC, one by one."""
    tz = clock.zone(zone)
    local = after.astimezone(tz).replace(tzinfo=None)
    expressions = _expressions(recurrence)
    if len(CronSim(expressions[0], local).hours) == 24:
        # The same clock times may come again within the next hours.
        moments = _every_hour(_walls(expressions, local - _LONGEST_FOLD), tz)
    else:
        moments = _once_each(_walls(expressions, local), tz)
    last = after
    for moment in moments:
        if moment > last:
            last = moment
            yield moment


def _expressions(recurrence: Recurrence) -> list[str]:
    """The cron expressions that together say the same."""
    if recurrence.every == "cron":
        return [recurrence.cron]
    hour, _colon, minute = recurrence.at.partition(":")
    at = f"{int(minute)} {int(hour)}"
    if recurrence.every == "day":
        return [f"{at} * * *"]
    if recurrence.every == "week":
        return [f"{at} * * {','.join(str(day + 1) for day in recurrence.days)}"]
    if recurrence.day == LAST_DAY:
        return [f"{at} L * *"]
    if recurrence.day <= 28:
        return [f"{at} {recurrence.day} * *"]
    return [f"{at} {recurrence.day} 1,3-12 *", f"{at} L 2 *"]


def _walls(expressions: Iterable[str], after: datetime) -> Iterator[datetime]:
    """What the clock on the wall shows at the runs. CronSim does not look at zones here."""
    return heapq.merge(*(CronSim(expression, after) for expression in expressions))


def _once_each(walls: Iterable[datetime], tz: tzinfo) -> Iterator[datetime]:
    for wall in walls:
        missing = _shift(wall, tz)
        if missing >= _DAY:
            continue
        while missing > timedelta():
            wall += _MINUTE
            missing = _shift(wall, tz)
        yield wall.replace(tzinfo=tz).astimezone(UTC)


def _every_hour(walls: Iterable[datetime], tz: tzinfo) -> Iterator[datetime]:
    """Each moment at which the clock shows one of these times, in order."""
    waiting: list[datetime] = []
    for wall in walls:
        shift = _shift(wall, tz)
        if shift > timedelta():
            continue
        first = wall.replace(tzinfo=tz).astimezone(UTC)
        while waiting and waiting[0] < first:
            yield heapq.heappop(waiting)
        heapq.heappush(waiting, first)
        if shift:
            heapq.heappush(waiting, first - shift)
    yield from sorted(waiting)


def _shift(wall: datetime, tz: tzinfo) -> timedelta:
    """By how much the clocks go forward over this time (it is missing) or back (it comes twice).

    Zero for nearly all times. PEP 495: the offsets of fold 0 and 1 are those before and after.
    """
    before, after = (wall.replace(tzinfo=tz, fold=fold).utcoffset() for fold in (0, 1))
    assert before is not None
    assert after is not None
    return after - before


def words(recurrence: Recurrence, zone: str) -> str:
    """For people: “Every Monday and Thursday at 09:00, Europe/Berlin”."""
    fill: dict[str, Any] = {"at": recurrence.at, "day": recurrence.day, "zone": zone}
    if recurrence.every == "cron":
        return f"{CronSim(recurrence.cron, datetime(2000, 1, 1)).explain()}, {zone}"  # noqa: DTZ001
    if recurrence.every == "day" or len(recurrence.days) == 7:
        return _("Every day at %(at)s, %(zone)s") % fill
    if recurrence.every == "week":
        fill["days"] = get_text_list([str(WEEKDAYS[day]) for day in recurrence.days], _("and"))
        return _("Every %(days)s at %(at)s, %(zone)s") % fill
    if recurrence.day == LAST_DAY:
        return _("On the last day of every month at %(at)s, %(zone)s") % fill
    if recurrence.day > 28:
        return _("On day %(day)s of every month, or its last, at %(at)s, %(zone)s") % fill
    return _("On day %(day)s of every month at %(at)s, %(zone)s") % fill
