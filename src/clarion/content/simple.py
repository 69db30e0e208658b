"""Texts that only insert values of the contact, and their links: most texts. No engine is needed.

``Hello {{ contact.name | default("friend") }}`` is joined from its pieces, which takes a sixth of
the time. Whatever could make a difference (another filter, a value that is not text, a missing one
without a default, a very long one) is left to the engine: its rules and sentences hold for all.
"""

import re
from collections.abc import Callable, Mapping
from itertools import pairwise
from typing import Any

from clarion.content.errors import LINKS

_USE = re.compile(
    r"""\{\{\s*(?:contact\.(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<link>"""
    + "|".join(LINKS)
    + r"""))\s*
    (?:\|\s*(?:default|d)\s*\(\s*
        (?:"(?P<double>[^"\\{}]*)"|'(?P<single>[^'\\{}]*)')
    \s*\)\s*)?\}\}""",
    re.VERBOSE,
)
Escape = Callable[[str], str]
_TAG = re.compile(r"\{[{%#]")


class SimpleText:
    """The pieces of such a text."""

    __slots__ = ("_escape", "_first", "_longest", "_uses")

    def __init__(
        self,
        first: str,
        uses: list[tuple[str, str | None, str, bool]],
        longest: int,
        escape: Escape | None,
    ) -> None:
        self._escape = escape
        self._first = first
        # The variable, its default, the plain text behind it, and whether it is one of LINKS.
        self._uses = uses
        self._longest = longest

    def render(self, contact: Mapping[str, Any], variables: Mapping[str, Any]) -> str | None:
        """The text for one person; None where the template engine has to decide."""
        rendered = self._first
        for name, default, plain, is_link in self._uses:
            value = variables.get(name, default) if is_link else contact.get(name, default)
            if type(value) is not str:
                return None
            rendered += (value if self._escape is None else self._escape(value)) + plain
        if len(rendered) > self._longest:
            return None
        if not rendered.isascii():
            try:
                rendered.encode()
            except UnicodeEncodeError:  # half a character
                return None
        return rendered


def simple_text(source: str, longest: int, escape: Escape | None = None) -> SimpleText | None:
    """Take a checked text to pieces; None if it is no simple one.

    ``longest``: the number of characters up to which no limit can be exceeded. ``escape``: what is
    made of each value.
    """
    matches = list(_USE.finditer(source))
    ends = [0, *(match.end() for match in matches)]
    starts = [*(match.start() for match in matches), len(source)]
    plain = [source[end:start] for end, start in zip(ends, starts, strict=True)]
    if not matches or any(_TAG.search(piece) for piece in plain):
        return None
    uses = [
        (
            match["name"] or match["link"],
            match["double"] if match["single"] is None else match["single"],
            behind,
            match["name"] is None,
        )
        for match, (_, behind) in zip(matches, pairwise(plain), strict=True)
    ]
    return SimpleText(plain[0], uses, longest, escape)
