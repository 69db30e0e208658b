"""Which content fits which audience and which channels."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import Limits
from clarion.channels.fitting import length_of, unit_of
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS, kind_class
from clarion.clicks.tracking import as_sent
from clarion.content import blocks
from clarion.content.models import Story
from clarion.kit.markup.pieces import shown_text
from clarion.kit.markup.reading import FORMATS, read

VARIABLE: Final = "{"  # a text without it has the same length for everybody
_A: Final = {"image": "an image", "file": "a file"}
_Type = Broadcast.DataType


def unfit_for_chats(data_type: str) -> str:
    """Why this content can't be sent to chat numbers; empty when it can."""
    if data_type == _Type.TEXT:
        return ""
    return _("Only a text can be sent to chat numbers. Choose Text, or another audience.")


def has_templates(channel: Channel) -> bool:
    """Whether the channel sends templates that its provider has approved."""
    return kind_class(channel.kind).limits.templates


def shows_title(channel: Channel) -> bool:
    """Whether people on this channel see the broadcast's title, as the subject of an e-mail."""
    return kind_class(channel.kind).limits.titled


def not_offered(
    channels: Sequence[Channel], *, to_chats: bool, story: Story | None
) -> Mapping[str, str]:
    """Data type -> why it can't be chosen; those that can be chosen are left out.

    ``channels``: those that are chosen so far. ``to_chats``: the audience is given by chat numbers.
    ``story``: the one that is chosen, if any.
    """
    reasons = {
        _Type.STORY: (to_chats and unfit_for_chats(_Type.STORY)) or _no_story(story),
        _Type.TEMPLATE: (to_chats and unfit_for_chats(_Type.TEMPLATE)) or _no_templates(channels),
    }
    return {data_type.value: reason for data_type, reason in reasons.items() if reason}


def _no_story(chosen: Story | None) -> str:
    if chosen is not None or Story.objects.filter(archived_at__isnull=True).exists():
        return ""
    return _("There are no stories yet.")


def _no_templates(chosen: Sequence[Channel]) -> str:
    if any(map(has_templates, chosen or Channel.objects.all())):
        return ""
    able = ", ".join(kind.label for kind in KINDS.values() if kind.limits.templates)
    if chosen:
        return _("None of the chosen channels has templates. These platforms have them: %s.") % able
    return _("No channel has templates. These platforms have them: %s.") % able


@dataclass(frozen=True, slots=True)
class MessageFacts:
    """What one block of a story asks of a channel. ``text`` is empty where it differs by person."""

    number: int  # of the block
    text: str = ""
    media: str = ""  # image, file
    buttons: tuple[str, ...] = ()  # link, reply


def facts_of(story: Sequence[blocks.Block], *, tracked: bool) -> Iterator[MessageFacts]:
    """What each message of a story asks of a channel. ``tracked``: its links are sent tracked."""
    for number, block in enumerate(story, 1):
        match block:
            case blocks.TextBlock():
                yield MessageFacts(number, _fixed(block.text, block.format, tracked=tracked))
            case blocks.ImageBlock() | blocks.FileBlock():
                caption = _fixed(block.caption, block.format, tracked=tracked)
                yield MessageFacts(number, caption, block.kind)
            case blocks.ButtonsBlock():
                kinds = tuple("link" if b.kind == "link" else "reply" for b in block.buttons)
                yield MessageFacts(
                    number, _fixed(block.text, block.format, tracked=tracked), buttons=kinds
                )


def _fixed(text: str, written: str, *, tracked: bool) -> str:
    if VARIABLE in text:
        return ""
    if written in FORMATS:
        return shown_text(read(text, written))
    return as_sent(text) if tracked else text


def problems_of(limits: Limits, facts: MessageFacts) -> Iterator[str]:
    """Why a channel of these limits can't take a message, as what follows the channel's name."""
    where, length = f"(block {facts.number}).", length_of(facts.text, limits)
    unit = unit_of(limits)
    if facts.media and facts.media not in limits.media:
        yield f"accepts no {facts.media}s {where}"
    elif facts.media in limits.bare_media and facts.text:
        yield f"accepts no text beside {_A[facts.media]} {where}"
    elif facts.media and length > limits.caption_length:
        beside = f"{unit} beside {_A[facts.media]} {where}"
        yield f"accepts at most {limits.caption_length:,} {beside}"
    elif not facts.media and length > limits.text_length:
        yield f"accepts at most {limits.text_length:,} {unit} in a message {where}"
    for kind in dict.fromkeys(facts.buttons):
        if kind not in limits.buttons:
            yield f"has no {kind} buttons {where}"
    if set(facts.buttons) & limits.buttons and len(facts.buttons) > limits.most_buttons:
        yield f"accepts at most {limits.most_buttons} buttons under a message {where}"
