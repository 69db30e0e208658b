"""What a draft is made of: its fields, their limits, and the form in which they are stored.

Every way of writing a draft (page, command line, API) stores its fields in this one form, so that
none of them changes what another one wrote.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict

from clarion.broadcasts import halting
from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.errors import CallError, LaunchError
from clarion.broadcasts.mail import stored_mail
from clarion.broadcasts.models import Broadcast
from clarion.codes.models import CodePool
from clarion.content.formats import FORMATS
from clarion.content.models import Story
from clarion.kit import clock, rates
from clarion.kit.names import no_such
from clarion.kit.text import clean, one_line, plain_text

TITLE_LENGTH = 200
MOST_VARIABLES = 20  # of a template
LONGEST_LINE = 2_000  # characters of the name, the language and each variable of a template
TYPES = ("broadcast", "external", "trigger")  # those that a draft can have

# The parts of a draft whose form state is kept or cleared together, and the fields of each.
PARTS: dict[str, frozenset[str]] = {
    "content": frozenset({"data_type", "story", "template", "code_pool"}),
    "audience": frozenset({"channels", "audience", "picks"}),
    "timing": frozenset({"type", "scheduled_at", "time_zone", "recurrence", "trigger"}),
    "sample": frozenset({"sample_data"}),
    "open_chats": frozenset({"end_open_chats"}),
    "tracking": frozenset({"track_clicks", "track_opens"}),
    "rate": frozenset({"rate"}),
    "pausing": frozenset({"pause_rejected", "pause_unreachable"}),
}


class PartState(TypedDict):
    """One part of the form of a draft as it was left, and what is wrong with it, by field."""

    form: Mapping[str, Sequence[str]]
    problems: Mapping[str, str]


class FormState(TypedDict, total=False):
    """The form of a draft as it was left: ``page`` says by which page, ``parts`` are of PARTS.

    What is not valid yet is kept here, and stands in the way of sending.
    """

    page: str
    parts: Mapping[str, PartState]


class Fields(TypedDict, total=False):
    """What a draft is made of; what is left out stays as it is."""

    title: str
    text: str
    format: str  # how the text is written: see content.formats
    data_type: str  # text, story, template
    story: Story | None
    template: Mapping[str, Any]  # name, language, variables: texts
    mail: Mapping[str, Any]  # see broadcasts.mail; what is left out of it stays, too
    data: Mapping[str, Any]  # {{ data.x }} for everyone
    sample_data: Mapping[str, Any]  # {{ data.x }} in the preview and in test sends
    type: str  # broadcast, external, trigger
    scheduled_at: datetime | None
    time_zone: str
    recurrence: Mapping[str, Any]  # see broadcasts.recurrence
    trigger: Mapping[str, Any]  # see broadcasts.triggers
    code_pool: CodePool | None  # where {{ code }} comes from
    accepted_gaps: Sequence[str]  # see broadcasts.gaps
    end_open_chats: bool
    track_clicks: bool
    track_opens: bool
    rate: float | None  # messages a second
    pause_rejected: int | None  # percent, see broadcasts.halting
    pause_unreachable: int | None
    form_state: FormState


def stored(fields: Fields) -> Fields:
    """The fields as they are stored. Raises LaunchError for what no draft can hold."""
    values = fields.copy()
    if "title" in values:
        values["title"] = one_line(values["title"])[:TITLE_LENGTH]
    if "text" in values:
        values["text"] = plain_text(values["text"])
    _ensure_choices(values)
    if "accepted_gaps" in values:
        accepted = dict.fromkeys(clean(name, TITLE_LENGTH) for name in values["accepted_gaps"])
        values["accepted_gaps"] = list(accepted)[:MOST_VARIABLES]
    if "sample_data" in values:
        try:
            values["sample_data"] = checked_data(values["sample_data"])
        except CallError as error:
            raise LaunchError(str(error)) from None
    if values.get("template"):
        template = values["template"]
        values["template"] = stored_template(
            template.get("name", ""), template.get("language", ""), template.get("variables", ())
        )
    if "mail" in values:
        values["mail"] = stored_mail(values["mail"])
    try:
        rates.checked(values.get("rate"))
        halting.checked_percent(values.get("pause_rejected"))
        halting.checked_percent(values.get("pause_unreachable"))
        if values.get("time_zone"):
            clock.zone(values["time_zone"])
    except ValueError as error:
        raise LaunchError(str(error)) from None
    return values


def _ensure_choices(values: Fields) -> None:
    """Raise LaunchError for what is none of those that can be chosen."""
    choices: dict[str, tuple[str, Sequence[str]]] = {
        "format": ("format", FORMATS),
        "data_type": ("data type", Broadcast.DataType.values),
        "type": ("type", TYPES),
    }
    for name, (noun, existing) in choices.items():
        if (value := values.get(name)) is not None and value not in existing:
            raise LaunchError(no_such(noun, str(value), existing))


def stored_template(name: str, language: str, variables: Sequence[str]) -> dict[str, Any]:
    """A template as it is stored; empty when nothing is filled in. Raises LaunchError."""
    variables = without_empty_end([one_line(text) for text in variables])
    if len(variables) > MOST_VARIABLES:
        raise LaunchError(f"A template has at most {MOST_VARIABLES} variables. Leave some out.")
    lines = {"name": one_line(name), "language": one_line(language)}
    for text in (*lines.values(), *variables):
        if len(text) > LONGEST_LINE:
            raise LaunchError(
                f"The name, the language and each variable of a template have at most "
                f"{LONGEST_LINE:,} characters. Shorten “{text[:20]}…”."
            )
    return {**lines, "variables": variables} if variables or any(lines.values()) else {}


def without_empty_end(values: Sequence[str]) -> list[str]:
    """The values without the empty ones at the end."""
    kept = list(values)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def form_problems(state: Mapping[str, Any]) -> list[str]:
    """What is wrong with a form as it was left, one sentence each."""
    return [
        problem for part in state.get("parts", {}).values() for problem in part["problems"].values()
    ]


def after_edit(state: Mapping[str, Any], edited: Collection[str]) -> dict[str, Any]:
    """The form state that is still true when these fields were edited without the form."""
    kept = {
        part: left for part, left in state.get("parts", {}).items() if not PARTS[part] & set(edited)
    }
    return {"page": state.get("page", ""), "parts": kept} if kept else {}
