"""CSV files from outside: read strictly, record by record, with bounded memory whatever the file.

A file is UTF-8 (a byte-order mark is fine) with a header row; cells are separated by commas,
semicolons or tabs, whichever the header row uses. What is wrong with the file as a whole is a
``CsvError``; what is wrong with one line is for the caller to judge.
"""

import codecs
import csv
import io
from collections.abc import Iterator
from pathlib import Path

CELL_LIMIT = 64 * 1024  # characters
LINE_LIMIT = 1024 * 1024  # characters of one record, all its cells and lines together
COLUMN_LIMIT = 500
Row = tuple[int, list[str]]  # the number of its first line in the file, from 1; its cells
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_BLOCK = 32 * 1024  # bytes; small, so that the position tells the truth

csv.field_size_limit(CELL_LIMIT)  # for the process: Clarion reads CSV nowhere else


class CsvError(ValueError):
    """The file can't be read as CSV: one sentence that names the line and says what to do."""


class CsvFile:
    """A CSV file whose header row has been read; ``rows`` may be gone through more than once."""

    def __init__(self, path: Path) -> None:
        """Read the header row. Raises CsvError, and OSError when the file can't be opened."""
        self.path = path
        self.size = path.stat().st_size  # bytes
        self.position = 0  # bytes that ``rows`` has taken in; a little ahead of what it gave out
        self.delimiter = self._find_delimiter()
        self.header_line = 1  # its number in the file: empty lines may come before it
        self.columns = self._titles()

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words: comma, semicolon or tab."""
        return _DELIMITERS[self.delimiter]

    def rows(self) -> Iterator[Row]:
        """All records after the header row; empty lines are passed over. Raises CsvError."""
        records = self._records()
        next(records)
        return records

    def _find_delimiter(self) -> str:
        """Which delimiter the header row uses most, outside of quotes; a comma if none."""
        title = next(_Lines(self).read(), "")
        outside = "".join(title.split('"')[::2])
        return max(_DELIMITERS, key=outside.count)

    def _titles(self) -> list[str]:
        first = next(self._records(), None)
        if first is None:
            raise CsvError("The file is empty. Choose a file with a header row and rows below it.")
        self.header_line = first[0]
        titles = [title.strip() for title in first[1]]
        if len(titles) > COLUMN_LIMIT:
            raise CsvError(_too_many_columns(len(titles)))
        for number, title in enumerate(titles, 1):
            if not title:
                raise CsvError(f"Column {number} has no title. Give every column one.")
            if title in titles[: number - 1]:
                raise CsvError(f"Two columns are called “{title[:100]}”. Rename one of them.")
        return titles

    def _records(self) -> Iterator[Row]:
        lines = _Lines(self)
        reader = csv.reader(lines.read(), delimiter=self.delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                lines.record = line = reader.line_num + 1
        except csv.Error as error:
            raise CsvError(_fault(error, line)) from None


class _Lines:
    """The lines of a file, their ends included, as the csv module wants them.

    What must hold for every character is checked block by block; a Python step for each line
    would take longer than parsing it.
    """

    def __init__(self, file: CsvFile) -> None:
        self._file = file
        self.record = 1  # the line where the record begins that is being read

    def read(self) -> Iterator[str]:
        """Each line. Raises CsvError for what no record may be."""
        rest, line, record, length = "", 1, 1, 0
        for block in self._blocks():
            if "\0" in block:
                line += block.count("\n", 0, block.index("\0"))
                raise CsvError(f"Line {line} has a NUL character. Save the file as CSV again.")
            line += block.count("\n")
            # A record that was open at the last block and still is has taken in all of that.
            length = length + len(block) if record == self.record else len(block)
            record = self.record
            if length > LINE_LIMIT:
                raise CsvError(_too_long(record, rest + block))
            # A line may also end in a carriage return alone, unless a line feed is still to come.
            if end := max(block.rfind("\n"), block.rfind("\r", 0, -1)) + 1:
                yield from io.StringIO(rest + block[:end], newline="")
                rest = block[end:]
            else:
                rest += block
        yield from io.StringIO(rest, newline="")

    def _blocks(self) -> Iterator[str]:
        """The text of the file, without a byte-order mark."""
        decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._file.position = 0
        with self._file.path.open("rb") as raw:
            try:
                while block := raw.read(_BLOCK):
                    self._file.position += len(block)
                    yield decoder.decode(block)
                yield decoder.decode(b"", final=True)
            except UnicodeDecodeError:
                raise CsvError(_not_utf8(self._file.path)) from None


def _too_long(record: int, text: str) -> str:
    columns = max(text.count(delimiter) for delimiter in _DELIMITERS) + 1
    if record == 1 and columns > COLUMN_LIMIT:
        return _too_many_columns(columns)
    return (
        f"Line {record} is longer than {LINE_LIMIT:,} characters. Shorten it, or close its quote "
        '(").'
    )


def _too_many_columns(least: int) -> str:
    return (
        f"The header row has {least:,} columns or more; at most {COLUMN_LIMIT} are possible. "
        "Leave out what you don't need."
    )


def _fault(error: csv.Error, line: int) -> str:
    if "field limit" in str(error):
        return (
            f"Line {line} has a cell of more than {CELL_LIMIT:,} characters. Shorten it, or close "
            'its quote (").'
        )
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
