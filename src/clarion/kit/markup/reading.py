"""Reading a formatted text, or a template of one."""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Final

from clarion.kit.markup.html import read_html
from clarion.kit.markup.markdown_v2 import read_markdown_v2
from clarion.kit.markup.pieces import Piece, as_plain

_READERS: Final[Mapping[str, Callable[[str, Callable[[int], str]], Iterator[Piece]]]] = {
    "chat_html": read_html,
    "markdownv2": read_markdown_v2,
}
FORMATS: Final = tuple(_READERS)
_VARIABLE = re.compile(r"\{\{.*?\}\}", re.DOTALL)
_STATEMENT = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_STANDS_FOR_ONE: Final = "\x01"  # plain text in both formats; no name of a tag or attribute has it


def read(text: str, how: str) -> list[Piece]:
    """The pieces of a text. ``how``: one of FORMATS. Raises MarkupError with the place."""
    return list(_READERS[how](text, partial(_place, text)))


def plain_of(text: str, how: str) -> str:
    """The text without its markup. Raises MarkupError."""
    return as_plain(read(text, how))


def check_template(source: str, how: str) -> None:
    """Check the markup around the variables of a template. Raises MarkupError with the place.

    The text of all branches is read, one after the other: each has to be whole in itself.
    """
    # As long as what is replaced, so that a place is one of the source.
    hidden = _VARIABLE.sub(lambda match: _STANDS_FOR_ONE * len(match[0]), source)
    hidden = _STATEMENT.sub(lambda match: "\r" * len(match[0]), hidden)
    for _ in _READERS[how](hidden, partial(_place, source)):
        pass


def _place(text: str, at: int) -> str:
    """“Line 2, character 7”."""
    line = text.count("\n", 0, at) + 1
    return f"Line {line}, character {at - text.rfind(chr(10), 0, at)}"
