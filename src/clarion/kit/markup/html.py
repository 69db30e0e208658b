"""Reading the HTML of chats: a few elements, and line breaks as they are written."""

import re
from collections.abc import Callable, Iterator
from html import unescape
from typing import Final

from clarion.kit.markup.pieces import Close, MarkupError, Open, Piece

_SORTS: Final = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline",
    "ins": "underline", "s": "strike", "strike": "strike", "del": "strike", "code": "code",
    "pre": "pre", "a": "link", "tg-spoiler": "spoiler", "span": "spoiler", "blockquote": "quote",
    "tg-emoji": "emoji",
}  # fmt: skip
_NAMED: Final = ", ".join(
    f"<{name}>" for name in ("b", "i", "u", "s", "a", "code", "pre", "blockquote", "tg-spoiler")
)
_TAG = re.compile(r"<(/?)([^\s<>/]*)([^<>]*?)>")
# Quotes are demanded: a value with a space would end what has none.
_ATTRIBUTE = re.compile(r"""\s+([A-Za-z-]+)(?:=(?:"([^"<>]*)"|'([^'<>]*)'))?""")
# These four and numbers are read; everything else that begins with & is text.
_REFERENCE = re.compile(r"&(?:lt|gt|amp|quot|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});")


def read_html(
    source: str, place: Callable[[int], str], is_emoji_id: Callable[[str], bool]
) -> Iterator[Piece]:
    """The pieces of a text. ``place`` names a place of it. Raises MarkupError."""
    open_tags: list[tuple[str, int]] = []
    at = 0
    while (begin := source.find("<", at)) >= 0:
        if begin > at:
            yield _text(source[at:begin])
        tag = _TAG.match(source, begin)
        if tag is None:
            raise MarkupError(f"{place(begin)}: “<” begins no tag. Write &lt; to show it.")
        name = tag[2].lower()
        if tag[1]:
            _close(name, open_tags, begin, place)
            yield Close()
        else:
            opened, attributes = _opened(name, tag[3], begin, place)
            if name == "tg-emoji" and not is_emoji_id(attributes.get("emoji-id", "")):
                raise MarkupError(
                    f"{place(begin)}: <tg-emoji> needs an emoji-id, which is a whole number. "
                    "Correct it."
                )
            yield opened
            open_tags.append((name, begin))
        at = tag.end()
    if at < len(source):
        yield _text(source[at:])
    if open_tags:
        name, begin = open_tags[-1]
        raise MarkupError(f"{place(begin)}: <{name}> is never closed. Add </{name}>.")


def _text(source: str) -> str:
    return _REFERENCE.sub(lambda match: unescape(match[0]), source)


def _close(
    name: str, open_tags: list[tuple[str, int]], begin: int, place: Callable[[int], str]
) -> None:
    if not open_tags:
        raise MarkupError(f"{place(begin)}: </{name}> closes nothing. Delete it.")
    expected = open_tags.pop()[0]
    if name not in ("", expected):
        raise MarkupError(
            f"{place(begin)}: </{name}> is written where </{expected}> is expected. Close tags in "
            "the reverse order."
        )


def _opened(
    name: str, written: str, begin: int, place: Callable[[int], str]
) -> tuple[Open, dict[str, str]]:
    """What an element begins, and its attributes."""
    if name not in _SORTS:
        raise MarkupError(
            f"{place(begin)}: <{name}> is not supported in chats. Use {_NAMED}, or write &lt; to "
            "show “<”."
        )
    attributes: dict[str, str] = {}
    at = 0
    while match := _ATTRIBUTE.match(written, at):
        attributes[match[1].lower()] = unescape(match[2] or match[3] or "")
        at = match.end()
    if written[at:].strip():
        raise MarkupError(
            f'{place(begin)}: an attribute of <{name}> can\'t be read. Write it as name="value".'
        )
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise MarkupError(f'{place(begin)}: <span> needs class="tg-spoiler". Add it.')
    return Open(_SORTS[name], attributes.get("href", "") if name == "a" else ""), attributes
