"""The pieces of a formatted text, and what is made of them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from typing import Final

# How pages show each sort; the rest of HTML means nothing here.
_ELEMENTS: Final = {
    "bold": "b", "italic": "i", "underline": "u", "strike": "s", "spoiler": "mark", "code": "code",
    "pre": "pre", "quote": "blockquote",
}  # fmt: skip
_EMOJI_ID = re.compile(r"-?[1-9][0-9]{0,18}")
_SHOWN_LINKS: Final = ("https://", "http://", "mailto:", "tel:")


class MarkupError(ValueError):
    """A text whose markup can't be read: one sentence, with the place."""


@dataclass(frozen=True, slots=True)
class Open:
    """A part of the text begins to be shown differently."""

    sort: str
    url: str = ""  # of a link


@dataclass(frozen=True, slots=True)
class Close:
    """The part that began last ends."""


Piece = str | Open | Close


def is_emoji_id(value: str) -> bool:
    """Whether it can be the id of an emoji that a platform sells: a number of 64 bits, not 0,
    written without leading zeros. Others are refused together with the whole text.

    `parse_html` and `get_link_custom_emoji_id` in tdlib/td's MessageEntity.cpp and LinkManager.cpp.
    """
    return bool(_EMOJI_ID.fullmatch(value)) and -(2**63) <= int(value) < 2**63


def as_plain(pieces: Iterable[Piece]) -> str:
    """The text without markup; the URL of a link is behind its words."""
    shown: list[str] = []
    begun: list[tuple[Open, int]] = []
    for piece in pieces:
        if isinstance(piece, Open):
            begun.append((piece, len(shown)))
        elif isinstance(piece, Close):
            opened, since = begun.pop()
            words = "".join(shown[since:])
            if opened.sort == "link" and opened.url.startswith(_SHOWN_LINKS):
                target = opened.url.removeprefix("mailto:").removeprefix("tel:")
                if target not in words:
                    shown.append(f" ({target})" if words.strip() else target)
        else:
            shown.append(piece)
    return "".join(shown).replace("\r", "")


def as_page(pieces: Iterable[Piece]) -> str:
    """Safe HTML of the text for pages: nothing of what was written is markup there."""
    shown: list[str] = []
    ends: list[str] = []
    for piece in pieces:
        if isinstance(piece, Open):
            begin, end = _element(piece)
            shown.append(begin)
            ends.append(end)
        elif isinstance(piece, Close):
            shown.append(ends.pop())
        else:
            shown.append(escape(piece.replace("\r", "")))
    return "".join(shown)


def shown_text(pieces: Iterable[Piece]) -> str:
    """What is shown of the text, whose length is what platforms limit."""
    return "".join(piece for piece in pieces if isinstance(piece, str)).replace("\r", "")


def _element(piece: Open) -> tuple[str, str]:
    if piece.sort == "link" and piece.url.startswith(_SHOWN_LINKS):
        return f'<a href="{escape(piece.url)}" rel="noopener noreferrer">', "</a>"
    name = _ELEMENTS.get(piece.sort, "")
    return (f"<{name}>", f"</{name}>") if name else ("", "")
