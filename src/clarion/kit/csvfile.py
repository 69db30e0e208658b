"""CSV files from outside: read strictly, line by line, with bounded memory whatever the file.

A file is UTF-8 (a byte-order mark is fine) with a title line; cells are separated by commas,
semicolons or tabs, whichever the title line uses. What is wrong with the file as a whole is a
``CsvError``; what is wrong with one line is for the caller to judge.
"""

import codecs
import csv
import io
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

CELL_LIMIT = 64 * 1024  # characters
LINE_LIMIT = 1024 * 1024  # characters of one record, all its cells and lines together
COLUMN_LIMIT = 500
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_BLOCK = 1024 * 1024

csv.field_size_limit(2 * LINE_LIMIT)  # ours is checked per cell, with a sentence of its own


class CsvError(ValueError):
    """The file can't be read as CSV: one sentence that names the line and says what to do."""


class Row(NamedTuple):
    """One record; ``line`` is the number of its first line in the file, from 1."""

    line: int
    cells: list[str]


class CsvFile:
    """A CSV file whose title line has been read; ``rows`` may be gone through more than once."""

    def __init__(self, path: Path) -> None:
        """Read the title line. Raises CsvError, and OSError when the file can't be opened."""
        self.path = path
        self.size = path.stat().st_size  # bytes
        with _Lines(path) as lines:
            self.delimiter = _delimiter(lines.read())
        self.columns = self._titles()

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words: comma, semicolon or tab."""
        return _DELIMITERS[self.delimiter]

    @property
    def position(self) -> int:
        """Bytes of the file that ``rows`` has taken in; a little ahead of what it gave out."""
        return self.size if self._lines.raw.closed else self._lines.raw.tell()

    def rows(self) -> Iterator[Row]:
        """All records after the title line; empty lines are passed over. Raises CsvError."""
        with closing(self._records()) as records:
            next(records)  # the title line
            yield from records

    def _titles(self) -> list[str]:
        with closing(self._records()) as records:
            first = next(records, None)
        if first is None:
            raise CsvError(f"{self.path.name} is empty. Choose a file with a title line and rows.")
        titles = [title.strip() for title in first.cells]
        if len(titles) > COLUMN_LIMIT:
            raise CsvError(_too_many_columns(len(titles)))
        for number, title in enumerate(titles, 1):
            if not title:
                raise CsvError(f"Column {number} has no title. Give every column one.")
            if title in titles[: number - 1]:
                raise CsvError(f"Two columns are called “{title[:100]}”. Rename one of them.")
        return titles

    def _records(self) -> Generator[Row]:
        with _Lines(self.path) as lines:
            self._lines = lines
            reader = csv.reader(lines.read(), delimiter=self.delimiter, strict=True)
            while True:
                lines.record = line = reader.line_num + 1
                lines.characters = 0
                try:
                    cells = next(reader)
                except StopIteration:
                    return
                except csv.Error as error:
                    raise CsvError(_quoting(error, line)) from None
                if lines.characters > CELL_LIMIT and max(map(len, cells)) > CELL_LIMIT:
                    raise CsvError(
                        f"Line {line} has a cell of more than {CELL_LIMIT:,} characters. Shorten "
                        'it, or close its quote (").'
                    )
                if cells:
                    yield Row(line, cells)


class _Lines:
    """The lines of a file, their ends included, as the csv module wants them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.raw = path.open("rb")
        self._text = io.TextIOWrapper(self.raw, "utf-8-sig", newline="")
        self.record = 1  # the first line of the record that is being read
        self.characters = 0  # of that record so far

    def __enter__(self) -> "_Lines":
        return self

    def __exit__(self, *_: object) -> None:
        self._text.close()

    def read(self) -> Iterator[str]:
        """Each line. Raises CsvError for what no line may be."""
        readline = self._text.readline
        try:
            while line := readline(LINE_LIMIT + 1):
                self.characters += len(line)
                if self.characters > LINE_LIMIT:
                    raise CsvError(self._too_long(line))
                if "\0" in line:
                    raise CsvError(
                        f"Line {self.record} has a NUL character. Save the file as CSV again."
                    )
                yield line
        except UnicodeDecodeError:
            raise CsvError(_not_utf8(self._path)) from None

    def _too_long(self, line: str) -> str:
        columns = max(line.count(delimiter) for delimiter in _DELIMITERS) + 1
        if self.record == 1 and columns > COLUMN_LIMIT:
            return _too_many_columns(columns)
        return (
            f"Line {self.record} is longer than {LINE_LIMIT:,} characters. Shorten it, or close "
            'its quote (").'
        )


def _delimiter(lines: Iterator[str]) -> str:
    """Which delimiter the title line uses most, outside of quotes; a comma if none."""
    title = next(lines, "")
    outside = "".join(title.split('"')[::2])
    return max(_DELIMITERS, key=outside.count)


def _too_many_columns(least: int) -> str:
    return (
        f"The title line has {least:,} columns or more; at most {COLUMN_LIMIT} are possible. "
        "Leave out what you don't need."
    )


def _quoting(error: csv.Error, line: int) -> str:
    if "unexpected end of data" in str(error):
        return f'Line {line} opens a quote (") that is never closed. Close it.'
    if "expected after" in str(error):
        return (
            f"Line {line} has something between a closing quote and the end of the cell. "
            'Write a quote inside a cell twice ("").'
        )
    return f"Line {line} can't be read as CSV: {error}. Correct it."


def _not_utf8(path: Path) -> str:
    """A sentence that names the first place that is not UTF-8; reads the file again for it."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, read = 1, 0
    advice = "Save the file as “CSV UTF-8”."
    with path.open("rb") as file:
        while True:
            block = file.read(_BLOCK)
            if not read and block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                return f"Line 1, byte 1: this is UTF-16, not UTF-8. {advice}"
            held = len(decoder.getstate()[0])  # half a character from the block before
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line += error.object.count(b"\n", 0, error.start)
                place = read - held + error.start + 1
                return f"Line {line}, byte {place:,} of the file: this is not UTF-8. {advice}"
            if not block:
                raise CsvError("The file changed while it was being read. Try again.")
            line += block.count(b"\n")
            read += len(block)
