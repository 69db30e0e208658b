"""The text of an HTML page, for mail programs and people that show no HTML."""

import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Final

_BLOCKS: Final = frozenset(
    {
        "address", "article", "blockquote", "div", "dl", "fieldset", "footer", "form", "h1", "h2",
        "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table",
        "tr", "ul",
    }
)  # fmt: skip
_APART: Final = frozenset(
    {"h1", "h2", "h3", "h4", "h5", "h6", "p", "blockquote", "table", "ul", "ol"}
)
_UNSEEN: Final = frozenset({"style", "script", "title", "head", "template"})
_SPACES: Final = re.compile(r"[ \t\r\n\f]+")
_LINES: Final = re.compile(r"\n{3,}")


def plain_text_of(html: str, is_kept: Callable[[str], bool]) -> str:
    """The text: paragraphs apart, links behind their words, pictures by their words.

    ``is_kept``: whether a comment stays, for statements of a template are hidden in some.
    """
    reader = _Reader(is_kept)
    reader.feed(html)
    reader.close()
    lines = [line.strip() for line in "".join(reader.pieces).split("\n")]
    return _LINES.sub("\n\n", "\n".join(lines)).strip("\n")


class _Reader(HTMLParser):
    """Collects the text of a page."""

    def __init__(self, is_kept: Callable[[str], bool]) -> None:
        super().__init__(convert_charrefs=True)
        self._is_kept = is_kept
        self.pieces: list[str] = []
        self._unseen = 0
        self._links: list[tuple[str, int]] = []  # where each open link leads, and where it begins

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "br":
            self.pieces.append("\n")
        elif tag == "img":
            self.pieces.append(values.get("alt") or "")
        elif tag == "a":
            self._links.append((values.get("href") or "", len(self.pieces)))
        elif tag in _BLOCKS:
            self._break(tag)
            if tag == "li":
                self.pieces.append("- ")
        elif tag in {"td", "th"}:
            self.pieces.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(0, self._unseen - 1)
        elif tag == "a" and self._links:
            target, start = self._links.pop()
            words = "".join(self.pieces[start:]).strip()
            if target.startswith("mailto:") and target[7:] == words:
                return
            if target and not target.startswith("#") and target != words:
                # What follows must not be read as a part of a link alone.
                self.pieces.append(f" ({target})" if words else f" {target} ")
        elif tag in _BLOCKS:
            self._break(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        text = _SPACES.sub(" ", data)
        if text != " " or (self.pieces and not self.pieces[-1].endswith("\n")):
            self.pieces.append(text)

    def handle_comment(self, data: str) -> None:
        if not self._unseen and self._is_kept(data):
            self.pieces.append(f"<!--{data}-->")

    def _break(self, tag: str) -> None:
        last = self.pieces[-1] if self.pieces else "\n\n"
        there = len(last) - len(last.rstrip("\n"))
        self.pieces.append("\n" * ((2 if tag in _APART else 1) - there))
