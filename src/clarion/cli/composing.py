"""What a broadcast says and when it leaves, as options: for ``send`` and ``drafts edit``."""

import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from clarion import config
from clarion.cli.failures import Failed

UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}  # seconds
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

Text = Annotated[
    str | None,
    typer.Option(metavar="TEXT|@FILE", help="The text, or @ and a UTF-8 file; @- is stdin."),
]
Story = Annotated[
    str | None, typer.Option(metavar="STORY", help="Instead of a text: a story, by name or number.")
]
Template = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Instead of a text: a template that the provider approved."),
]
Language = Annotated[str | None, typer.Option(metavar="L", help="The template’s language: en_US.")]
Variables = Annotated[
    list[str] | None,
    typer.Option("--variable", metavar="TEXT", help="The template’s variables, in their order."),
]
Title = Annotated[str | None, typer.Option(help="A name for lists; the subject of e-mails.")]
EndOpenChats = Annotated[
    bool | None,
    typer.Option(
        "--end-open-chats/--keep-open-chats", help="Close the chats of all recipients first."
    ),
]
Rate = Annotated[float | None, typer.Option(metavar="R", help="Its own most messages a second.")]
At = Annotated[str | None, typer.Option(metavar="ISO", help="Send then: 2026-12-24T09:30.")]
Zone = Annotated[
    str | None, typer.Option(metavar="ZONE", help="The time zone of its times: Europe/Berlin.")
]
Every = Annotated[str | None, typer.Option(metavar="day|week|month", help="Again and again.")]
AtClock = Annotated[
    str | None,
    typer.Option(metavar="HH:MM", help="At this time of day; with --every or a trigger."),
]
Day = Annotated[
    list[str] | None,
    typer.Option(metavar="D", help="With --every week: mon … sun; with month: 1 … 31 or last."),
]
Cron = Annotated[
    str | None, typer.Option(metavar="EXPR", help="Again and again, by a cron expression.")
]
External = Annotated[bool, typer.Option("--external", help="Whenever its secret URL is called.")]
OnTag = Annotated[
    str | None, typer.Option(metavar="T", help="To each person who is given this tag.")
]
OnEvent = Annotated[
    str | None, typer.Option(metavar="NAME", help="To each person to whom this event happens.")
]
Delay = Annotated[
    str | None, typer.Option(metavar="TIME", help="So long after it: 10m, 2h, 3d, 1w.")
]
Again = Annotated[bool, typer.Option("--again", help="Each time it happens, not once per person.")]
OnlyIf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="COND", help="Only if this holds then: city=Bonn, city!=Bonn, city, !city, tag:vip."
    ),
]


@dataclass(frozen=True, slots=True)
class Content:
    """What it says, as the options name it; see ``option_groups.with_option_groups``."""

    text: Text = None
    story: Story = None
    template: Template = None
    language: Language = None
    variables: Variables = None

    def check(self, *, complete: bool) -> None:
        """Raise BadParameter unless one way of saying something is given; or none, in part."""
        ways = {"--text": self.text, "--story": self.story, "--template": self.template}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1 or (complete and not given):
            found = f"not {' and '.join(given)}" if given else "none is given"
            raise typer.BadParameter(f"Give exactly one of {', '.join(ways)}; {found}.")
        if self.template is None and (self.language is not None or self.variables):
            hint = "--language" if self.language is not None else "--variable"
            raise typer.BadParameter("It goes with --template.", param_hint=hint)

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes. Raises StoryError for an unknown story."""
        from clarion.content.stories import find_story

        if self.text is not None:
            return {"data_type": "text", "text": read(self.text)}
        if self.story is not None:
            return {"data_type": "story", "story": find_story(self.story)}
        if self.template is not None:
            told: dict[str, Any] = {"name": self.template, "language": self.language or ""}
            return {
                "data_type": "template",
                "template": {**told, "variables": self.variables or []},
            }
        return {}


@dataclass(frozen=True, slots=True)
class Manner:
    """The rest of what a draft is made of; see ``option_groups.with_option_groups``."""

    title: Title = None
    end_open_chats: EndOpenChats = None
    rate: Rate = None

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes, of what is given."""
        given = {
            "title": self.title, "end_open_chats": self.end_open_chats, "rate": self.rate
        }  # fmt: skip
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Timing:
    """When it leaves, as the options name it; see ``option_groups.with_option_groups``."""

    at: At = None
    tz: Zone = None
    every: Every = None
    at_clock: AtClock = None
    day: Day = None
    cron: Cron = None
    external: External = False
    on_tag: OnTag = None
    on_event: OnEvent = None
    delay: Delay = None
    again: Again = False
    only_if: OnlyIf = None

    @property
    def ways(self) -> dict[str, bool]:
        """The options that say when, and which of them are used."""
        return {
            "--at": self.at is not None,
            "--every": self.every is not None,
            "--cron": self.cron is not None,
            "--external": self.external,
            "--on-tag": self.on_tag is not None,
            "--on-event": self.on_event is not None,
        }

    @property
    def given(self) -> bool:
        """Whether it says when at all; it is now, else."""
        return any(self.ways.values())

    def check(self) -> None:
        """Raise BadParameter unless at most one way is given, and what goes with it."""
        given = [name for name, used in self.ways.items() if used]
        if len(given) > 1:
            raise typer.BadParameter(f"Give one of {', '.join(given)}, not both.")
        needs: dict[str, tuple[object, set[str]]] = {
            "--tz": (self.tz, {"--at", "--every", "--cron", "--on-tag", "--on-event"}),
            "--at-clock": (self.at_clock, {"--every", "--on-tag", "--on-event"}),
            "--day": (self.day, {"--every"}),
            "--delay": (self.delay, {"--on-tag", "--on-event"}),
            "--again": (self.again, {"--on-tag", "--on-event"}),
            "--only-if": (self.only_if, {"--on-tag", "--on-event"}),
        }
        for name, (value, ways) in needs.items():
            if value and not ways & set(given):
                told = " or ".join(way for way in self.ways if way in ways)
                raise typer.BadParameter(f"It goes with {told} only.", param_hint=name)

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes. Raises BadParameter for what can't be understood."""
        from clarion.broadcasts.models import Broadcast

        types = Broadcast.Type
        fields: dict[str, Any] = {
            "type": types.BROADCAST, "scheduled_at": None, "recurrence": {}, "trigger": {},
            "time_zone": self.tz or config.load().time_zone,
        }  # fmt: skip
        if self.at is not None:
            fields["scheduled_at"] = parse_moment(self.at, self.tz)
        elif self.every is not None or self.cron is not None:
            fields["recurrence"] = self._recurrence()
        elif self.external:
            fields["type"] = types.EXTERNAL
        elif self.on_tag is not None or self.on_event is not None:
            fields["type"], fields["trigger"] = types.TRIGGER, self._trigger()
        return fields

    def _recurrence(self) -> dict[str, Any]:
        from clarion.broadcasts import recurrence
        from clarion.broadcasts.errors import RecurrenceError

        raw: dict[str, Any] = {"every": self.every or "cron", "cron": self.cron or ""}
        raw["at"] = self.at_clock or ""
        if self.every == "week":
            raw["days"] = [_weekday(day) for day in self.day or ()]
        elif self.every == "month":
            raw["day"] = _month_day(self.day or [])
        elif self.day:
            raise typer.BadParameter("It goes with --every week or month.", param_hint="--day")
        try:
            return recurrence.parse(raw).model_dump()
        except RecurrenceError as error:
            hint = "--cron" if self.cron is not None else "--every"
            raise typer.BadParameter(str(error), param_hint=hint) from None

    def _trigger(self) -> dict[str, Any]:
        from clarion.broadcasts import trigger
        from clarion.broadcasts.errors import TriggerError

        raw = {
            "on": "event" if self.on_tag is None else "tag",
            "tag": self.on_tag or "",
            "event": self.on_event or "",
            "delay": _seconds(self.delay or "1m"),
            "at": self.at_clock,
            "again": self.again,
            "conditions": [_condition(typed) for typed in self.only_if or ()],
        }
        try:
            return trigger.parse(raw).model_dump(by_alias=True)
        except TriggerError as error:
            raise typer.BadParameter(str(error)) from None


def read(text: str) -> str:
    """The text itself, or what the file after the @ holds."""
    if not text.startswith("@"):
        return text
    name = text[1:]
    try:
        raw = sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Failed(
            f"{name} is not UTF-8: line {line} holds the byte 0x{error.object[error.start]:02x}. "
            "Save it as UTF-8 and try again."
        ) from None


def parse_moment(at: str, tz: str | None) -> datetime:
    """The moment that --at names. Raises BadParameter."""
    from clarion.kit import clock

    try:
        return clock.parse_moment(at, tz or config.load().time_zone)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from None


def _weekday(typed: str) -> int:
    day = typed.strip().lower()[:3]
    if day not in DAYS:
        raise typer.BadParameter(
            f"“{typed}” is no day of the week. Write mon, tue, wed, thu, fri, sat or sun.",
            param_hint="--day",
        )
    return DAYS.index(day)


def _month_day(typed: list[str]) -> int | str:
    if len(typed) == 1 and (typed[0] == "last" or typed[0].isdecimal()):
        return typed[0] if typed[0] == "last" else int(typed[0])
    raise typer.BadParameter("Give one day of the month: 1 … 31, or last.", param_hint="--day")


def _seconds(typed: str) -> int:
    number, unit = typed[:-1].strip(), typed[-1:].lower()
    if unit not in UNITS or not (number.isascii() and number.isdigit() and len(number) < 9):
        raise typer.BadParameter(
            f"“{typed}” is no delay. Write a number and m, h, d or w: 10m, 2h, 3d, 1w.",
            param_hint="--delay",
        )
    return int(number) * UNITS[unit]


def _condition(typed: str) -> dict[str, str]:
    """``city=Bonn``, ``city!=Bonn``, ``city~Bo``, ``city``, ``!city``, ``tag:vip``, ``!tag:x``."""
    bare = typed.removeprefix("!")
    if bare.startswith("tag:"):
        return {"tag": bare.removeprefix("tag:"), "is": "has" if bare == typed else "has_not"}
    for sign, how in (("!=", "not"), ("~", "contains"), ("=", "equals")):
        name, found, value = typed.partition(sign)
        if found:
            return {"attribute": name.strip(), "is": how, "value": value.strip()}
    return {"attribute": bare, "is": "set" if bare == typed else "unset"}
