"""What the page of a draft shows beside its fields: previews, counts, times, what is missing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.broadcasts import problems
from clarion.broadcasts.audience import summary
from clarion.broadcasts.estimate import AudienceSummary
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience
from clarion.broadcasts.reasons import LEFT_OUT
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS, kind_class
from clarion.consents.models import Consent
from clarion.contacts.attributes import known_variables
from clarion.contacts.models import Address
from clarion.contacts.tags import TagCount, tag_counts
from clarion.content import blocks, media, stories
from clarion.content.errors import ContentError
from clarion.content.models import Story, StoryVersion, Upload
from clarion.content.rendering import compile_text, contact_context
from clarion.content.script import MessageStep, compile_script
from clarion.kit import clock
from clarion.kit.numbers import parse_id
from clarion.web.forms.compose import Composition
from clarion.web.forms.compose_when import TAG, UNITS
from clarion.web.people import channels_with_people
from clarion.web.shown import audience_words
from clarion.web.zones import zone_choices

MOST_STORIES = 500
MOST_TAGS = 1_000
NO_TEST_PERSON = _lazy("Choose where your tests go first.")
SAYS = {"text": _lazy("Text"), "story": _lazy("Story"), "template": _lazy("Template")}


@dataclass(frozen=True, slots=True)
class Bubble:
    """One message of the preview; ``note`` says why a part of it can't be shown."""

    text: str = ""
    picture: str = ""  # the address of an upload of ours
    media: str = ""  # what else there is to see: “Image: example.org”
    buttons: Sequence[str] = ()
    webhook: str = ""  # the host that is asked
    note: str = ""


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
    def read(cls, typed: str) -> "Counted":
        """What the page holds: ``3:500,4:20``, with a ``~`` before an estimate; what is damaged is
        left out."""
        pairs = [part.split(":") for part in typed[:10_000].removeprefix("~").split(",")]
        return cls(
            {
                int(pair[0]): int(pair[1])
                for pair in pairs
                if len(pair) == 2 and all(p.isdecimal() and len(p) < 16 for p in pair)
            },
            about=typed.startswith("~"),
        )

    def __str__(self) -> str:
        counts = ",".join(f"{channel}:{count}" for channel, count in self.by_channel.items())
        return f"~{counts}" if self.about else counts

    @property
    def total(self) -> int:
        """On all channels."""
        return sum(self.by_channel.values())


def choices(made: Composition) -> dict[str, Any]:
    """What there is to choose from; it does not change while one types."""
    return {
        "all_channels": [
            {"channel": channel, "kind": kind_class(channel.kind).label}
            for channel in channels_with_people()
        ],
        "tag_counts": _tags({*made.tags, *made.without_tags}),
        "consents": _consents(made.consents),
        **names(made),
        "zones": zone_choices(made.when.zone),
        "stories": _stories(made.story),
        "units": list(UNITS),
        "tag_condition": TAG,
        "weekdays": [_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")],
        "month_days": range(1, 31),
    }


def names(made: Composition) -> dict[str, list[str]]:
    """The names of what a contact can have: for inserting, and for the conditions of a trigger.

    The conditions have their own names among them, whether or not a contact has that today.
    """
    variables = sorted(known_variables(), key=_own_first)
    listed = [name.removeprefix("contact.") for name in variables]
    used = [of for of, _how, _value in made.when.conditions if of and of != TAG]
    return {"variables": variables, "condition_names": list(dict.fromkeys([*listed, *used]))}


def _own_first(name: str) -> tuple[bool, str]:
    return name != "contact.name", name


def _tags(chosen: Collection[str]) -> list[TagCount]:
    """The tags to choose from; those that are chosen are among them, even when they are gone."""
    every = tag_counts()
    gone = sorted(set(chosen) - {tag.name for tag in every})
    more = [tag for tag in every[MOST_TAGS:] if tag.name in chosen]
    return [*every[:MOST_TAGS], *more, *(TagCount(0, name, 0) for name in gone)]


def _consents(chosen: Sequence[str]) -> list[Consent]:
    """All consents, and those that are chosen and gone: checked, so that a save keeps them."""
    every = list(Consent.objects.order_by("name"))
    gone = set(chosen) - {consent.name for consent in every}
    return [*every, *(Consent(name=name, category=_("deleted")) for name in sorted(gone))]


def _stories(chosen: Story | None) -> list[Story]:
    listed = [version.story for version in stories.story_list(limit=MOST_STORIES).versions]
    listed.sort(key=lambda story: story.name.casefold())
    if chosen is not None and chosen not in listed:
        listed.insert(0, chosen)
    return listed


def what(draft: Broadcast | None, made: Composition, person: Address | None) -> dict[str, Any]:
    """What can be said, what is wrong with it, and how it looks to one person."""
    begun = {
        "text": made.text.strip(),
        "story": made.story,
        "template": made.template_name or made.template_variables,
    }
    faulty = draft is not None and begun[made.data_type]
    return {
        "data_types": _data_types(made),
        "text_problems": problems.content_problems(draft, made.channels)
        if draft and faulty
        else [],
        "preview_person": person,
        "bubbles": _bubbles(draft, made, person),
        "what_words": _what_words(made),
    }


def _data_types(made: Composition) -> list[DataType]:
    only_text = _("Chat numbers take a text only.") if made.who == "chats" else ""
    has_stories = Story.objects.filter(archived_at__isnull=True).exists()
    no_story = "" if has_stories or made.story else _("There is no story yet.")
    return [
        DataType("text", SAYS["text"]),
        DataType("story", SAYS["story"], only_text or no_story, add_story=bool(no_story)),
        DataType("template", SAYS["template"], only_text or _no_templates(made.channels)),
    ]


def _no_templates(chosen: Sequence[Channel]) -> str:
    """Why no template can be sent, or nothing."""
    channels = chosen or list(Channel.objects.all())
    if any(kind_class(channel.kind).limits.templates for channel in channels):
        return ""
    able = ", ".join(kind.label for kind in KINDS.values() if kind.limits.templates)
    if chosen:
        return _("None of the chosen channels has templates. These kinds have: %s.") % able
    return _("No channel has templates. These kinds have: %s.") % able


def _what_words(made: Composition) -> str:
    if made.data_type == "story":
        return _("Story “%s”") % made.story.name if made.story else ""
    if made.data_type == "template":
        name = " ".join(filter(None, (made.template_name, made.template_language)))
        return _("Template %s") % name if made.template_name else ""
    words = " ".join(made.text.split())
    return words if len(words) <= 80 else words[:79] + "…"


def _bubbles(draft: Broadcast | None, made: Composition, person: Address | None) -> list[Bubble]:
    data = dict(draft.data) if draft else {}
    contact = _context(person) if person else None
    if made.data_type == "story":
        return _story_bubbles(made.story, contact, data) if made.story else []
    if made.data_type == "template":
        if not made.template_name:
            return []
        filled = [_rendered(text, contact, data) for text in made.template_variables]
        notes = [note for _text, note in filled if note]
        lines = [made.template_name, *(f"{n}. {text}" for n, (text, _note) in enumerate(filled, 1))]
        return [Bubble("\n".join(lines), note=" ".join(notes))]
    text, note = _rendered(made.text, contact, data)
    return [Bubble(text, note=note)] if made.text else []


def _context(person: Address) -> dict[str, Any]:
    who = person.contact
    return contact_context(who.name, who.attributes, who.language, who.time_zone, person.value)


def _rendered(
    text: str, contact: Mapping[str, Any] | None, data: Mapping[str, Any]
) -> tuple[str, str]:
    """The text for this person; as it is written, and why, when it can't be filled in."""
    if contact is None:
        return text, ""
    try:
        return compile_text(text).render(contact, data=data), ""
    except ContentError as error:
        return text, str(error)


def _story_bubbles(
    story: Story, contact: Mapping[str, Any] | None, data: Mapping[str, Any]
) -> list[Bubble]:
    try:
        version: StoryVersion = stories.newest(story)
        parts = blocks.from_stored(version.blocks)
        steps = compile_script(version.blocks, load=media.load).steps
    except ContentError as error:
        return [Bubble(note=str(error))]
    found = []
    for block, step in zip(parts, steps, strict=True):
        if isinstance(block, blocks.WebhookBlock):
            found.append(Bubble(webhook=urlsplit(block.url).hostname or block.url))
        elif isinstance(step, MessageStep):
            found.append(_message_bubble(block, step, contact, data))
    return found


def _message_bubble(
    block: blocks.Block,
    step: MessageStep,
    contact: Mapping[str, Any] | None,
    data: Mapping[str, Any],
) -> Bubble:
    try:
        message = step.render(contact or {}, data=data, memory={})
    except ContentError as error:
        note = str(error) if contact is not None else ""
        return Bubble("\n".join(step.sources), note=note)
    shown = Bubble(message.text, buttons=[button.label for button in message.buttons])
    if message.media is None:
        return shown
    row = Upload.objects.filter(token=getattr(block, "media", "") or None).first()
    if row is not None and media.is_image(row):
        return replace(shown, picture=media.address(row))
    kind = _("Image") if message.media.kind == "image" else _("File")
    name = row.name if row else message.media.name or message.media.url
    return replace(shown, media=f"{kind}: {name}")


def person_of(made: Composition, chosen: str) -> Address | None:
    """The person of the preview: who was chosen, else somebody on the chosen channels."""
    people = Address.objects.select_related("contact", "channel")
    found = people.filter(pk=parse_id(chosen) or 0).first()
    if found is not None:
        return found
    if made.picks:
        return people.filter(pk=made.picks[0]).first()
    return people.filter(channel__in=made.channel_ids).order_by("channel_id", "pk").first()


def who(draft: Broadcast | None, made: Composition, *, exactly: bool = False) -> dict[str, Any]:
    """How many people, by channel, and who drops out (A6); of very many “about”, at first."""
    channels = made.channels
    found: AudienceSummary | None = None
    spec = draft.audience if draft else {"kind": "all"}
    no_chats = made.who == "chats" and made.picks is None
    if channels and spec and not no_chats:
        audience = Audience.model_validate(spec)
        if draft is not None or audience.kind != "picks":
            found = summary(
                audience,
                channels,
                broadcast_id=draft.pk if draft else None,
                quick=not exactly,
            )
    by_channel = [(c, found.by_channel.get(c.pk, 0)) for c in channels] if found else []
    return {
        "found": found,
        "by_channel": by_channel,
        "dropped": [(LEFT_OUT[reason], n) for reason, n in found.dropped.items()] if found else [],
        "one_channel": channels[0] if len(channels) == 1 else None,
        "picked": draft.picks.count() if draft else 0,
        "who_words": _who_words(draft, no_chats=no_chats),
        "counted": Counted({c.pk: n for c, n in by_channel}, about=bool(found and found.about)),
    }


def _who_words(draft: Broadcast | None, *, no_chats: bool) -> str:
    if no_chats:
        return _("No chat numbers yet")
    return audience_words(draft) if draft else _("Everyone on its channels")


def times(made: Composition, counted: Counted) -> dict[str, Any]:
    """When it starts, and by when about it is finished, as far as that can be told."""
    seconds, slowest = seconds_needed(made, counted)
    starts = _starts(made)
    return {
        "counted": counted,
        "runs": made.when.next_runs,
        "undo_seconds": settings.CLARION.undo_seconds,
        "needs_seconds": 60 * round(seconds / 60) if seconds and seconds >= 60 else seconds,
        "slowest": slowest,
        "finishes_at": starts + timedelta(seconds=seconds) if starts and seconds else None,
    }


def seconds_needed(made: Composition, counted: Counted) -> tuple[float | None, Channel | None]:
    """How long the sending takes about, and the channel that takes longest; None: not known.

    Every message of a story counts. A channel without a rate takes what its provider takes.
    """
    messages = _messages(made)
    longest, slowest = 0.0, None
    for channel in made.channels:
        count = counted.by_channel.get(channel.pk, 0) * messages
        if channel.rate and count / channel.rate > longest:
            longest, slowest = count / channel.rate, channel
    if made.rate:
        own = counted.total * messages / made.rate
        return (own, None) if own >= longest else (longest, slowest)
    unknown = any(not c.rate and counted.by_channel.get(c.pk) for c in made.channels)
    return (None, None) if unknown or not counted.total else (longest, slowest)


def _messages(made: Composition) -> int:
    """How many messages each person gets at least."""
    if made.data_type != "story" or made.story is None:
        return 1
    kinds = [block["kind"] for block in stories.newest(made.story).blocks]
    return max(1, len(kinds) - kinds.count("webhook"))


def _starts(made: Composition) -> datetime | None:
    match made.when.way:
        case "now":
            return clock.now() + timedelta(seconds=settings.CLARION.undo_seconds)
        case "later":
            return made.when.moment
        case "repeat":
            return next(iter(made.when.next_runs), None)
    return None


def ending(draft: Broadcast | None, made: Composition, *, tried: bool) -> dict[str, Any]:
    """What is still missing, and how it leaves."""
    missing = problems.check(draft) if draft else []
    return {
        "missing": list(dict.fromkeys([*made.problems.values(), *missing])),
        "tried": tried,
    }


def test_person(remembered: Any) -> Address | None:
    """Where tests go, if it has been chosen and is still there."""
    if not isinstance(remembered, int):
        return None
    return Address.objects.select_related("contact", "channel").filter(pk=remembered).first()
