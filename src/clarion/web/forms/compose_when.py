"""When a draft is sent, as it is typed on its page: now, later, again and again, when called."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from clarion.broadcasts import recurrence as recurrences
from clarion.broadcasts import trigger
from clarion.broadcasts.errors import RecurrenceError, TriggerError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.problems import TIME_PASSED
from clarion.broadcasts.recurrence import Recurrence
from clarion.kit import clock
from clarion.kit.numbers import parse_id
from clarion.kit.text import clean

WAYS = ("now", "scheduled", "periodic", "trigger", "external")
TYPES = {"trigger": Broadcast.Type.TRIGGER, "external": Broadcast.Type.EXTERNAL}
UNITS = {  # of a delay, in seconds
    "minutes": 60,
    "hours": 3_600,
    "days": 86_400,
    "weeks": 604_800,
    "months": 30 * 86_400,
}
TAG = "#tag"  # no attribute is called so
TAG_IS = {"equals": "has", "not": "has_not"}
RUNS = 3  # next runs that are shown
LONGEST = 2_000  # characters of a field; the package says what is too long for it
ONE = (
    "when", "at", "at_exact", "time_zone", "every", "clock", "day", "cron", "on", "tag", "event",
    "segment",
    "delay", "delay_unit", "trigger_clock", "again",
)  # fmt: skip
CONDITION = ("condition_of", "condition_is", "condition_value")
MANY = ("days", *CONDITION)
NAMES = (*ONE, *MANY)
DEFAULTS = {"every": "day", "clock": "09:00", "day": "1", "on": "tag", "delay": "1"}
DEFAULTS |= {"delay_unit": "minutes"}


@dataclass(slots=True)
class When:
    """The part of the page about time, as it stands."""

    way: str = "now"
    zone: str = "UTC"
    fields: dict[str, str] = field(default_factory=lambda: dict(DEFAULTS))  # by name of the field
    days: list[int] = field(default_factory=list)  # of the week; Monday is 0
    conditions: list[tuple[str, str, str]] = field(default_factory=list)  # of, is, value
    moment: datetime | None = None
    recurrence: Recurrence | None = None
    trigger: dict[str, Any] = field(default_factory=dict)

    @property
    def condition_rows(self) -> list[tuple[str, str, str]]:
        """All conditions, and an empty one where there may be another."""
        more = [("", "equals", "")] if len(self.conditions) < trigger.MOST_CONDITIONS else []
        return [*self.conditions, *more]

    @property
    def repeats_in_words(self) -> str:
        """How often it runs, for people."""
        return recurrences.words(self.recurrence, self.zone) if self.recurrence else ""

    @property
    def next_runs(self) -> list[datetime]:
        """The next runs, in UTC."""
        if self.recurrence is None:
            return []
        return recurrences.runs(self.recurrence, self.zone, clock.now(), RUNS)

    @property
    def trigger_in_words(self) -> str:
        """What has to happen, and when it is sent then."""
        return trigger.words(trigger.parse(self.trigger)) if self.trigger else ""

    @property
    def is_incomplete(self) -> bool:
        """Whether a time or a schedule was asked for that is not filled in yet, or is wrong."""
        return (self.way == "scheduled" and self.moment is None) or (
            self.way == "periodic" and self.recurrence is None
        )

    @property
    def shown_zone(self) -> str:
        """The zone in which its times are shown: its own where one was chosen for them."""
        chosen = self.moment is not None or self.recurrence is not None
        return self.zone if chosen else timezone.get_current_timezone_name()

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes."""
        return {
            "type": TYPES.get(self.way, Broadcast.Type.BROADCAST),
            "scheduled_at": self.moment,
            "recurrence": self.recurrence.model_dump() if self.recurrence else {},
            "trigger": self.trigger,
            "time_zone": self.zone,
        }


def read(data: QueryDict) -> tuple[When, dict[str, str]]:
    """When it is sent, and what is wrong with that, by field."""
    entries = {name: clean(data.get(name, "").strip(), LONGEST) for name in ONE}
    when = When(
        way=entries["when"] if entries["when"] in WAYS else "now",
        zone=entries["time_zone"] or timezone.get_current_timezone_name(),
        fields={**entries, **{name: entries[name] or value for name, value in DEFAULTS.items()}},
        days=sorted({int(day) for day in data.getlist("days") if day in set("0123456")}),
        conditions=_conditions(data),
    )
    problems: dict[str, str] = {}
    try:
        clock.zone(when.zone)
    except ValueError as error:
        when.zone = timezone.get_current_timezone_name()
        return when, {"time_zone": str(error)}
    if when.way in _READERS:
        _READERS[when.way](when, entries, problems)
    return when, problems


def _conditions(data: QueryDict) -> list[tuple[str, str, str]]:
    """The conditions in their rows, without the empty ones at the end."""
    columns = [data.getlist(name) for name in CONDITION]
    rows = [
        (clean(of.strip(), LONGEST), clean(how, LONGEST), clean(value.strip(), LONGEST))
        for of, how, value in zip(*columns, strict=False)
    ]
    while rows and not rows[-1][0] and not rows[-1][2]:
        rows.pop()
    return rows


def _read_later(when: When, entries: Mapping[str, str], problems: dict[str, str]) -> None:
    if not entries["at"]:
        problems["at"] = _("Choose a date and a time.")
        return
    exact = _exact(entries["at_exact"])
    if exact is not None and _local(exact, when.zone) == entries["at"]:
        when.moment = exact  # the field shows no seconds, and not which of two equal hours
    else:
        try:
            when.moment = clock.parse_moment(entries["at"], when.zone)
        except ValueError as error:
            problems["at"] = str(error)
            return
    if when.moment <= clock.now():
        problems["at"] = TIME_PASSED


def _exact(text: str) -> datetime | None:
    """The moment that the page was opened with, as it came along."""
    try:
        return clock.from_us(int(text))
    except (ValueError, OverflowError):
        return None


def _local(moment: datetime, zone: str) -> str:
    return moment.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M")


def _read_repeat(when: When, entries: Mapping[str, str], problems: dict[str, str]) -> None:
    day = when.fields["day"]
    raw = {
        "every": when.fields["every"],
        "at": entries["clock"],
        "days": when.days,
        "day": int(day) if day.isdecimal() and len(day) < 3 else 0,
        "cron": entries["cron"],
    }
    try:
        when.recurrence = recurrences.parse(raw)
    except RecurrenceError as error:
        problems["periodic"] = str(error)


def _read_trigger(when: When, entries: Mapping[str, str], problems: dict[str, str]) -> None:
    delay = _seconds(when.fields["delay"], when.fields["delay_unit"])
    if delay is None:
        problems["trigger"] = _("Write the delay as a number, such as 10.")
        return
    wrong = [row for row in when.conditions if row[0] == TAG and row[1] not in TAG_IS]
    if wrong:
        problems["trigger"] = _("A contact has a tag or does not have it. Choose “is” or “is not”.")
        return
    raw: dict[str, Any] = {
        "on": when.fields["on"],
        "tag": entries["tag"] if when.fields["on"] == "tag" else "",
        "event": entries["event"] if when.fields["on"] == "event" else "",
        "segment": parse_id(entries["segment"]) or 0,
        "delay": delay,
        "at": entries["trigger_clock"] or None,
        "again": bool(entries["again"]),
        "conditions": [_condition(row) for row in when.conditions if row[0] or row[2]],
    }
    try:
        when.trigger = trigger.parse(raw).model_dump(by_alias=True)
    except TriggerError as error:
        problems["trigger"] = str(error)


def _seconds(number: str, unit: str) -> int | None:
    if not (number.isascii() and number.isdigit() and len(number) < 9):
        return None
    return int(number) * UNITS.get(unit, 60)


def _condition(row: tuple[str, str, str]) -> dict[str, str]:
    of, how, value = row
    if of == TAG:
        return {"tag": value, "is": TAG_IS[how]}
    return {"attribute": of, "is": how, "value": value}


_READERS = {"scheduled": _read_later, "periodic": _read_repeat, "trigger": _read_trigger}


def form_of(draft: Broadcast) -> dict[str, list[str]]:
    """The fields of the page as they are for a draft that was made elsewhere."""
    entries = {**DEFAULTS, "when": "now"}
    entries["time_zone"] = draft.time_zone or timezone.get_current_timezone_name()
    lists: dict[str, list[str]] = {}
    if draft.type == Broadcast.Type.EXTERNAL:
        entries["when"] = "external"
    elif draft.type == Broadcast.Type.TRIGGER:
        entries |= {"when": "trigger", **_trigger_fields(draft.trigger)}
        lists = _condition_columns(draft.trigger.get("conditions", ()))
    elif draft.recurrence:
        entries |= {"when": "periodic", **_repeat_fields(draft.recurrence)}
        lists["days"] = [str(day) for day in draft.recurrence.get("days", ())]
    elif draft.scheduled_at:
        exact = str(clock.to_us(draft.scheduled_at))
        local = _local(draft.scheduled_at, entries["time_zone"])
        entries |= {"when": "scheduled", "at": local, "at_exact": exact}
    return {**{name: [value] for name, value in entries.items() if value}, **lists}


def _repeat_fields(stored: Mapping[str, Any]) -> dict[str, str]:
    return {
        "every": stored.get("every", DEFAULTS["every"]),
        "cron": stored.get("cron", ""),
        "day": str(stored.get("day") or DEFAULTS["day"]),
        "clock": stored.get("at") or DEFAULTS["clock"],
    }


def _trigger_fields(stored: Mapping[str, Any]) -> dict[str, str]:
    delay = int(stored.get("delay", UNITS["minutes"]))
    unit = next(name for name in reversed(UNITS) if delay % UNITS[name] == 0 or name == "minutes")
    return {
        "on": stored.get("on", DEFAULTS["on"]),
        "tag": stored.get("tag", ""),
        "event": stored.get("event", ""),
        "segment": str(stored.get("segment") or ""),
        "delay": str(delay // UNITS[unit]),
        "delay_unit": unit,
        "trigger_clock": stored.get("at") or "",
        "again": "yes" if stored.get("again") else "",
    }


def _condition_columns(conditions: Sequence[Mapping[str, Any]]) -> dict[str, list[str]]:
    rows = [
        (TAG, "equals" if condition["is"] == "has" else "not", condition["tag"])
        if condition.get("tag")
        else (condition.get("attribute", ""), condition["is"], condition.get("value", ""))
        for condition in conditions
    ]
    columns = zip(*rows, strict=True) if rows else ((), (), ())
    return dict(zip(CONDITION, map(list, columns), strict=True))
