"""Kinds whose people subscribe on a website of the operator's, without anybody's account.

What they need there, files and instructions, is served and shown for any kind that says so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Protocol, runtime_checkable

PREFIX: Final = "/subscribe/"  # of the path where visitors reach a channel


@dataclass(frozen=True, slots=True)
class Places:
    """Where a website's visitors reach a channel."""

    hook: str  # the channel's webhook URL
    subscribe: str  # where subscriptions are posted; the public files are below it


@dataclass(frozen=True, slots=True)
class PublicFile:
    """A file that browsers load from this server."""

    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Snippet:
    """Something to copy into a website, and what to do with it."""

    title: str
    text: str
    code: str


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a visitor asked for."""

    user_id: str  # as it is written
    is_wanted: bool  # False: they unsubscribed
    is_update: bool = False  # details of somebody who has subscribed; it opts nobody in
    replaces: str = ""  # the user id, as it is written, that a browser replaced by itself
    consent: str = ""  # the name of the consent that a subscription gives
    name: str = ""
    language: str = ""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    tags: Sequence[str] = ()


class SubscriptionRefused(ValueError):  # noqa: N818 - it is an answer to a visitor
    """A subscription that can't be taken: one sentence for the website's developer."""


@runtime_checkable
class TakesSubscriptions(Protocol):
    """A kind to which visitors of a website subscribe."""

    def public_file(self, name: str, places: Places) -> PublicFile | None:
        """A file for browsers; None where there is none of that name. Pure."""

    def snippets(self, places: Places) -> Sequence[Snippet]:
        """What to put on the website, in order. Pure."""

    def subscription(self, body: bytes, at: datetime) -> Subscription:
        """What was posted. Pure. Raises SubscriptionRefused."""


def places(number: int, public_url: str) -> Places:
    """Where visitors reach the channel of that number on the server with that public URL."""
    base = public_url.rstrip("/")
    return Places(f"{base}/hooks/{number}/", f"{base}{PREFIX}{number}/")
