"""What a broadcast says and when it is sent, as options: for ``send`` and ``drafts edit``."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal

import typer

from clarion.cli.options import (
    MOMENT,
    REPEATABLE,
    PauseRejected,
    PauseUnreachable,
    Rate,
    chosen,
    only_with,
    parse_json,
    parse_moment,
)

UNITS = {"m": 60, "h": 3_600, "d": 86_400, "w": 604_800}  # seconds
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
EVERY_GAP = "*"  # of broadcasts.gaps, which takes long to import
ON_EVENTS = ("--on-tag", "--on-event", "--on-segment")

Title = Annotated[
    str | None,
    typer.Option(metavar="TITLE", help="The name in lists, and the subject of e-mails."),
]
SampleData = Annotated[
    str | None,
    typer.Option(
        metavar="JSON",
        help="A JSON object that the preview and test sends show as {{ data.x }}. Not sent to "
        "recipients.",
    ),
]
Codes = Annotated[
    str | None,
    typer.Option(
        metavar="POOL",
        help="The code pool that {{ code }} comes from, one code for each recipient.",
    ),
]
EndOpenChats = Annotated[
    bool | None,
    typer.Option(
        "--end-open-chats/--keep-open-chats",
        help="Close the recipients' open chats first, or hold their messages until the chats are "
        "closed.  [default: keep-open-chats]",
    ),
]
TrackClicks = Annotated[
    bool | None,
    typer.Option(
        "--track-clicks/--no-track-clicks",
        help="Replace the links in the message by links of this server, and record who clicks "
        "them. Needs CLARION_PUBLIC_URL.  [default: no-track-clicks]",
    ),
]
SendToOthers = Annotated[
    bool | None,
    typer.Option(
        "--send-to-others/--no-send-to-others",
        help="Send even if some recipients get nothing, because they lack a variable that has no "
        "default.  [default: no-send-to-others]",
    ),
]
At = Annotated[
    str | None, typer.Option(metavar="TIME", help=f"Send at this time, such as {MOMENT}.")
]
Zone = Annotated[
    str | None,
    typer.Option(metavar="ZONE", help="The time zone of these times, such as Europe/Berlin."),
]
Rhythm = Literal["day", "week", "month"]
Every = Annotated[
    Rhythm | None,
    typer.Option(help="Repeat every day, week or month; with --at-clock."),
]
AtClock = Annotated[
    str | None,
    typer.Option(
        metavar="HH:MM",
        help="The time of day. With --on-tag and --on-event: in the contact's time zone.",
    ),
]
Day = Annotated[
    list[str] | None,
    typer.Option(
        metavar="DAY",
        help="With --every week: mon, tue, … sun; repeat it for several. With --every month: "
        "1 to 31, or last.",
    ),
]
Cron = Annotated[
    str | None,
    typer.Option(metavar="EXPRESSION", help="Repeat by a cron expression, such as '0 9 * * mon'."),
]
External = Annotated[
    bool, typer.Option("--external", help="Send whenever the broadcast's secret URL is called.")
]
OnTag = Annotated[
    str | None, typer.Option(metavar="TAG", help="Send to each contact who is assigned this tag.")
]
OnEvent = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Send to each contact for whom this event is recorded."),
]
OnSegment = Annotated[
    str | None,
    typer.Option(metavar="SEGMENT", help="Send to each contact who joins this segment."),
]
Delay = Annotated[
    str | None,
    typer.Option(
        metavar="DURATION",
        help="How long after the tag or the event: 10m, 2h, 3d or 1w. Without it: 1m.",
    ),
]
Again = Annotated[
    bool,
    typer.Option("--again", help="Send each time it happens. Without it: once to each contact."),
]
OnlyIf = Annotated[
    list[str] | None,
    typer.Option(
        metavar="CONDITION",
        help="Send only if this is true at that time: city=Bonn, city!=Bonn, city~Bo, city, !city, "
        f"tag:vip or !tag:vip. {REPEATABLE}",
    ),
]


@dataclass(frozen=True, slots=True)
class SettingOptions:
    """The rest of what a draft is made of; see ``option_groups``."""

    SECTION: ClassVar[str] = "Settings"

    title: Title = None
    sample_data: SampleData = None
    end_open_chats: EndOpenChats = None
    track_clicks: TrackClicks = None
    send_to_others: SendToOthers = None
    codes: Codes = None
    rate: Rate = None
    pause_rejected: PauseRejected = None
    pause_unreachable: PauseUnreachable = None

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes, of what is given. Raises CodeError."""
        from clarion.codes.pools import find_pool

        fields: dict[str, Any] = {
            "title": self.title, "end_open_chats": self.end_open_chats, "rate": self.rate,
            "track_clicks": self.track_clicks,
            "pause_rejected": self.pause_rejected, "pause_unreachable": self.pause_unreachable,
        }  # fmt: skip
        if self.sample_data is not None:
            fields["sample_data"] = parse_json("--sample-data", self.sample_data)
        if self.send_to_others is not None:
            fields["accepted_gaps"] = [EVERY_GAP] if self.send_to_others else []
        if self.codes is not None:
            fields["code_pool"] = find_pool(self.codes) if self.codes else None
        return {name: value for name, value in fields.items() if value is not None}


@dataclass(frozen=True, slots=True)
class ScheduleOptions:
    """When it is sent, as the options name it; see ``option_groups``."""

    SECTION: ClassVar[str] = "Schedule"

    at: At = None
    tz: Zone = None
    every: Every = None
    at_clock: AtClock = None
    day: Day = None
    cron: Cron = None
    external: External = False
    on_tag: OnTag = None
    on_event: OnEvent = None
    on_segment: OnSegment = None
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
            "--on-segment": self.on_segment is not None,
        }

    @property
    def given(self) -> bool:
        """Whether a time is given at all; it is sent now, else."""
        return any(self.ways.values())

    def check(self) -> None:
        """Raise BadParameter unless at most one way is given, and what belongs to it."""
        way = chosen(self.ways, required=False)
        only_with("--tz", self.tz, "--at", "--every", "--cron", *ON_EVENTS, given=way)
        only_with("--at-clock", self.at_clock, "--every", *ON_EVENTS, given=way)
        only_with("--day", self.day, "--every", given=way)
        only_with("--delay", self.delay, *ON_EVENTS, given=way)
        only_with("--again", self.again, *ON_EVENTS, given=way)
        only_with("--only-if", self.only_if, *ON_EVENTS, given=way)

    def draft_fields(self) -> dict[str, Any]:
        """What ``launch.edit_draft`` takes. Raises BadParameter for what can't be understood."""
        from clarion import config
        from clarion.broadcasts.models import Broadcast

        types = Broadcast.Type
        fields: dict[str, Any] = {
            "type": types.BROADCAST, "scheduled_at": None, "recurrence": {}, "trigger": {},
            "time_zone": self.tz or config.load().time_zone,
        }  # fmt: skip
        if self.at is not None:
            fields["scheduled_at"] = parse_moment("--at", self.at, self.tz)
        elif self.every is not None or self.cron is not None:
            fields["recurrence"] = self._recurrence()
        elif self.external:
            fields["type"] = types.EXTERNAL
        elif any(self.ways[option] for option in ON_EVENTS):
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
            raise typer.BadParameter(
                "Use it with --every week or --every month only.", param_hint="--day"
            )
        try:
            return recurrence.parse(raw).model_dump()
        except RecurrenceError as error:
            hint = "--cron" if self.cron is not None else "--every"
            raise typer.BadParameter(str(error), param_hint=hint) from None

    def _trigger(self) -> dict[str, Any]:
        from clarion.broadcasts import trigger
        from clarion.broadcasts.errors import TriggerError
        from clarion.segments.manage import find

        raw = {
            "on": next(option for option in ON_EVENTS if self.ways[option]).removeprefix("--on-"),
            "tag": self.on_tag or "",
            "event": self.on_event or "",
            "segment": 0 if self.on_segment is None else find(self.on_segment).pk,
            "delay": _seconds(self.delay or "1m"),
            "at": self.at_clock,
            "again": self.again,
            "conditions": [_condition(condition) for condition in self.only_if or ()],
        }
        try:
            return trigger.parse(raw).model_dump(by_alias=True)
        except TriggerError as error:
            raise typer.BadParameter(str(error)) from None


def _weekday(text: str) -> int:
    day = text.strip().lower()[:3]
    if day not in DAYS:
        raise typer.BadParameter(
            f"“{text}” is not a day of the week. Write mon, tue, wed, thu, fri, sat or sun.",
            param_hint="--day",
        )
    return DAYS.index(day)


def _month_day(text: list[str]) -> int | str:
    if len(text) == 1 and (text[0] == "last" or text[0].isdecimal()):
        return text[0] if text[0] == "last" else int(text[0])
    raise typer.BadParameter("Give one day of the month: 1 to 31, or last.", param_hint="--day")


def _seconds(text: str) -> int:
    number, unit = text[:-1].strip(), text[-1:].lower()
    if unit not in UNITS or not (number.isascii() and number.isdigit() and len(number) < 9):
        raise typer.BadParameter(
            f"“{text}” is not a delay. Write a number and m, h, d or w: 10m, 2h, 3d or 1w.",
            param_hint="--delay",
        )
    return int(number) * UNITS[unit]


def _condition(text: str) -> dict[str, str]:
    """``city=Bonn``, ``city!=Bonn``, ``city~Bo``, ``city``, ``!city``, ``tag:vip``, ``!tag:x``."""
    bare = text.removeprefix("!")
    if bare.startswith("tag:"):
        return {"tag": bare.removeprefix("tag:"), "is": "has" if bare == text else "has_not"}
    for sign, how in (("!=", "not"), ("~", "contains"), ("=", "equals")):
        name, sign_found, value = text.partition(sign)
        if sign_found:
            return {"attribute": name.strip(), "is": how, "value": value.strip()}
    return {"attribute": bare, "is": "set" if bare == text else "unset"}
