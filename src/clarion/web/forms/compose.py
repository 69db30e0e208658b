"""What is typed on the page of a draft, parsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils import timezone

from clarion.broadcasts import drafts
from clarion.broadcasts.draft_fields import (
    MOST_VARIABLES,
    TITLE_LENGTH,
    Fields,
    FormState,
    PartState,
    stored_template,
    without_empty_end,
)
from clarion.broadcasts.errors import LaunchError, PicksError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import find_chats
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.content.models import Story
from clarion.kit import rates
from clarion.kit.numbers import parse_id
from clarion.kit.text import clean, one_line, plain_text
from clarion.web.forms import compose_when
from clarion.web.forms.compose_when import NAMES, When

LONGEST = 2_000  # characters of a field of one line
WHO = ("all", "tags", "segments", "hand", "ids", "chats", "picked")
# Every field but title, text and accepted gaps, which a draft can always hold, by the part of the
# draft whose form state it belongs to; and the part of each problem.
PARTS: dict[str, tuple[str, ...]] = {
    "content": (
        "data_type", "story", "template_name", "template_language", "template_variables",
    ),
    "audience": (
        "channels", "who", "tags", "without_tags", "segments", "without_segments", "consents",
        "only_written", "chats",
    ),
    "timing": NAMES,
    "open_chats": ("end_open_chats",),
    "rate": ("rate",),
}  # fmt: skip
PROBLEMS = {
    "chats": "audience",
    "rate": "rate",
    "template": "content",
}  # all others are about the timing


# The fields of a draft that are columns of its row.
_PLAIN = frozenset(Fields.__annotations__) - {"form_state"}


@dataclass(slots=True)
class Composition:
    """The fields of the page as they stand, and what is wrong with them, by field."""

    title: str = ""
    text: str = ""
    data_type: str = "text"
    story_id: int | None = None
    story: Story | None = None
    template_name: str = ""
    template_language: str = ""
    template_variables: list[str] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)  # the three together, where they fit
    channel_ids: list[int] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)  # those of the ids that there are
    who: str = ""
    tags: list[str] = field(default_factory=list)
    without_tags: list[str] = field(default_factory=list)
    segments: list[int] = field(default_factory=list)
    without_segments: list[int] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    only_written: bool = False
    chats: str = ""
    when: When = field(default_factory=When)
    accepted_gaps: list[str] = field(default_factory=list)
    end_open_chats: bool = False
    rate_text: str = ""
    rate: float | None = None
    picks: list[int] | None = None  # None: those of the draft stay
    problems: dict[str, str] = field(default_factory=dict)
    form: dict[str, list[str]] = field(default_factory=dict)  # as it was typed

    @property
    def template_rows(self) -> list[str]:
        """All variables of the template, and an empty one where there may be another."""
        more = [""] if len(self.template_variables) < MOST_VARIABLES else []
        return [*self.template_variables, *more]

    @property
    def is_worth_keeping(self) -> bool:
        """Whether something was written, chosen by name or uploaded: what one would miss.

        Ticks and switches alone are made again in a moment: a page with nothing else is no draft.
        """
        written = (self.title, self.text, self.template_name, self.template_language, self.chats)
        chosen = (self.story_id, self.template_variables, self.when.conditions, self.picks)
        return any(text.strip() for text in written) or any(chosen) or self.who == "hand"

    @property
    def is_changed(self) -> bool:
        """Whether the page is any different from that of a new broadcast."""
        first = at_first(self.when.zone).draft_fields(None)
        mine = self.draft_fields(None)
        mine["text"] = self.text.strip()
        return any(mine[name] != first.get(name) for name in mine if name != "form_state")

    def draft_fields(self, draft: Broadcast | None, page: str = "") -> dict[str, Any]:
        """What ``launch.create_draft`` and ``edit_draft`` take. ``page``: which page this is."""
        fields: dict[str, Any] = {
            "title": self.title,
            "text": self.text,
            "data_type": self.data_type,
            "story": self.story,
            "template": self.template,
            "channels": self.channels,
            "accepted_gaps": self.accepted_gaps,
            "end_open_chats": self.end_open_chats,
            "rate": self.rate,
            **self.when.draft_fields(),
            "form_state": self._form_state(page),
        }
        audience = self._audience(draft)
        if audience is not None:
            fields["audience"] = audience
        if self.picks is not None:
            fields["picks"] = self.picks
        return fields

    def unsaved(self, draft: Broadcast | None) -> Broadcast:
        """What the page shows as a broadcast that is not saved."""
        kept: dict[str, Any] = {"pk": draft.pk, "data": draft.data} if draft else {}
        if draft and draft.story_id == self.story_id:
            kept["story_version"] = draft.story_version
        audience = self._audience(draft)
        if audience is not None:
            kept["audience"] = audience.model_dump()
        fields = {name: value for name, value in self.draft_fields(draft).items() if name in _PLAIN}
        return Broadcast(**kept, **fields)

    def _form_state(self, page: str) -> FormState:
        parts: dict[str, PartState] = {part: {"form": {}, "problems": {}} for part in PARTS}
        for part, names in PARTS.items():
            parts[part]["form"] = {name: self.form[name] for name in names if name in self.form}
        for field_name, problem in self.problems.items():
            part = PROBLEMS.get(field_name, "timing")
            parts[part]["problems"] = {**parts[part]["problems"], field_name: problem}
        return {"page": page, "parts": parts}

    def _audience(self, draft: Broadcast | None) -> Audience | None:
        """The audience that is chosen; None where it stays as it is in the draft.

        What this kind of audience has in the draft and the page does not show stays, too.
        """
        chosen: dict[str, Any]
        match self.who:
            case "all":
                chosen = {"kind": "all"}
            case "tags":
                chosen = {"kind": "tags", "tags": self.tags, "without_tags": self.without_tags}
            case "segments":
                chosen = {"kind": "segments", "segments": self.segments}
            case "hand" | "ids":
                chosen = {"kind": "picks", "picked_from": self.who}
            case "chats" if self.picks is not None:
                chosen = {"kind": "picks", "picked_from": "chats"}
            case "picked" if draft is not None and draft.audience:
                chosen = {"kind": draft.audience["kind"]}
            case _:
                return None
        before = draft.audience if draft else {}
        same = before if before.get("kind") == chosen["kind"] else {}
        asked = {
            "consents": self.consents,
            "only_written": self.only_written,
            "without_segments": self.without_segments,
        }
        return Audience.model_validate({**same, **chosen, **asked})


def from_post(data: QueryDict) -> Composition:
    """The page as it was sent. Unknown channels and stories are left out."""
    composition = Composition(
        title=one_line(data.get("title", ""))[:TITLE_LENGTH],
        text=plain_text(data.get("text", "")),
        data_type=data.get("data_type", "text"),
        story_id=parse_id(data.get("story", "")),
        template_name=one_line(data.get("template_name", "")),
        template_language=one_line(data.get("template_language", "")),
        template_variables=without_empty_end(
            [one_line(value) for value in data.getlist("template_variables")]
        ),
        channel_ids=_ids(data, "channels"),
        who=data.get("who", ""),
        tags=[clean(tag, LONGEST) for tag in data.getlist("tags")],
        without_tags=[clean(tag, LONGEST) for tag in data.getlist("without_tags")],
        segments=_ids(data, "segments"),
        without_segments=_ids(data, "without_segments"),
        consents=[clean(name, LONGEST) for name in data.getlist("consents")],
        only_written="only_written" in data,
        chats=plain_text(data.get("chats", "")),
        accepted_gaps=[clean(name, LONGEST) for name in data.getlist("accepted_gaps")],
        end_open_chats="end_open_chats" in data,
        rate_text=_line(data, "rate"),
        form={
            name: [clean(value, 200_000) for value in data.getlist(name)]
            for names in PARTS.values()
            for name in names
            if name in data
        },
    )
    if composition.data_type not in Broadcast.DataType.values:
        composition.data_type = "text"
    if composition.who not in WHO:
        composition.who = ""
    composition.when, when_problems = compose_when.read(data)
    composition.problems |= when_problems
    _read_template(composition)
    _read_rate(composition)
    if composition.who == "chats":
        _read_chats(composition)
    composition.channels, composition.story = drafts.look_up(
        composition.channel_ids, composition.story_id
    )
    return composition


def _ids(data: QueryDict, name: str) -> list[int]:
    return [key for key in map(parse_id, data.getlist(name)) if key]


def _line(data: QueryDict, name: str) -> str:
    return clean(data.get(name, "").strip(), LONGEST)


def _read_template(composition: Composition) -> None:
    try:
        composition.template = stored_template(
            composition.template_name, composition.template_language, composition.template_variables
        )
    except LaunchError as error:
        composition.problems["template"] = str(error)


def _read_rate(composition: Composition) -> None:
    try:
        composition.rate = rates.parse(composition.rate_text)
    except rates.RateError as error:
        composition.problems["rate"] = str(error)


def _read_chats(composition: Composition) -> None:
    try:
        addresses = find_chats(composition.chats)
    except PicksError as error:
        composition.problems["chats"] = str(error)
        addresses = error.found
        if not addresses:  # nothing is taken away by a click on this option alone
            return
    composition.picks = [address.pk for address in addresses]
    composition.channel_ids = sorted({address.channel_id for address in addresses})


def from_draft(draft: Broadcast) -> Composition:
    """The page for a draft that was saved: as the draft has it, and each part as it was left."""
    data = QueryDict(mutable=True)
    for name, values in _form_of(draft).items():
        data.setlist(name, values)
    for part, left in draft.form_state.get("parts", {}).items():
        for name in PARTS[part]:
            data.setlist(name, left["form"].get(name, []))
            if name not in left["form"]:
                del data[name]
    return from_post(data)


def _form_of(draft: Broadcast) -> dict[str, list[str]]:
    """The fields of the page as they are for a draft that was made elsewhere."""
    audience: Mapping[str, Any] = draft.audience
    template: Mapping[str, Any] = draft.template
    form = {
        "title": [draft.title],
        "text": [draft.text],
        "data_type": [draft.data_type],
        "story": [str(draft.story_id or "")],
        "template_name": [template.get("name", "")],
        "template_language": [template.get("language", "")],
        "template_variables": list(template.get("variables", ())),
        "channels": [str(pk) for pk in draft.channels.values_list("pk", flat=True)],
        "who": [_who(audience)],
        "tags": audience.get("tags", []),
        "without_tags": audience.get("without_tags", []),
        "segments": [str(key) for key in audience.get("segments", [])],
        "without_segments": [str(key) for key in audience.get("without_segments", [])],
        "consents": audience.get("consents", []),
        "accepted_gaps": draft.accepted_gaps,
        "rate": [rates.written(draft.rate)],
        **compose_when.form_of(draft),
    }
    if audience.get("only_written"):
        form["only_written"] = ["yes"]
    if draft.end_open_chats:
        form["end_open_chats"] = ["yes"]
    if audience.get("picked_from") == "chats":
        numbers = draft.picks.order_by("address_id").values_list("address_id", flat=True)
        form["chats"] = [", ".join(map(str, numbers))]
    return form


def _who(audience: Mapping[str, Any]) -> str:
    if audience.get("kind") != "picks":
        return str(audience.get("kind", ""))
    source = audience["picked_from"]
    return source if source in {"chats", "ids", "hand"} else "picked"


def at_first(zone: str | None = None) -> Composition:
    """The page of a new broadcast. The channel is chosen when there is only one."""
    every = list(Channel.objects.order_by("name")[:2])
    only = every if len(every) == 1 else []
    return Composition(
        channel_ids=[channel.pk for channel in only],
        channels=only,
        who="all",
        when=When(zone=zone or timezone.get_current_timezone_name()),
    )
