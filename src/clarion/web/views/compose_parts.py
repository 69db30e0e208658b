"""What the page of a draft shows beside its fields: previews, counts, times, what is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.broadcasts.audience import summary
from clarion.broadcasts.content_fit import not_offered, unfit_for_chats
from clarion.broadcasts.estimate import AudienceSummary
from clarion.broadcasts.forecast import forecast
from clarion.broadcasts.gaps import Gap, find_gaps, unaccepted
from clarion.broadcasts.halting import usual_limits
from clarion.broadcasts.mail import sends_mail
from clarion.broadcasts.mail_advice import advice_on
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.preview import preview
from clarion.broadcasts.preview_address import preview_address
from clarion.broadcasts.problems import check_parts, content_problems
from clarion.broadcasts.query import audience_of
from clarion.broadcasts.reasons import LEFT_OUT
from clarion.channels.condition import condition, conditions
from clarion.channels.recipients import only_written, window_hours
from clarion.channels.registry import kind_class
from clarion.clicks.tokens import base as tracked_links_base
from clarion.codes.models import CodePool
from clarion.consents.models import Consent
from clarion.contacts.attributes import known_variables
from clarion.contacts.models import Address
from clarion.contacts.tags import TagCount, tag_counts
from clarion.content import media, stories
from clarion.content.models import Layout, Story
from clarion.kit.numbers import parse_id
from clarion.segments.models import Segment
from clarion.web.channel_sizes import channels_with_contacts
from clarion.web.composed import is_changed
from clarion.web.forms.compose import Composition
from clarion.web.forms.compose_when import TAG, UNITS, WAYS
from clarion.web.previews import FORMAT_LABELS, bubble, head, mail_preview
from clarion.web.shown import audience_words, without_variables
from clarion.web.wrong import Wrong
from clarion.web.zones import zone_choices

MOST_STORIES = 500
MOST_TAGS = 1_000
NO_TEST_PERSON = _lazy("Choose where your tests go first.")
SAYS = {"text": _lazy("Text"), "story": _lazy("Story"), "template": _lazy("Template")}


@dataclass(frozen=True, slots=True)
class Asked:
    """For whom the page asks a preview."""

    address: int | None = None  # who is shown
    by_name: bool = False  # chosen by somebody: stays, recipient or not
    after: int | None = None  # the recipient who follows this one

    @classmethod
    def read(cls, data: Mapping[str, str]) -> "Asked":
        """What the page sends along."""
        after = parse_id(data.get("after_address", ""))
        by_name = "address_chosen" in data and after is None
        return cls(parse_id(data.get("preview_address", "")), by_name, after)


@dataclass(frozen=True, slots=True)
class DataType:
    """A way to say something; ``why`` it can't be chosen, with where to go."""

    value: str
    label: Any
    why: str = ""
    add_story: bool = False


@dataclass(frozen=True, slots=True)
class Counted:
    """How many people the page has counted, by channel; sent along with the form."""

    by_channel: Mapping[int, int] = field(default_factory=dict)
    about: bool = False  # estimated from a sample

    @classmethod
    def read(cls, text: str) -> "Counted":
        """What the page holds: ``3:500,4:20``, with a ``~`` before an estimate; what is damaged is
        left out."""
        pairs = [part.split(":") for part in text[:10_000].removeprefix("~").split(",")]
        return cls(
            {
                int(pair[0]): int(pair[1])
                for pair in pairs
                if len(pair) == 2 and all(p.isdecimal() and len(p) < 16 for p in pair)
            },
            about=text.startswith("~"),
        )

    def __str__(self) -> str:
        counts = ",".join(f"{channel}:{count}" for channel, count in self.by_channel.items())
        return f"~{counts}" if self.about else counts

    @property
    def total(self) -> int:
        """On all channels."""
        return sum(self.by_channel.values())


def choice_context(composition: Composition) -> dict[str, Any]:
    """What there is to choose from; it does not change while one types."""
    return {
        "can_track": bool(tracked_links_base()),
        "usual_limits": usual_limits(),
        "all_channels": [
            {
                "channel": channel,
                "kind": kind_class(channel.kind).label,
                "condition": condition(channel),
                "only_written": only_written(channel, "message"),
                "window_hours": window_hours(channel, "message"),
                "templates_to_all": not only_written(channel, "template"),
                "sends_mail": sends_mail([channel]),
                "formats": kind_class(channel.kind).limits.formats,
            }
            for channel in channels_with_contacts()
        ],
        "tag_counts": _tags({*composition.tags, *composition.without_tags}),
        "segments": Segment.objects.order_by("name"),
        "consents": _consents(composition.consents),
        **name_context(composition),
        "zones": zone_choices(composition.when.zone),
        "stories": _stories(composition.story),
        "code_pools": _code_pools(composition.code_pool),
        "text_formats": FORMAT_LABELS.items(),
        "layouts": Layout.objects.order_by("name"),
        "units": list(UNITS),
        "tag_condition": TAG,
        "weekdays": [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")],
        "month_days": range(1, 31),
    }


def name_context(composition: Composition) -> dict[str, list[str]]:
    """The names of what a contact can have: for inserting, and for the conditions of a trigger.

    The conditions have their own names among them, whether or not a contact has that today.
    """
    variables = sorted(known_variables(), key=_own_first)
    listed = [name.removeprefix("contact.") for name in variables]
    used = [of for of, _how, _value in composition.when.conditions if of and of != TAG]
    return {"variables": variables, "condition_names": list(dict.fromkeys([*listed, *used]))}


def closed_ways(draft: Broadcast | None, composition: Composition) -> list[str]:
    """When it can't be sent: a restart not repeatedly, a live broadcast only as it is."""
    if draft is not None and draft.edit_of_id is not None:
        return [way for way in WAYS if way != composition.when.way]
    if draft is not None and draft.restart_of_id is not None:
        return [way for way in WAYS if way not in {"now", "scheduled"}]
    return []


def _own_first(name: str) -> tuple[bool, str]:
    return name != "contact.name", name


def _tags(chosen: Collection[str]) -> list[TagCount]:
    """The tags to choose from; those that are chosen are among them, even when they are gone."""
    every = tag_counts()
    deleted = sorted(set(chosen) - {tag.name for tag in every})
    more = [tag for tag in every[MOST_TAGS:] if tag.name in chosen]
    return [*every[:MOST_TAGS], *more, *(TagCount(0, name, 0) for name in deleted)]


def _consents(chosen: Sequence[str]) -> list[Consent]:
    """All consents, and those that are chosen and gone: checked, so that a save keeps them."""
    every = list(Consent.objects.order_by("name"))
    deleted = set(chosen) - {consent.name for consent in every}
    return [*every, *(Consent(name=name, category=_("deleted")) for name in sorted(deleted))]


def _stories(chosen: Story | None) -> list[Story]:
    listed = [version.story for version in stories.story_list(limit=MOST_STORIES).versions]
    listed.sort(key=lambda story: story.name.casefold())
    if chosen is not None and chosen not in listed:
        listed.insert(0, chosen)
    return listed


def _code_pools(chosen: CodePool | None) -> list[CodePool]:
    """The pools in use by name, and the one that is chosen."""
    used = Q(archived_at=None) | Q(pk=chosen.pk if chosen else 0)
    return list(CodePool.objects.filter(used).order_by("name"))


def content_context(
    draft: Broadcast | None, composition: Composition, asked: Asked
) -> dict[str, Any]:
    """What can be said, what is wrong with it, and how it looks to one recipient."""
    begun = {
        "text": composition.text.strip(),
        "story": composition.story,
        "template": composition.template_name or composition.template_variables,
    }
    broadcast = composition.unsaved(draft)
    faulty = draft is not None and begun[composition.data_type]
    address = previewed(draft, composition, asked)
    return {
        "data_types": _data_types(composition),
        "data_type_problem": unfit_for_chats(composition.data_type)
        if composition.audience == "chats"
        else "",
        "text_problems": content_problems(broadcast, composition.channels) if faulty else [],
        "mail_advice": advice_on(broadcast, composition.channels) if faulty else [],
        "preview_address": address,
        "address_chosen": asked.by_name and address is not None and address.pk == asked.address,
        "head": head(broadcast, address, composition.channels),
        "mail_preview": mail_preview(draft, broadcast, address, composition.channels),
        "attachments": [
            {"token": row.token, "name": row.name, "size": row.size, "path": media.address(row)}
            for row in composition.attachments
        ],
        "bubbles": [bubble(shown) for shown in preview(broadcast, address)],
        "what_words": _what_words(composition),
    }


def _data_types(composition: Composition) -> list[DataType]:
    story = composition.story
    reasons = not_offered(
        composition.channels, to_chats=composition.audience == "chats", story=story
    )
    return [
        DataType(
            value, label, reasons.get(value, ""), add_story=value == "story" and value in reasons
        )
        for value, label in SAYS.items()
    ]


def _what_words(composition: Composition) -> str:
    if composition.data_type == "story":
        return _("Story “%s”") % composition.story.name if composition.story else ""
    if composition.data_type == "template":
        name = " ".join(filter(None, (composition.template_name, composition.template_language)))
        return _("Template %s") % name if composition.template_name else ""
    words = without_variables(" ".join(composition.text.split()))
    return words if len(words) <= 80 else words[:79] + "…"


def audience_context(
    draft: Broadcast | None, composition: Composition, *, exactly: bool = False
) -> dict[str, Any]:
    """How many people, by channel, and who drops out (A6); of very many “about”, at first."""
    channels = composition.channels
    counts: AudienceSummary | None = None
    of = draft or composition.unsaved(None)
    spec = of.audience
    no_chats = composition.audience == "chats" and composition.picks is None
    if channels and spec and not no_chats:
        audience = audience_of(of)
        if draft is not None or audience.kind != "picks":  # these are stored with the draft
            counts = summary(
                audience,
                channels,
                broadcast_id=draft.pk if draft else None,
                quick=not exactly,
            )
    by_channel = [(c, counts.by_channel.get(c.pk, 0)) for c in channels] if counts else []
    return {
        "summary": counts,
        "by_channel": by_channel,
        "dropped": [(LEFT_OUT[reason], n) for reason, n in counts.dropped.items()]
        if counts
        else [],
        "troubled": conditions(channels),
        "one_channel": channels[0] if len(channels) == 1 else None,
        "picked": draft.picks.count() if draft else 0,
        "who_words": _("No chat numbers yet") if no_chats else audience_words(of),
        "counted": Counted({c.pk: n for c, n in by_channel}, about=bool(counts and counts.about)),
    }


def timing_context(
    draft: Broadcast | None, composition: Composition, counted: Counted
) -> dict[str, Any]:
    """When it starts, and by when about it is finished, as far as that can be told."""
    estimate = forecast(composition.unsaved(draft), composition.channels, counted.by_channel)
    minutes = estimate.minutes
    return {
        "counted": counted,
        "runs": composition.when.next_runs,
        "undo_seconds": settings.CLARION.undo_seconds,
        "needs_seconds": None if minutes is None else 60 * minutes,
        "slowest": estimate.slowest,
        "day_limit": estimate.day_limit.sentence if estimate.day_limit else "",
        "finishes_at": None if composition.when.is_incomplete else estimate.finishes_at,
    }


def ending_context(
    draft: Broadcast | None,
    composition: Composition,
    *,
    tried: bool,
    refused_for: str = "",
    exactly: bool = False,
) -> dict[str, Any]:
    """What is still missing, with the field that each is about, and how it leaves."""
    problems: Mapping[str, str] = {}
    gaps = gaps_of(draft, composition, exactly=exactly) if draft else []
    if draft is not None:
        problems = {**check_parts(draft), **dict.fromkeys(unaccepted(draft, gaps), "gaps")}
    elif tried or is_changed(composition):
        problems = check_parts(composition.unsaved(None), composition.channels)
    missing = {text: FIELDS.get(name, name) for name, text in composition.problems.items()}
    for text, part in problems.items():
        if part != "timing" or not TIMES.intersection(composition.problems):  # said once is enough
            missing.setdefault(text, _field_of(part, composition))
    for text in refused_for.splitlines():
        missing.setdefault(text, "")
    return {
        "missing": [Wrong(*pair) for pair in missing.items()],
        "tried": tried,
        "gaps": [
            {
                "gap": gap,
                "others": gap.of - gap.people,
                "accepted": gap.is_accepted(composition.accepted_gaps),
            }
            for gap in gaps
        ],
    }


def gaps_of(draft: Broadcast, composition: Composition, *, exactly: bool = False) -> list[Gap]:
    """Who lacks what the message says, of a draft as the page has it."""
    return find_gaps(draft, composition.channels, quick=not exactly)


# The controls that problems are about: of the fields of the form, and of what is chosen.
FIELDS = {
    "periodic": "every",
    "trigger": "on",
    "template": "template-name",
    "sample_data": "sample-data",
}
CONTENTS = {"text": "text", "story": "story", "template": "template-name"}
TIMES = frozenset({"at", "periodic", "trigger", "time_zone"})  # the fields of "timing"
TIMINGS = {"now": "when-now", "scheduled": "at", "periodic": "every", "trigger": "on"}


def _field_of(part: str, composition: Composition) -> str:
    """The id of the control that problems of this part of the draft are about."""
    match part:
        case "content":
            return CONTENTS[composition.data_type]
        case "timing":
            return TIMINGS.get(composition.when.way, "")
        case "audience":
            chosen = composition.audience or "all"
            return chosen if chosen == "chats" else f"audience-{chosen}"
        case "mail":
            return "preheader"
    return part  # title, channels


def previewed(draft: Broadcast | None, composition: Composition, asked: Asked) -> Address | None:
    """The address that the preview is for."""
    return preview_address(
        composition.unsaved(draft),
        [channel.pk for channel in composition.channels],
        chosen=asked.address if asked.by_name else None,
        shown=asked.address,
        after=asked.after,
        picks=composition.picks or (),
    )


def remembered_address(remembered: Any) -> Address | None:
    """Where tests go, if it has been chosen and is still there."""
    if not isinstance(remembered, int):
        return None
    return Address.objects.select_related("contact", "channel").filter(pk=remembered).first()
