"""CSV that is streamed, and that a spreadsheet opens without running any of it."""

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

ROWS_AT_ONCE = 1_000
# What spreadsheets take for the beginning of a formula (OWASP, "CSV Injection").
_FORMULA = frozenset("=+-@\t\r")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?")


def safe(text: str) -> str:
    """The text with an apostrophe before it where a spreadsheet would take it for a formula."""
    if text and text[0] in _FORMULA and not _NUMBER.fullmatch(text):
        return "'" + text
    return text


def stream(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Iterator[bytes]:
    """A CSV file in UTF-8, a thousand rows at a time. Texts from outside go through ``safe``."""
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(header)
    rows = iter(rows)
    while block := list(islice(rows, ROWS_AT_ONCE)):
        writer.writerows(block)
        yield buffer.getvalue().encode()
        buffer.seek(0)
        buffer.truncate()
    if rest := buffer.getvalue():
        yield rest.encode()
