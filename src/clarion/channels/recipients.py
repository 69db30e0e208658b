"""Whom a channel sends to: everyone, or only contacts who have written to it (A8)."""

from typing import Literal

from clarion.channels.errors import UnknownKind
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
    try:
        limits = kind_class(channel.kind).limits
    except UnknownKind:
        return False
    return limits.written_first and not (content == "template" and limits.templates)
