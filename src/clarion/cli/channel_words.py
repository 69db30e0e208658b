"""What a channel's facts are called on the command line."""

from typing import TYPE_CHECKING

from clarion.kit import rates

if TYPE_CHECKING:
    from clarion.channels.models import Channel


def only_written_words(channel: "Channel") -> str:
    """Whether only contacts who have written get messages."""
    from clarion.channels.recipients import only_written

    if channel.only_written is not None:
        return "yes" if channel.only_written else "no"
    if not only_written(channel, "message"):
        return "no (default)"
    return "yes (default)" if only_written(channel, "template") else "yes, except for templates"


def window_words(channel: "Channel") -> str:
    """For how many hours after a contact wrote it sends."""
    from clarion.channels.recipients import window_hours

    hours = window_hours(channel, "message")
    if hours is None:
        return "none"
    return f"{hours}, except for templates" if not window_hours(channel, "template") else f"{hours}"


def rate_words(rate: float | None) -> str:
    """The send rate with its unit."""
    return "no limit" if rate is None else f"{rates.written(rate)}/s"
