"""Reading a formatted text, or a template of one."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from clarion.kit.markup.html import read_html
from clarion.kit.markup.markdown_v2 import read_markdown_v2
from clarion.kit.markup.pieces import Piece, as_plain, is_emoji_id

_Reader = Callable[[str, Callable[[int], str], Callable[[str], bool]], Iterator[Piece]]
_READERS: Final[Mapping[str, _Reader]] = {
    "chat_html": read_html,
    "markdownv2": read_markdown_v2,
}
FORMATS: Final = tuple(_READERS)
_TAG = re.compile(r"\{[{%#]")
_ENDS: Final = {"{{": "}}", "{%": "%}", "{#": "#}"}
_STANDS_FOR_ONE: Final = "\x01"  # plain text in both formats; no name of a tag or attribute has it
_STATEMENT: Final = "\r"
_HIDDEN: Final = frozenset(_STANDS_FOR_ONE + _STATEMENT)


def read(text: str, how: str) -> list[Piece]:
    """The pieces of a text. ``how``: one of FORMATS. Raises MarkupError with the place."""
    return _pieces(text, how, is_emoji_id)


def plain_of(text: str, how: str) -> str:
    """The text without its markup. Raises MarkupError."""
    return as_plain(_pieces(text, how, _any_emoji_id))


def check_template(source: str, how: str) -> None:
    """Check the markup around the variables of a template. Raises MarkupError with the place.

    The text of all branches is read, one after the other: each has to be whole in itself.
    """
    for _ in _READERS[how](_hidden(source), partial(_place, source), _may_be_emoji_id):
        pass


def _pieces(text: str, how: str, emoji: Callable[[str], bool]) -> list[Piece]:
    return list(_READERS[how](text, partial(_place, text), emoji))


def _any_emoji_id(_: str) -> bool:
    """Plain text has nothing of it."""
    return True


def _may_be_emoji_id(value: str) -> bool:
    """Whether a template may become an id: a number, or something with a variable."""
    return not _HIDDEN.isdisjoint(value) or is_emoji_id(value)


def _hidden(source: str) -> str:
    """A template with plain text for its variables and statements, as long as they are: so a place
    in it is one of the source. In one pass, whatever the text."""
    pieces: list[str] = []
    at = search_from = 0
    unclosed = set[str]()  # they begin nothing in the rest of the text
    while match := _TAG.search(source, search_from):
        sign, begin = match[0], match.start()
        end = -1 if sign in unclosed else source.find(_ENDS[sign], match.end())
        if end < 0:
            unclosed.add(sign)
            search_from = match.end()
            continue
        end += 2
        pieces += [
            source[at:begin],
            (_STANDS_FOR_ONE if sign == "{{" else _STATEMENT) * (end - begin),
        ]
        at = search_from = end
    return "".join([*pieces, source[at:]])


def _place(text: str, at: int) -> str:
    """“Line 2, character 7”."""
    line = text.count("\n", 0, at) + 1
    return f"Line {line}, character {at - text.rfind(chr(10), 0, at)}"
