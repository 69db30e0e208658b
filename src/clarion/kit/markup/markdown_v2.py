"""Reading MarkdownV2."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from clarion.kit.markup.pieces import Close, MarkupError, Open, Piece

_RESERVED: Final = frozenset("_*[]()~`>#+-=|{}.!")
# How each sort begins and ends, the longer first: “__” is no two italics.
_SIGNS: Final = (
    ("__", "underline"), ("||", "spoiler"), ("_", "italic"), ("*", "bold"), ("~", "strike"),
)  # fmt: skip
_NAMES: Final = {
    "underline": "__", "spoiler": "||", "italic": "_", "bold": "*", "strike": "~", "code": "`",
    "pre": "```", "link": "[", "emoji": "![",
}  # fmt: skip


# As tdlib/td reads it: the first id counts, and a fragment does not.
_EMOJI_URL = re.compile(r"tg:(?://)?emoji/?\?(?:(?!id=)[^&#]*&)*id=([^&#]*)", re.IGNORECASE)


def read_markdown_v2(
    source: str, place: Callable[[int], str], is_emoji_id: Callable[[str], bool]
) -> Iterator[Piece]:
    """The pieces of a text. ``place`` names a place of it. Raises MarkupError."""
    return iter(_Reader(source, place, is_emoji_id).pieces())


class _Reader:
    """Goes through a text once."""

    def __init__(
        self, source: str, place: Callable[[int], str], is_emoji_id: Callable[[str], bool]
    ) -> None:
        self._source = source
        self._place = place
        self._is_emoji_id = is_emoji_id
        self._at = 0
        self._open: list[tuple[str, int, int]] = []  # sort, where it began, its place in the pieces
        self._pieces: list[Piece] = []

    def pieces(self) -> list[Piece]:
        while self._at < len(self._source):
            self._step()
        if self._innermost == "quote":
            self._end()
        if self._open:
            sort, began, _ = self._open[-1]
            raise MarkupError(
                f"{self._place(began)}: “{_NAMES.get(sort, '>')}” is never closed. Close it, or "
                f"write a backslash before it to show it."
            )
        return self._pieces

    @property
    def _innermost(self) -> str:
        return self._open[-1][0] if self._open else ""

    def _next_is(self, sign: str) -> bool:
        return self._source.startswith(sign, self._at)

    def _step(self) -> None:
        character = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        if character == "\\" and "\0" < following <= "~":
            self._text(following, 2)
        elif self._innermost in ("code", "pre"):
            self._in_code()
        elif character == "\n" and self._innermost == "quote":
            self._next_line_of_quote()
        elif character == ">" and self._is_at_line_start() and not self._open:
            self._begin("quote", 1)
        elif character == "`":
            self._begin_code()
        elif character in _RESERVED:
            self._sign(character)
        else:
            self._text(character, 1)

    def _sign(self, character: str) -> None:
        if character == "]" and self._innermost in ("link", "emoji"):
            self._end_link()
            return
        if self._innermost == "quote" and self._next_is("||") and self._is_before_line_end(2):
            self._at += 2  # a quotation that is shown in part
            return
        for sign, sort in _SIGNS:
            if self._next_is(sign):
                self._end(len(sign)) if self._innermost == sort else self._begin(sort, len(sign))
                return
        if self._next_is("!["):
            self._begin("emoji", 2)
        elif character == "[":
            self._begin("link", 1)
        else:
            raise MarkupError(
                f"{self._place(self._at)}: “{character}” has a meaning in MarkdownV2. Write "
                f"\\{character} to show it."
            )

    def _in_code(self) -> None:
        sign = "```" if self._innermost == "pre" else "`"
        if self._next_is(sign):
            self._end(len(sign))
        elif self._source[self._at] == "`":
            raise MarkupError(f"{self._place(self._at)}: “`” within code has to be written as \\`.")
        else:
            self._text(self._source[self._at], 1)

    def _begin_code(self) -> None:
        if not self._next_is("```"):
            self._begin("code", 1)
            return
        self._begin("pre", 3)
        end = self._at
        while (
            end < len(self._source) and not self._source[end].isspace() and self._source[end] != "`"
        ):
            end += 1
        if end < len(self._source) and self._source[end] != "`":
            self._at = end  # the language
        if self._next_is("\n"):
            self._at += 1

    def _end_link(self) -> None:
        sort, began, where = self._open[-1]
        self._at += 1
        url: list[str] = []
        if self._next_is("("):
            at = self._at + 1
            while at < len(self._source) and self._source[at] != ")":
                if self._source[at] == "\\" and at + 1 < len(self._source):
                    at += 1
                url.append(self._source[at])
                at += 1
            if at >= len(self._source):
                raise MarkupError(
                    f"{self._place(self._at)}: the URL of a link never ends. Add “)”."
                )
            self._at = at + 1
        if sort == "emoji" and not self._is_emoji("".join(url)):
            raise MarkupError(
                f"{self._place(began)}: an emoji needs an address with its id, a whole number. "
                "Write it as ![👍](tg://emoji?id=…)."
            )
        self._pieces[where] = Open(sort, "".join(url))
        self._end()

    def _is_emoji(self, url: str) -> bool:
        """Whether it is the URL of one, or what stands for it in a template."""
        match = _EMOJI_URL.match(url)
        return self._is_emoji_id(match[1] if match else url)

    def _next_line_of_quote(self) -> None:
        if self._source.startswith("\n>", self._at):
            self._text("\n", 2)
        else:
            self._end()
            self._text("\n", 1)

    def _is_at_line_start(self) -> bool:
        """Nothing is shown in this line so far."""
        for piece in reversed(self._pieces):
            if isinstance(piece, str):
                return piece.endswith("\n")
        return True

    def _is_before_line_end(self, length: int) -> bool:
        return self._source[self._at + length : self._at + length + 1] in ("", "\n")

    def _text(self, shown: str, length: int) -> None:
        self._pieces.append(shown)
        self._at += length

    def _begin(self, sort: str, length: int) -> None:
        self._open.append((sort, self._at, len(self._pieces)))
        self._pieces.append(Open(sort))
        self._at += length

    def _end(self, length: int = 0) -> None:
        self._open.pop()
        self._pieces.append(Close())
        self._at += length
