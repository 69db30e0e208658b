"""Whom a channel sends to: everyone, or only contacts who have written to it (A8), and when."""

from typing import Literal

from clarion.channels.contract import Limits
from clarion.channels.errors import UnknownKind
from clarion.channels.limits import WINDOW_HOURS
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class

# What is sent. A reply is to one contact alone, whom an agent or the contact has chosen.
Content = Literal["message", "template", "reply"]


def only_written(channel: Channel, content: Content) -> bool:
    """Whether those who have never written to the channel are left out of what it sends.

    Where the channel does not say, this is what its provider demands: a template may be sent to
    anybody, if the provider has any.
    """
    if content == "reply":
        return False
    if channel.only_written is not None:
        return channel.only_written
    limits = _limits(channel)
    return limits is not None and limits.written_first and not _is_approved(content, limits)


def has_window(channel: Channel, content: Content) -> bool:
    """Whether the channel sends this only for a time (``limits.WINDOW``) after a person wrote.

    A channel that is set to send to all contacts sends to them at any time: its agents know of
    messages that Clarion has not seen. A reply is sent in any case, and the provider decides.
    """
    limits = _limits(channel)
    if limits is None or content == "reply" or channel.only_written is False:
        return False
    return limits.window and not _is_approved(content, limits)


def window_hours(channel: Channel, content: Content) -> int | None:
    """How many hours after they last wrote people are sent this; None: at any time."""
    return WINDOW_HOURS if has_window(channel, content) else None


def _limits(channel: Channel) -> Limits | None:
    try:
        return kind_class(channel.kind).limits
    except UnknownKind:
        return None


def _is_approved(content: Content, limits: Limits) -> bool:
    return content == "template" and limits.templates
