"""How many people a provider lets an account begin a conversation with in a day."""

from typing import Protocol, runtime_checkable

from clarion.channels.models import Channel
from clarion.channels.registry import adapter


@runtime_checkable
class LimitsPeople(Protocol):
    """A kind whose provider limits with how many people a conversation may begin in 24 hours."""

    people_a_day: int | None  # None: with any number


def people_a_day(channel: Channel) -> int | None:
    """How many people the provider lets this channel begin a conversation with in 24 hours.

    None: any number, or that is not known.
    """
    try:
        kind = adapter(channel)
    except ValueError:  # the channel's page says what is wrong with its settings
        return None
    return kind.people_a_day if isinstance(kind, LimitsPeople) else None
