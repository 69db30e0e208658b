"""What an e-mail carries beside its text: a picture, a file, buttons that are links.

A picture with an address is fetched from there, one without lies in the message itself (RFC 2392,
RFC 2387). An uploaded file is attached (RFC 2183), one with nothing but an address is linked.
"""

import re
from base64 import b64encode
from functools import lru_cache
from html import escape
from typing import NamedTuple
from urllib.parse import quote

from clarion.channels.contract import Outgoing
from clarion.channels.files import content_type, file_name
from clarion.kit.parts import Button, Media

_LINE = 76  # characters of base64 (RFC 2045 6.8)
_PLAIN_NAME = re.compile(r"[\x20-\x7e]+")
_BUTTON = (
    "display:inline-block;padding:10px 18px;border-radius:6px;background:#1f5fbf;color:#ffffff;"
    "text-decoration:none"
)


class Parts(NamedTuple):
    """Paragraphs of HTML above and below the text, lines of the plain text, entities of MIME."""

    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    inline: list[str] | None = None
    attached: list[str] | None = None


NOTHING = Parts()


def parts_of(message: Outgoing, content_id: str) -> Parts:
    """Everything beside the text. ``content_id`` is what a picture in the message is known by."""
    if not message.media and not message.buttons:
        return NOTHING
    parts = _of_media(message.media, content_id) if message.media else NOTHING
    return parts._replace(
        below=(*parts.below, *(_button(each) for each in message.buttons)),
        lines=(*parts.lines, *(f"{one_line(b.label)}: {b.value}" for b in message.buttons)),
    )


def one_line(text: str) -> str:
    """The text without line breaks and without what can't be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _of_media(media: Media, content_id: str) -> Parts:
    name = file_name(media)
    if media.kind == "image":
        alt = escape(one_line(media.name))
        source = escape(media.url or f"cid:{content_id}")
        picture = f'<img src="{source}" alt="{alt}" style="max-width:100%;height:auto">'
        if media.url:
            return Parts(above=(picture,), lines=(media.url,))
        return Parts(above=(picture,), inline=_entity(media, name, "inline", content_id))
    if media.size:
        return Parts(attached=_entity(media, name, "attachment", ""))
    link = f'<a href="{escape(media.url)}">{escape(name)}</a>'
    return Parts(below=(link,), lines=(f"{name}: {media.url}",))


def _button(button: Button) -> str:
    label = escape(one_line(button.label))
    return f'<a href="{escape(button.value)}" style="{_BUTTON}">{label}</a>'


def _entity(media: Media, name: str, disposition: str, content_id: str) -> list[str]:
    """The lines of a MIME part with the bytes of an upload."""
    if _PLAIN_NAME.fullmatch(name):
        written = f'filename="{name}"'
    else:
        # On a line of its own: a long name of foreign letters fills one (RFC 2231, RFC 5322 2.1.1).
        written = f"filename*=utf-8''{quote(name, safe='')}"
    return [
        f"Content-Type: {content_type(media)}",
        "Content-Transfer-Encoding: base64",
        *([f"Content-ID: <{content_id}>"] if content_id else []),
        f"Content-Disposition: {disposition};\r\n {written}",
        "",
        _base64(media.data or b""),
    ]


@lru_cache(maxsize=2)
def _base64(data: bytes) -> str:
    """Kept for the next person: all of a broadcast get the same bytes."""
    text = b64encode(data).decode("ascii")
    return "\r\n".join(text[start : start + _LINE] for start in range(0, len(text), _LINE))
