"""Variables and statements of a template, hidden while its HTML is worked on.

Parsers of Markdown, HTML and MJML would escape what stands between braces, or move an ``{% if %}``
out of a table. So each is a word of letters and digits meanwhile, or a comment where it stands
between elements.
"""

import re
from collections.abc import Iterator
from typing import Final

from clarion.content.errors import ContentError
from clarion.kit import ids

_PIECE: Final = re.compile(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_ALONE: Final = re.compile(r"^[ \t]*(?:\{%(?:[^%]|%(?!\}))*%\}[ \t]*)+$", re.MULTILINE)
# Tags, comments, and elements whose content is no HTML.
_MARKUP: Final = re.compile(
    r"<!--.*?-->|<(style|script|title|textarea)\b.*?</\1\s*>"
    r"""|<[a-zA-Z/!](?:"[^"]*"|'[^']*'|[^'">])*>""",
    re.DOTALL | re.IGNORECASE,
)


class Shield:
    """The hidden pieces of one body and its layout."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._secret = f"q{ids.token(12).lower().replace('-', 'x').replace('_', 'y')}"
        self._word = re.compile(rf"<!--{self._secret}(\d+)z-->|{self._secret}(\d+)z")

    def hide_in_html(self, source: str) -> str:
        """Hide the pieces of HTML or MJML; statements between elements become comments."""
        hidden = _PIECE.sub(self._hidden, source)
        parts, end = list[str](), 0
        for match in _MARKUP.finditer(hidden):
            parts += (self._commented(hidden[end : match.start()]), match.group())
            end = match.end()
        return "".join([*parts, self._commented(hidden[end:])])

    def hide_in_attribute(self, value: str) -> str:
        """Hide the pieces of an attribute's value, where there are no comments."""
        return _PIECE.sub(self._hidden, value)

    def hide_in_markdown(self, source: str) -> str:
        """Hide the pieces of Markdown; statements on lines of their own become comments."""
        alone = _ALONE.sub(
            lambda line: _PIECE.sub(lambda match: f"<!--{self._hidden(match)}-->", line.group()),
            source,
        )
        return _PIECE.sub(self._hidden, alone)

    def show(self, text: str) -> str:
        """The text with its pieces as they were written."""
        return self._word.sub(lambda match: self._pieces[int(match[1] or match[2])], text)

    def is_statement_first(self, text: str) -> bool:
        """Whether this HTML begins with a statement or a comment of the template."""
        return text.lstrip().startswith(f"<!--{self._secret}")

    def is_hidden(self, text: str) -> bool:
        """Whether this, the inside of a comment, is a piece that is hidden."""
        return self._word.fullmatch(text) is not None

    def refuse_lost(self, text: str) -> None:
        """Raise ContentError for a piece that has got lost on the way to this text."""
        kept = {int(match[1] or match[2]) for match in self._word.finditer(text)}
        for number, piece in enumerate(self._pieces):
            if number not in kept and not piece.startswith("{#"):
                raise ContentError(
                    f"“{piece}” is at a place where it gets lost. Put it inside the text of an "
                    "element."
                )

    def _hidden(self, match: "re.Match[str]") -> str:
        self._pieces.append(match.group())
        return f"{self._secret}{len(self._pieces) - 1}z"

    def _commented(self, text: str) -> str:
        """Text between tags, its statements as comments."""
        return self._word.sub(
            lambda match: match.group() if self._is_value(match) else f"<!--{match.group()}-->",
            text,
        )

    def _is_value(self, match: "re.Match[str]") -> bool:
        return bool(match[1]) or self._pieces[int(match[2])].startswith("{{")

    def pieces(self) -> Iterator[str]:
        """What is hidden, as it was written."""
        return iter(self._pieces)
