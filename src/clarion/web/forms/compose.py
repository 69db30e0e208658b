"""What is typed on the page of a draft, parsed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from clarion.broadcasts.audience import Audience
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import PicksError, find_chats
from clarion.channels.models import Channel
from clarion.content.models import Story
from clarion.kit.text import clean
from clarion.web.forms import compose_when
from clarion.web.forms.compose_when import NAMES, When

LONGEST = 2_000  # characters of a field of one line
MOST_VARIABLES = 20  # of a template
WHO = ("all", "tags", "hand", "ids", "chats", "picked")
ONE = ("who", "chats", "data_type", "story", "template_name", "template_language", "rate")
MANY = ("channels", "tags", "without_tags", "consents", "template_variables")
# Every field but title and text, which a draft can always hold: how the page was left.
KEPT = (*ONE, *MANY, "end_open_chats", *NAMES)


@dataclass(slots=False)
class Composition:
    """The fields of the page as they stand, and what is wrong with them, by field."""

    title: str = ""
    text: str = ""
    data_type: str = "text"
    story_id: int | None = None
    template_name: str = ""
    template_language: str = ""
    template_variables: list[str] = field(default_factory=list)
    channel_ids: list[int] = field(default_factory=list)
    who: str = ""
    tags: list[str] = field(default_factory=list)
    without_tags: list[str] = field(default_factory=list)
    consents: list[str] = field(default_factory=list)
    chats: str = ""
    when: When = field(default_factory=When)
    end_open_chats: bool = False
    rate_typed: str = ""
    rate: float | None = None
    picks: list[int] | None = None  # None: those of the draft stay
    problems: dict[str, str] = field(default_factory=dict)
    form: dict[str, list[str]] = field(default_factory=dict)  # as it was typed

    @cached_property
    def channels(self) -> list[Channel]:
        """The channels that are chosen."""
        return list(Channel.objects.filter(pk__in=self.channel_ids).order_by("name"))

    @cached_property
    def story(self) -> Story | None:
        """The story that is chosen."""
        return Story.objects.filter(pk=self.story_id).first() if self.story_id else None

    @property
    def template_rows(self) -> list[str]:
        """The variables of the template, and an empty one to go on with."""
        return [*self.template_variables, ""][:MOST_VARIABLES]

    def draft_fields(self, draft: Broadcast | None, page: str = "") -> dict[str, Any]:
        """What ``launch.create_draft`` and ``edit_draft`` take. ``page``: which page this is."""
        fields: dict[str, Any] = {
            "title": self.title,
            "text": self.text,
            "data_type": self.data_type,
            "story": self.story,
            "template": {
                "name": self.template_name,
                "language": self.template_language,
                "variables": self.template_variables,
            },
            "channels": self.channels,
            "end_open_chats": self.end_open_chats,
            "rate": self.rate,
            **self.when.draft_fields(),
            "form_state": {"form": self.form, "problems": self.problems, "page": page},
        }
        audience = self._audience(draft)
        if audience is not None:
            fields["audience"] = audience
        if self.picks is not None:
            fields["picks"] = self.picks
        return fields

    def _audience(self, draft: Broadcast | None) -> Audience | None:
        asked: dict[str, Any] = {"consents": self.consents}
        match self.who:
            case "all":
                return Audience(kind="all", **asked)
            case "tags":
                return Audience(
                    kind="tags", tags=self.tags, without_tags=self.without_tags, **asked
                )
            case "hand" | "ids":
                return Audience(kind="picks", picked_from=self.who, **asked)
            case "chats" if self.picks is not None:
                return Audience(kind="picks", picked_from="chats", **asked)
            case "picked" if draft is not None and draft.audience:
                return Audience.model_validate({**draft.audience, **asked})
        return None


def from_post(data: QueryDict) -> Composition:
    """The page as it was sent. Unknown channels and stories are left out."""
    story = data.get("story", "")
    made = Composition(
        title=_typed(data, "title").strip()[:200],
        text=_typed(data, "text").replace("\r\n", "\n"),
        data_type=data.get("data_type", "text"),
        story_id=int(story) if story.isdecimal() and len(story) < 19 else None,
        template_name=_line(data, "template_name"),
        template_language=_line(data, "template_language"),
        template_variables=_without_end(
            [clean(value, LONGEST) for value in data.getlist("template_variables")]
        )[:MOST_VARIABLES],
        channel_ids=[int(i) for i in data.getlist("channels") if i.isdecimal() and len(i) < 19],
        who=data.get("who", ""),
        tags=[clean(tag, LONGEST) for tag in data.getlist("tags")],
        without_tags=[clean(tag, LONGEST) for tag in data.getlist("without_tags")],
        consents=[clean(name, LONGEST) for name in data.getlist("consents")],
        chats=_typed(data, "chats"),
        end_open_chats="end_open_chats" in data,
        rate_typed=_line(data, "rate"),
        form={
            name: [clean(value, 200_000) for value in data.getlist(name)]
            for name in KEPT
            if name in data
        },
    )
    if made.data_type not in Broadcast.DataType.values:
        made.data_type = "text"
    if made.who not in WHO:
        made.who = ""
    made.when, when_problems = compose_when.read(data)
    made.problems |= when_problems
    _read_rate(made)
    if made.who == "chats":
        _read_chats(made)
        if made.data_type != "text":
            made.problems["data_type"] = _(
                "Chat numbers take a text only. Choose Text, or another audience."
            )
    return made


def _typed(data: QueryDict, name: str) -> str:
    value = data.get(name, "")
    return clean(value, len(value) + 1)


def _line(data: QueryDict, name: str) -> str:
    return clean(data.get(name, "").strip(), LONGEST)


def _without_end(values: list[str]) -> list[str]:
    """The values without the empty ones at the end: those are there to go on with."""
    while values and not values[-1].strip():
        values.pop()
    return values


def _read_rate(made: Composition) -> None:
    if not made.rate_typed:
        return
    try:
        made.rate = float(made.rate_typed.replace(",", "."))
        if not 0.01 <= made.rate <= 1_000_000:  # NaN fails too
            raise ValueError
    except ValueError:
        made.rate = None
        made.problems["rate"] = _(
            "Write a number of messages a second, such as 5, or leave it empty."
        )


def _read_chats(made: Composition) -> None:
    try:
        found = find_chats(made.chats)
    except PicksError as error:
        made.problems["chats"] = str(error)
        found = error.found
        if not found:  # nothing is taken away by a click on this option alone
            return
    made.picks = [address.pk for address in found]
    made.channel_ids = sorted({address.channel_id for address in found})


def from_draft(draft: Broadcast) -> Composition:
    """The page for a draft that was saved: as it was left, or else as the draft has it."""
    if form := draft.form_state.get("form"):
        return _as_left(draft, form)
    audience: Mapping[str, Any] = draft.audience
    template: Mapping[str, Any] = draft.template
    made = Composition(
        title=draft.title,
        text=draft.text,
        data_type=draft.data_type,
        story_id=draft.story_id,
        template_name=template.get("name", ""),
        template_language=template.get("language", ""),
        template_variables=list(template.get("variables", ())),
        channel_ids=list(draft.channels.values_list("pk", flat=True)),
        who=audience.get("kind", ""),
        tags=audience.get("tags", []),
        without_tags=audience.get("without_tags", []),
        consents=audience.get("consents", []),
        when=compose_when.of_draft(draft),
        end_open_chats=draft.end_open_chats,
        rate=draft.rate,
        rate_typed="" if draft.rate is None else f"{draft.rate:g}",
    )
    if made.who == "picks":
        source = audience["picked_from"]
        made.who = source if source in {"chats", "ids", "hand"} else "picked"
    if made.who == "chats":
        numbers = draft.picks.order_by("address_id").values_list("address_id", flat=True)
        made.chats = ", ".join(map(str, numbers))
    return made


def _as_left(draft: Broadcast, form: Mapping[str, list[str]]) -> Composition:
    data = QueryDict(mutable=True)
    for name, values in form.items():
        data.setlist(name, values)
    data["title"], data["text"] = draft.title, draft.text
    return from_post(data)


def at_first(zone: str | None = None) -> Composition:
    """The page of a new broadcast. The channel is chosen when there is only one."""
    only = list(Channel.objects.values_list("pk", flat=True)[:2])
    return Composition(
        channel_ids=only if len(only) == 1 else [],
        who="all",
        when=When(zone=zone or timezone.get_current_timezone_name()),
    )
