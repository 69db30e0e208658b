"""What a text is as SMS: its encoding, how many messages it takes, and its bytes.

The alphabet and its extension table: 3GPP TS 23.038, 6.2.1 and 6.2.1.1. Lengths: a message carries
140 octets (3GPP TS 23.040, 9.2.3.24), which are 160 septets or 70 UTF-16 units; each part of a
longer text has a header of 6 octets with its reference and number, which leaves 153 or 67. Phones
put the parts together again, but only if neither an escape sequence nor a surrogate pair is cut in
two.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

Encoding = Literal["gsm7", "ucs2"]

_ESCAPE: Final = 0x1B
# By code, 0x00 to 0x7F; the escape code is no character.
_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F, "[": 0x3C, "~": 0x3D, "]": 0x3E,
    "|": 0x40, "€": 0x65,
}  # fmt: skip
_CODES: Final = {character: bytes([code]) for code, character in enumerate(_BASIC)}
del _CODES["\x1b"]
_CODES.update({character: bytes([_ESCAPE, code]) for character, code in _EXTENSION.items()})
_EXTENDED: Final = {code: character for character, code in _EXTENSION.items()}
_SINGLE: Final[dict[Encoding, int]] = {"gsm7": 160, "ucs2": 70}
_PART: Final[dict[Encoding, int]] = {"gsm7": 153, "ucs2": 67}
_GSM7: Final = re.compile(f"[{re.escape(''.join(_CODES))}]*")
_TWO_SEPTETS: Final = re.compile(f"[{re.escape(''.join(_EXTENSION))}]")
_TWO_UNITS: Final = re.compile("[\U00010000-\U0010ffff]")
# Characters that word processors and phones put in the place of one that the alphabet has. Nothing
# that belongs to a word is one of them: no letter, nor the middle dot of Catalan.
_LOOK_ALIKES: Final = {
    **dict.fromkeys("“”„‟«»″〝〞", '"'),
    **dict.fromkeys("‘’‚‛′`´ʼʹ‵", "'"),
    **dict.fromkeys("‐‑‒–—―−⁃", "-"),
    **dict.fromkeys("\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009", " "),
    **dict.fromkeys("\u200a\u202f\u205f\u3000\t", " "),
    **dict.fromkeys("\u200b\u200e\u200f\u2060\ufeff\u00ad", ""),
    **dict.fromkeys("\u2028\u2029\x0b\x85", "\n"),
    "‹": "<", "›": ">", "…": "...", "•": "-", "⁄": "/", "∕": "/", "×": "x",
    "˜": "~", "∼": "~", "ˆ": "^", "¦": "|", "‼": "!!", "⁇": "??", "⁈": "?!", "⁉": "!?",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Size:
    """How many SMS a text takes, and why."""

    encoding: Encoding
    lengths: tuple[int, ...]  # of each SMS, in septets or UTF-16 units; empty for an empty text

    @property
    def segments(self) -> int:
        """How many SMS are sent, and charged."""
        return len(self.lengths)

    @property
    def room(self) -> int:
        """How many more units fit without another SMS."""
        if not self.lengths:
            return _SINGLE[self.encoding]
        capacity = _SINGLE if len(self.lengths) == 1 else _PART
        return capacity[self.encoding] - self.lengths[-1]


def encoding_of(text: str) -> Encoding:
    """``gsm7`` if the alphabet or its extension has every character, else ``ucs2``."""
    return "gsm7" if _GSM7.fullmatch(text) else "ucs2"


def size_of(text: str) -> Size:
    """How many SMS the text takes. Quick: it is called for every recipient of a dry run."""
    encoding = encoding_of(text)
    length, part = _length(text, encoding), _PART[encoding]
    if length <= _SINGLE[encoding]:
        return Size(encoding, (length,) if length else ())
    if length == len(text):
        full, rest = divmod(length, part)
        return Size(encoding, (part,) * full + ((rest,) if rest else ()))
    return Size(encoding, tuple(_length(each, encoding) for each in _pieces(text, encoding)))


def split(text: str) -> tuple[str, ...]:
    """The text of each SMS; together they are the text. Empty for an empty one."""
    encoding = encoding_of(text)
    if _length(text, encoding) <= _SINGLE[encoding]:
        return (text,) if text else ()
    return tuple(_pieces(text, encoding))


def encode(text: str, encoding: Encoding) -> bytes:
    """The bytes of a text: one septet in each (unpacked), or UTF-16 with the high octet first.

    Raises ValueError for a text that has no such bytes. Half of a surrogate pair becomes “?”.
    """
    if encoding == "ucs2":
        return text.encode("utf-16-be", "replace")
    try:
        return b"".join([_CODES[character] for character in text])
    except KeyError as missing:
        raise ValueError(f"{missing} is not in the GSM alphabet") from None


def decode(octets: bytes, encoding: Encoding) -> str:
    """The text of some bytes, as ``encode`` makes them. Never raises.

    What is no character becomes U+FFFD. An escape before a code that the extension table does not
    have counts as the character of the basic table, as TS 23.038 demands of phones.
    """
    if encoding == "ucs2":
        return octets.decode("utf-16-be", "replace")
    characters, escaped = [], False
    for code in octets:
        if code == _ESCAPE and not escaped:
            escaped = True
            continue
        basic = _BASIC[code] if code < len(_BASIC) else "\ufffd"
        extended = _EXTENDED.get(code, " " if code == _ESCAPE else basic)
        characters.append(extended if escaped else basic)
        escaped = False
    return "".join(characters) + (" " if escaped else "")


def forcing(text: str) -> tuple[str, ...]:
    """The characters that the GSM alphabet lacks, each once, in the order of the text: because of
    them an SMS has room for 70 characters instead of 160."""
    return tuple(dict.fromkeys(each for each in text if each not in _CODES))


def counted_twice(text: str) -> tuple[str, ...]:
    """The characters that take the room of two, each once, in the order of the text."""
    pattern = _TWO_SEPTETS if encoding_of(text) == "gsm7" else _TWO_UNITS
    return tuple(dict.fromkeys(pattern.findall(text)))


def simplified(text: str) -> str:
    """The text with typographic characters replaced by those of the GSM alphabet.

    Only where that is enough: a text with letters of another alphabet, or an emoji, is sent as
    UCS-2 all the same, and stays as it was written.
    """
    if encoding_of(text) == "gsm7":
        return text
    composed = unicodedata.normalize("NFC", text)
    simple = composed.translate(_table())
    return simple if encoding_of(simple) == "gsm7" else text


def replacements(text: str) -> tuple[tuple[str, str], ...]:
    """What ``simplified`` replaces in this text, each once: a character and what it becomes."""
    if simplified(text) == text:
        return ()
    return tuple((each, _LOOK_ALIKES[each]) for each in dict.fromkeys(text) if each in _LOOK_ALIKES)


def _pieces(text: str, encoding: Encoding) -> Iterator[str]:
    """The text of each part of one that does not fit into a single SMS."""
    start, length, part = 0, 0, _PART[encoding]
    for at, character in enumerate(text):
        width = _width(character, encoding)
        if length + width > part:
            yield text[start:at]
            start, length = at, 0
        length += width
    yield text[start:]


def _length(text: str, encoding: Encoding) -> int:
    """How many septets or UTF-16 units the text has."""
    pattern = _TWO_SEPTETS if encoding == "gsm7" else _TWO_UNITS
    return len(text) + len(pattern.findall(text))


def _width(character: str, encoding: Encoding) -> int:
    return len(_CODES[character]) if encoding == "gsm7" else 1 + (character > "\uffff")


@cache
def _table() -> dict[int, str]:
    return {ord(character): simple for character, simple in _LOOK_ALIKES.items()}
