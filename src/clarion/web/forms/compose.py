"""What is typed on the page of a draft, parsed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext as _

from clarion.broadcasts.audience import Audience
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.contacts.search import known_variables
from clarion.content.rendering import ContentError, compile_text, unknown_variables
from clarion.kit import clock

MOST_CHATS = 10_000
LARGEST_ID = 2**63 - 1
NAMED = 10  # unknown chats that are named


@dataclass(slots=True)
class Composition:
    """The fields of the page as they stand, and what is wrong with them, by field."""

    title: str = ""
    text: str = ""
    channel_ids: list[int] = field(default_factory=list)
    who: str = ""  # all, tags, ids, chats, picked
    tags: list[str] = field(default_factory=list)
    without_tags: list[str] = field(default_factory=list)
    chats: str = ""
    when: str = "now"  # now, later
    at: str = ""  # local time in the zone
    zone: str = "UTC"
    moment: datetime | None = None
    picks: list[int] | None = None  # None: those of the draft stay
    problems: dict[str, str] = field(default_factory=dict)

    @property
    def channels(self) -> list[Channel]:
        """The channels that are chosen."""
        return list(Channel.objects.filter(pk__in=self.channel_ids).order_by("name"))

    def draft_fields(self, draft: Broadcast | None) -> dict[str, Any]:
        """What ``launch.create_draft`` and ``edit_draft`` take."""
        fields: dict[str, Any] = {
            "title": self.title,
            "text": self.text,
            "channels": self.channels,
            "scheduled_at": self.moment,
        }
        audience = self._audience(draft)
        if audience is not None:
            fields["audience"] = audience
        if self.picks is not None:
            fields["picks"] = self.picks
        return fields

    def _audience(self, draft: Broadcast | None) -> Audience | None:
        match self.who:
            case "all":
                return Audience(kind="all")
            case "tags":
                return Audience(kind="tags", tags=self.tags, without_tags=self.without_tags)
            case "chats":
                return Audience(kind="picks", picked_from="chats")
            case "ids":
                return Audience(kind="picks", picked_from="ids")
            case "picked" if draft is not None and draft.audience:
                return Audience.model_validate(draft.audience)
        return None


def from_post(data: QueryDict) -> Composition:
    """The page as it was sent. Unknown channels and tags are left out."""
    made = Composition(
        title=_typed(data, "title").strip()[:200],
        text=_typed(data, "text").replace("\r\n", "\n"),
        channel_ids=[int(i) for i in data.getlist("channels") if i.isdecimal() and len(i) < 19],
        who=data.get("who", ""),
        tags=[tag.replace("\x00", "") for tag in data.getlist("tags")],
        without_tags=[tag.replace("\x00", "") for tag in data.getlist("without_tags")],
        chats=_typed(data, "chats"),
        when="later" if data.get("when") == "later" else "now",
        at=data.get("at", ""),
        zone=data.get("zone", "") or timezone.get_current_timezone_name(),
    )
    if made.when == "later":
        _read_moment(made)
    if made.who == "chats":
        _read_chats(made)
    return made


def _typed(data: QueryDict, name: str) -> str:
    # PostgreSQL stores no NUL; nobody can type one.
    return data.get(name, "").replace("\x00", "")


def _read_moment(made: Composition) -> None:
    if not made.at:
        made.problems["at"] = _("Choose a date and a time.")
        return
    try:
        made.moment = clock.parse_moment(made.at, made.zone)
    except ValueError as error:
        made.problems["at"] = str(error)
        return
    if made.moment <= clock.now():
        made.problems["at"] = _("That time has passed. Choose a later one.")


def _read_chats(made: Composition) -> None:
    parts = [part for part in re.split(r"[\s,;]+", made.chats) if part]
    wrong = [part for part in parts if not (part.isascii() and part.isdigit())]
    made.picks = []
    made.channel_ids = []
    if wrong:
        made.problems["chats"] = _("“%s” is no chat number. Write numbers only.") % wrong[0][:40]
        return
    if len(parts) > MOST_CHATS:
        made.problems["chats"] = _("Write at most 10,000 chat numbers here.")
        return
    numbers = [number for number in map(int, parts) if number <= LARGEST_ID]
    found = dict(Address.objects.filter(pk__in=numbers).values_list("pk", "channel_id"))
    made.picks, made.channel_ids = list(found), sorted(set(found.values()))
    unknown = [part for part in dict.fromkeys(parts) if int(part) not in found]
    if unknown:
        more = " …" if len(unknown) > NAMED else "."
        made.problems["chats"] = (
            _("There is no chat with the number %s") % ", ".join(unknown[:NAMED]) + more
        )


def from_draft(draft: Broadcast) -> Composition:
    """The page for a draft that was saved."""
    audience: Mapping[str, Any] = draft.audience
    zone = timezone.get_current_timezone_name()
    made = Composition(
        title=draft.title,
        text=draft.text,
        channel_ids=list(draft.channels.values_list("pk", flat=True)),
        who=audience.get("kind", ""),
        tags=audience.get("tags", []),
        without_tags=audience.get("without_tags", []),
        zone=zone,
    )
    if made.who == "picks":
        made.who = {"chats": "chats", "ids": "ids"}.get(audience["picked_from"], "picked")
    if made.who == "chats":
        numbers = draft.picks.order_by("address_id").values_list("address_id", flat=True)
        made.chats = ", ".join(map(str, numbers))
    if draft.scheduled_at:
        made.when, made.moment = "later", draft.scheduled_at
        made.at = timezone.localtime(draft.scheduled_at).strftime("%Y-%m-%dT%H:%M")
    return made


def text_problems(text: str) -> list[str]:
    """What is wrong with a text, one sentence each."""
    try:
        compile_text(text)
        unknown = unknown_variables(text, known_variables())
    except ContentError as error:
        return [str(error)]
    return [
        _("No contact has “%(name)s”. Correct it, or give a default: %(example)s.")
        % {"name": name, "example": f'{{{{ {name} | default("…") }}}}'}
        for name in unknown
    ]
