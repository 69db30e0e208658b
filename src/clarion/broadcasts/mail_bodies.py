"""The bodies of a broadcast's e-mails, where they are written in Markdown, HTML or MJML."""

from functools import lru_cache
from typing import Final

from clarion.broadcasts.models import Broadcast
from clarion.clicks.tokens import base
from clarion.content.errors import ContentError
from clarion.content.formats import BODY_FORMATS
from clarion.content.mail import layouts
from clarion.content.mail.bodies import Body, LayoutSource, Relink, build_body
from clarion.kit.markup import reading

_KEPT: Final = 32  # bodies that pages ask for several times while somebody types

_built = lru_cache(maxsize=_KEPT)(build_body)


def has_body(broadcast: Broadcast) -> bool:
    """Whether its text is the source of a body."""
    is_text = broadcast.data_type == Broadcast.DataType.TEXT
    return is_text and broadcast.format in BODY_FORMATS and bool(broadcast.text.strip())


def markup_of(broadcast: Broadcast) -> str:
    """How its text is formatted for chats, one of reading.FORMATS; "" where it is not."""
    is_text = broadcast.data_type == Broadcast.DataType.TEXT
    return broadcast.format if is_text and broadcast.format in reading.FORMATS else ""


def body_of(broadcast: Broadcast, relink: Relink | None = None) -> Body | None:
    """The templates of its e-mails; None for a plain text. Raises ContentError."""
    if not has_body(broadcast):
        return None
    build = _built if relink is None else build_body
    return build(
        broadcast.text,
        broadcast.format,
        layout_of(broadcast),
        own_text=broadcast.mail.get("plain_text", ""),
        can_unsubscribe=bool(base()),
        relink=relink,
    )


def text_of(broadcast: Broadcast) -> str:
    """What is sent as a plain text, on other channels too. Raises ContentError."""
    body = body_of(broadcast)
    return broadcast.text if body is None else body.text


def layout_of(broadcast: Broadcast) -> LayoutSource | None:
    """The layout that it was launched with, else its present one. Raises ContentError."""
    if fixed := broadcast.mail_layout:
        return LayoutSource(fixed["html"], fixed["address"]) if fixed["html"] else None
    return layouts.chosen_source(broadcast.mail.get("layout", ""))


def fixed_layout(broadcast: Broadcast) -> dict[str, str]:
    """What ``mail_layout`` becomes when it is launched; empty where it has no body."""
    if not has_body(broadcast):
        return {}
    try:
        layout = layout_of(broadcast)
    except ContentError:
        return {}  # it can't be sent: see problems
    return (
        {"html": layout.html, "address": layout.address} if layout else {"html": "", "address": ""}
    )
