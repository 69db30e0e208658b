"""CSV that is streamed, and that a spreadsheet opens without running any of it."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from clarion.kit import clock

LINES_AT_ONCE = 1_000
# What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = frozenset("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")
_to_quote = re.compile(r'[",\r\n]').search


def safe(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    if text and text[0] in _FORMULA and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def cell(text: str) -> str:
    """A text from outside as a cell: safe, and in quotes where it needs them (RFC 4180)."""
    text = safe(text)
    if _to_quote(text):
        return '"' + text.replace('"', '""') + '"'
    return text


def cells(texts: Iterable[str]) -> str:
    """Cells side by side."""
    return ",".join(map(cell, texts))


def moments(zone: str) -> Callable[[int], str]:
    """A function that writes microseconds since 1970 as ISO 8601 with the zone's offset.

    Raises ValueError for an unknown zone.
    """
    local = clock.zone(zone)
    last, ahead, behind = -1, "", ""

    def write(at: int) -> str:
        # Moments come in order: most lie in the same second as the one before.
        nonlocal last, ahead, behind
        second, rest = divmod(at, clock.SECOND)
        if second != last:
            text = clock.from_us(second * clock.SECOND).astimezone(local).isoformat()
            last, ahead, behind = second, text[:19], text[19:]
        return f"{ahead}.{rest:06d}{behind}"

    return write


def stream(header: Sequence[str], lines: Iterable[str]) -> Iterator[bytes]:
    """A CSV file in UTF-8, a thousand lines at a time, of lines that are made of cells already.

    Writing lines out oneself takes a third of the time of the csv module.
    """
    lines = iter(lines)
    text = cells(header) + "\r\n"
    while block := list(islice(lines, LINES_AT_ONCE)):
        yield (text + "\r\n".join(block) + "\r\n").encode()
        text = ""
    if text:
        yield text.encode()
