"""What is typed on the page of a draft, parsed."""

import json
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict
from django.utils.translation import gettext as _

from clarion.broadcasts.call_data import checked_data
from clarion.broadcasts.draft_fields import (
    MOST_VARIABLES,
    TITLE_LENGTH,
    Fields,
    FormState,
    PartState,
    stored_template,
    without_empty_end,
)
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.halting import PercentError, parse_percent
from clarion.broadcasts.mail import INLINE, MAIL_FIELDS
from clarion.broadcasts.mail import LONGEST as LONGEST_OF_MAIL
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.channels.models import Channel
from clarion.codes.models import CodePool
from clarion.content.formats import FORMATS, TEXT
from clarion.content.models import Story, Upload
from clarion.kit import rates
from clarion.kit.numbers import parse_id
from clarion.kit.text import clean, one_line, plain_text
from clarion.web.forms import compose_template, compose_when
from clarion.web.forms.compose_when import NAMES, When

LONGEST = 2_000  # characters of a field of one line
AUDIENCES = ("all", "tags", "segments", "hand", "ids", "chats", "picked")
# Every field but title, text, those of e-mails and accepted gaps, which a draft can always hold, by
# the part of the draft whose form state it belongs to; and the part of each problem.
PARTS: dict[str, tuple[str, ...]] = {
    "content": (
        "data_type", "story", "template_name", "template_language", "template_variables",
        "code_pool",
    ),
    "audience": (
        "channels", "audience", "tags", "without_tags", "segments", "without_segments", "consents",
        "only_written", "chats",
    ),
    "timing": NAMES,
    "open_chats": ("end_open_chats",),
    "tracking": ("track_clicks", "track_opens"),
    "sample": ("sample_data",),
    "rate": ("rate",),
    "pausing": ("pause_rejected", "pause_unreachable"),
}  # fmt: skip
PROBLEMS = {
    "chats": "audience",
    "sample_data": "sample",
    "rate": "rate",
    "pausing": "pausing",
    "template": "content",
}  # all others are about the timing


# The fields of a draft that are columns of its row.
_PLAIN = frozenset(Fields.__annotations__) - {"form_state"}


@dataclass(slots=True)
class Composition:
    """The fields of the page as they stand, and what is wrong with them, by field."""

    title: str = ""
    text: str = ""
    format: str = TEXT  # how the text is written
    mail: dict[str, Any] = field(default_factory=dict)  # see broadcasts.mail
    attachments: list[Upload] = field(default_factory=list)  # those of mail, in order
    data_type: str = "text"
    story_id: int | None = None
    story: Story | None = None
    code_pool_id: int | None = None
    code_pool: CodePool | None = None
    template_name: str = ""
    template_language: str = ""
    template_variables: list[str] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)  # the three together, where they fit
    channel_ids: list[int] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)  # those of the ids that there are
    audience: str = ""
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
    track_clicks: bool = False
    track_opens: bool = False
    sample_text: str = ""
    sample_data: dict[str, Any] = field(default_factory=dict)
    rate_text: str = ""
    rate: float | None = None
    pause_rejected_text: str = ""
    pause_rejected: int | None = None
    pause_unreachable_text: str = ""
    pause_unreachable: int | None = None
    picks: list[int] | None = None  # None: those of the draft stay
    problems: dict[str, str] = field(default_factory=dict)
    form: dict[str, list[str]] = field(default_factory=dict)  # as it was typed

    @property
    def template_rows(self) -> list[compose_template.Row]:
        """A field for each variable of the template."""
        named = (self.template_name, self.template_language)
        return compose_template.rows_of(
            *named, self.template_variables, self.channels, MOST_VARIABLES
        )

    @property
    def template_choices(self) -> list[dict[str, Any]]:
        """The templates that can be chosen."""
        return compose_template.choices(self.channels)

    @property
    def is_worth_keeping(self) -> bool:
        """Whether something was written, chosen by name or uploaded: what one would miss.

        Ticks and switches alone are made again in a moment: a page with nothing else is no draft.
        """
        written = (
            self.title, self.text, self.template_name, self.template_language, self.chats,
            self.sample_text, *(self.mail.get(name, "") for name in (*MAIL_FIELDS, "plain_text")),
        )  # fmt: skip
        chosen = (
            self.story_id, self.template_variables, self.when.conditions, self.picks,
            self.mail.get("attachments"),
        )  # fmt: skip
        return any(text.strip() for text in written) or any(chosen)

    def draft_fields(self, draft: Broadcast | None, page: str = "") -> dict[str, Any]:
        """What ``launch.create_draft`` and ``edit_draft`` take. ``page``: which page this is."""
        fields: dict[str, Any] = {
            "title": self.title,
            "text": self.text,
            "format": self.format,
            "mail": self.mail,
            "data_type": self.data_type,
            "story": self.story,
            "template": self.template,
            "code_pool": self.code_pool,
            "channels": self.channels,
            "sample_data": self.sample_data,
            "accepted_gaps": self.accepted_gaps,
            "end_open_chats": self.end_open_chats,
            "track_clicks": self.track_clicks,
            "track_opens": self.track_opens,
            "rate": self.rate,
            "pause_rejected": self.pause_rejected,
            "pause_unreachable": self.pause_unreachable,
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
        match self.audience:
            case "all":
                chosen = {"kind": "all"}
            case "tags":
                chosen = {"kind": "tags", "tags": self.tags, "without_tags": self.without_tags}
            case "segments":
                chosen = {"kind": "segments", "segments": self.segments}
            case "hand" | "ids":
                chosen = {"kind": "picks", "picked_from": self.audience}
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


def parse(data: QueryDict) -> Composition:
    """The page as it was sent; what its ids stand for is looked up in ``web.composed``."""
    composition = Composition(
        title=one_line(data.get("title", ""))[:TITLE_LENGTH],
        text=plain_text(data.get("text", "")),
        format=data.get("format", "") if data.get("format") in FORMATS else TEXT,
        mail={
            **{name: one_line(data.get(name, ""))[:LONGEST_OF_MAIL] for name in MAIL_FIELDS},
            "layout": one_line(data.get("layout", ""))[:20],
            "plain_text": plain_text(data.get("plain_text", "")),
            "images": INLINE if data.get("images") == INLINE else "",
            "attachments": [clean(token, 16) for token in data.getlist("attachments")],
        },
        data_type=data.get("data_type", "text"),
        story_id=parse_id(data.get("story", "")),
        code_pool_id=parse_id(data.get("code_pool", "")),
        template_name=one_line(data.get("template_name", "")),
        template_language=one_line(data.get("template_language", "")),
        template_variables=without_empty_end(
            [one_line(value) for value in data.getlist("template_variables")]
        ),
        channel_ids=_ids(data, "channels"),
        audience=data.get("audience", ""),
        tags=[clean(tag, LONGEST) for tag in data.getlist("tags")],
        without_tags=[clean(tag, LONGEST) for tag in data.getlist("without_tags")],
        segments=_ids(data, "segments"),
        without_segments=_ids(data, "without_segments"),
        consents=[clean(name, LONGEST) for name in data.getlist("consents")],
        only_written="only_written" in data,
        chats=plain_text(data.get("chats", "")),
        accepted_gaps=[clean(name, LONGEST) for name in data.getlist("accepted_gaps")],
        end_open_chats="end_open_chats" in data,
        track_clicks="track_clicks" in data,
        track_opens="track_opens" in data,
        sample_text=plain_text(data.get("sample_data", "")),
        rate_text=_line(data, "rate"),
        pause_rejected_text=_line(data, "pause_rejected"),
        pause_unreachable_text=_line(data, "pause_unreachable"),
        form={
            name: [clean(value, 200_000) for value in data.getlist(name)]
            for names in PARTS.values()
            for name in names
            if name in data
        },
    )
    if composition.data_type not in Broadcast.DataType.values:
        composition.data_type = "text"
    if composition.audience not in AUDIENCES:
        composition.audience = ""
    composition.when, when_problems = compose_when.read(data)
    composition.problems |= when_problems
    _read_template(composition)
    _read_rate(composition)
    _read_pausing(composition)
    _read_sample(composition)
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


def _read_pausing(composition: Composition) -> None:
    try:
        composition.pause_rejected = parse_percent(composition.pause_rejected_text)
        composition.pause_unreachable = parse_percent(composition.pause_unreachable_text)
    except PercentError as error:
        composition.problems["pausing"] = str(error)


def _read_sample(composition: Composition) -> None:
    if not composition.sample_text.strip():
        return
    try:
        composition.sample_data = checked_data(json.loads(composition.sample_text))
    except (ValueError, RecursionError):  # also what no database can store
        composition.problems["sample_data"] = _(
            'The sample data is no JSON object. Write it like {"order": "A-17"}.'
        )
