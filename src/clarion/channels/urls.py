"""The URLs in a channel's settings, and its own one."""

from typing import Annotated

from pydantic import Field

from clarion.channels.groups import ADVANCED
from clarion.transport.errors import NotSent
from clarion.transport.head import parse_url

# A setting of kinds whose provider has an HTTP API; its default is False.
AllowPrivate = Annotated[
    bool,
    Field(
        title="Allow private addresses",
        description="Allows an API in your own network or on this machine, such as the simulator.",
        json_schema_extra={"group": ADVANCED},
    ),
]


def checked_url(url: str) -> str:
    """The URL itself. Raises ValueError with a sentence unless requests can be sent to it."""
    try:
        parse_url(url, allow_private=True)
    except NotSent as refused:
        raise ValueError(refused.reason) from None
    return url


def api_root(url: str, name: str) -> str:
    """The URL that a provider's methods are appended to, without a slash at its end.

    ``name`` is what it leads to, as in “the Graph API”. Raises ValueError with a sentence.
    """
    if "?" in checked_url(url) or "#" in url:
        raise ValueError(f"The URL of {name} must not contain “?” or “#”.")
    return url.rstrip("/")


def hook_url(channel_id: int, public_url: str) -> str:
    """The webhook URL: where the callbacks of a channel's provider arrive.

    ``public_url``: that of this server, with or without a slash at its end.
    """
    return f"{public_url.rstrip('/')}/hooks/{channel_id}/"
