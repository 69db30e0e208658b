"""What an e-mail carries beside its text: pictures, files, buttons that are links.

A picture with an address is fetched from there, one without lies in the message itself (RFC 2392,
RFC 2387). An uploaded file is attached (RFC 2183), one with nothing but an address is linked.
"""

from dataclasses import replace
from html import escape
from typing import NamedTuple

from clarion.channels.contract import Outgoing
from clarion.channels.files import file_name
from clarion.channels.mailing.files import content_id_of
from clarion.kit.parts import Button, Media

_BUTTON = (
    "display:inline-block;padding:10px 18px;border-radius:6px;background:#1f5fbf;color:#ffffff;"
    "text-decoration:none"
)


class Parts(NamedTuple):
    """Paragraphs of HTML above and below the text, lines of the plain text, and the files."""

    above: tuple[str, ...] = ()
    below: tuple[str, ...] = ()
    lines: tuple[str, ...] = ()
    inline: tuple[Media, ...] = ()  # with a Content-ID
    attached: tuple[Media, ...] = ()


NOTHING = Parts()


def parts_of(message: Outgoing) -> Parts:
    """Everything beside the text."""
    mail = message.mail
    has_files = mail is not None and (mail.images or mail.attachments)
    if not message.media and not message.buttons and not has_files:
        return NOTHING
    parts = _of_media(message.media) if message.media else NOTHING
    if mail is not None and has_files:
        parts = parts._replace(
            inline=(*parts.inline, *mail.images), attached=(*parts.attached, *mail.attachments)
        )
    return parts._replace(
        below=(*parts.below, *(_button(each) for each in message.buttons)),
        lines=(*parts.lines, *(f"{one_line(b.label)}: {b.value}" for b in message.buttons)),
    )


def one_line(text: str) -> str:
    """The text without line breaks and without what can't be printed."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _of_media(media: Media) -> Parts:
    name = file_name(media)
    if media.kind == "image":
        alt = escape(one_line(media.name))
        source = media.url or f"cid:{content_id_of(media)}"
        picture = f'<img src="{escape(source)}" alt="{alt}" style="max-width:100%;height:auto">'
        if media.url:
            return Parts(above=(picture,), lines=(media.url,))
        return Parts(above=(picture,), inline=(replace(media, content_id=content_id_of(media)),))
    if media.size:
        return Parts(attached=(media,))
    link = f'<a href="{escape(media.url)}">{escape(name)}</a>'
    return Parts(below=(link,), lines=(f"{name}: {media.url}",))


def _button(button: Button) -> str:
    label = escape(one_line(button.label))
    return f'<a href="{escape(button.value)}" style="{_BUTTON}">{label}</a>'
