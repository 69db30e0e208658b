"""Patterns of codes: ``SPRING-####-????`` makes codes such as SPRING-4829-KXWT.

``#`` is a digit, ``?`` a letter, ``*`` either of them; everything else stands for itself. Signs
that are taken for one another (0 and O, 1 and I and L) do not occur unless a pool allows them.
"""

import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from clarion.codes.errors import CodeError
from clarion.codes.models import LONGEST_CODE

GUESSES: Final = 1_000  # possible codes for each one that there is: a guess hits one in so many
_LETTERS: Final = b"ABCDEFGHJKMNPQRSTUVWXYZ"
_SIGNS: Final = {
    False: {"#": b"23456789", "?": _LETTERS, "*": b"23456789" + _LETTERS},
    True: {
        "#": b"0123456789",
        "?": b"ABCDEFGHIJKLMNOPQRSTUVWXYZ",
        "*": b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    },
}
_ALLOWED = re.compile(r"[A-Z0-9#?*._/+-]+")


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that has been checked."""

    text: str
    look_alikes: bool

    @property
    def possible(self) -> int:
        """How many different codes it can make."""
        signs, count = _SIGNS[self.look_alikes], 1
        for sign in self.text:
            count *= len(signs.get(sign, b"x"))
        return count

    def holds(self, count: int) -> bool:
        """Whether ``count`` codes leave a guess less than one chance in GUESSES."""
        return self.possible >= count * GUESSES

    def check_holds(self, count: int) -> None:
        """Raise CodeError that says how to make the pattern longer, unless it ``holds`` them."""
        if self.holds(count):
            return
        needed = count * GUESSES
        size = len(_SIGNS[self.look_alikes]["?"])
        missing, more = self.possible, 0
        while missing < needed:
            missing, more = missing * size, more + 1
        raise CodeError(
            f"“{self.text}” can make {self.possible:,} different codes. For {count:,} codes that "
            f"can't be guessed, {needed:,} are needed. Add {more} more “?”."
        )

    @property
    def sample(self) -> str:
        """One code, the same each time: for showing what codes look like."""
        signs = _SIGNS[self.look_alikes]
        return "".join(
            chr(signs[sign][index % len(signs[sign])]) if sign in signs else sign
            for index, sign in enumerate(self.text)
        )

    def codes(self, count: int) -> list[str]:
        """That many codes at random; some may be alike."""
        signs = _SIGNS[self.look_alikes]
        places = [
            _random(signs[sign], count) if sign in signs else sign * count for sign in self.text
        ]
        return ["".join(code) for code in zip(*places, strict=True)]


def parse(text: str, *, look_alikes: bool = False) -> Pattern:
    """Check a pattern; small letters become capitals. Raises CodeError."""
    text = text.strip().upper()
    if not text:
        raise CodeError("Give the pool a pattern, such as SPRING-####-????.")
    if len(text) > LONGEST_CODE:
        raise CodeError(f"A code has at most {LONGEST_CODE} characters. Shorten the pattern.")
    if not _ALLOWED.fullmatch(text):
        raise CodeError(
            "A pattern consists of the letters A to Z, digits, the characters - . _ / + and the "
            "placeholders # (a digit), ? (a letter) and * (either)."
        )
    return Pattern(text, look_alikes)


def _random(alphabet: bytes, count: int) -> str:
    """So many signs of an alphabet, each as likely as any other."""
    return b"".join(_signs(alphabet, count)).decode()[:count]


def _signs(alphabet: bytes, count: int) -> Iterator[bytes]:
    # One system call and one table look-up for all of them. Bytes past the last full round of the
    # alphabet are dropped, so that no sign is more likely than another.
    full = 256 - 256 % len(alphabet)
    table = bytes(alphabet[byte % len(alphabet)] for byte in range(256))
    surplus = bytes(range(full, 256))
    while count > 0:
        signs = secrets.token_bytes(count + count // 4 + 16).translate(table, surplus)
        yield signs
        count -= len(signs)
