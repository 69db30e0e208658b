"""On what a trigger broadcast fires, and when: as stored, as typed, and in words (C4)."""

from collections.abc import Mapping
from typing import Any, Literal

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from clarion.broadcasts.conditions import INCOMPLETE, Condition
from clarion.broadcasts.errors import TriggerError
from clarion.broadcasts.recurrence import clock_time
from clarion.contacts import tags
from clarion.kit.sentences import problems
from clarion.segments.manage import segment_name

SHORTEST, LONGEST = 60, 366 * 86_400  # seconds of delay
MOST_CONDITIONS = 20
_FAULTS = {
    "on": "Choose what it fires on: a tag, an event or a segment.",
    "tag": "Choose the tag that it fires on.",
    "event": "Name the event that it fires on.",
    "segment": "Choose the segment that it fires on.",
    "delay": "Choose a delay in whole minutes, from 1 minute to 366 days.",
    "at": "Write the time of day like 09:00, or leave it empty.",
    "again": "Choose whether it fires again each time.",
    "conditions": f"{INCOMPLETE} {MOST_CONDITIONS} conditions at most.",
}


class Trigger(BaseModel):
    """On what a broadcast fires, and when; stored with it. What does not matter is empty."""

    model_config = ConfigDict(extra="forbid")

    on: Literal["tag", "event", "segment"]
    tag: str = Field("", max_length=tags.LONGEST)
    event: str = Field("", max_length=tags.LONGEST)
    segment: int = Field(0, ge=0)  # the id of one that a contact joins
    delay: int = Field(SHORTEST, ge=SHORTEST, le=LONGEST, multiple_of=60)  # seconds after it
    at: str | None = None  # then at this time of day (HH:MM) where the person lives
    again: bool = False  # each time, instead of once per contact
    conditions: list[Condition] = Field([], max_length=MOST_CONDITIONS)

    @model_validator(mode="after")
    def _complete(self) -> "Trigger":
        self.tag = self.tag.strip() if self.on == "tag" else ""
        self.event = self.event.strip() if self.on == "event" else ""
        self.segment = self.segment if self.on == "segment" else 0
        if self.tag:
            tags.check_names([self.tag])
        name = self.tag or self.event
        if not name.isprintable() or not (name or self.segment):
            raise ValueError(_FAULTS[self.on])
        self.at = clock_time(self.at) if self.at else None
        return self


def parse(raw: Mapping[str, Any]) -> Trigger:
    """The trigger as stored or typed. Raises TriggerError with one sentence."""
    try:
        return Trigger.model_validate(dict(raw))
    except ValidationError as error:
        raise TriggerError(problems(error, fields=_FAULTS)[0].sentence) from None


def words(trigger: Trigger) -> str:
    """Such as “2 hours after the tag “vip” is assigned, if city is “Bonn”, once per contact”."""
    fill: dict[str, Any] = {"name": trigger.tag or trigger.event, "at": trigger.at}
    if trigger.on == "segment":
        fill["name"] = segment_name(trigger.segment)
    fill["delay"] = _delay_words(trigger.delay)
    parts = [
        {
            "tag": _("%(delay)s after the tag “%(name)s” is assigned"),
            "event": _("%(delay)s after the event “%(name)s”"),
            "segment": _("%(delay)s after they join the segment “%(name)s”"),
        }[trigger.on]
    ]
    if trigger.at:
        parts.append(_("at %(at)s in the contact's time zone"))
    if trigger.conditions:
        fill["conditions"] = get_text_list(
            [condition.words() for condition in trigger.conditions], _("and")
        )
        parts.append(_("if %(conditions)s"))
    parts.append(_("each time") if trigger.again else _("once per contact"))
    return ", ".join(parts) % fill


def _delay_words(seconds: int) -> str:
    if seconds % 86_400 == 0:
        return _count_words(seconds // 86_400, _("1 day"), _("%d days"))
    if seconds % 3_600 == 0:
        return _count_words(seconds // 3_600, _("1 hour"), _("%d hours"))
    return _count_words(seconds // 60, _("1 minute"), _("%d minutes"))


def _count_words(count: int, one: str, many: str) -> str:
    return one if count == 1 else many % count
