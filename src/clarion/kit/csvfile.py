"""CSV files from outside: read strictly, record by record, with bounded memory whatever the file.

A file is UTF-8 (byte-order marks are fine), or of another encoding that the caller names, with a
header row; cells are separated by commas, semicolons or tabs, whichever the header row uses, or a
first line ``sep=;`` names. What spreadsheets add is passed over: rows without anything in them, and
empty columns at the end. What is wrong with the file as a whole is a ``CsvError``; what is wrong
with one line is for the caller to judge.
"""

import codecs
import csv
import io
import re
from collections.abc import Iterator
from pathlib import Path

CELL_LIMIT = 64 * 1024  # characters
UTF8 = "utf-8-sig"
LINE_LIMIT = 1024 * 1024  # characters of one record, all its cells and lines together
COLUMN_LIMIT = 500
Row = tuple[int, list[str]]  # the number of its first line in the file, from 1; its cells
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab"}
_SEP = re.compile(r'"?sep=(.)"?\s*')  # as Excel reads and writes it
_BLOCK = 32 * 1024  # bytes; small, so that the position tells the truth

csv.field_size_limit(CELL_LIMIT)  # for the process: Clarion reads CSV nowhere else


class CsvError(ValueError):
    """The file can't be read as CSV: one sentence that names the line and says what to do."""


class CsvFile:
    """A CSV file whose header row has been read; ``rows`` may be gone through more than once."""

    def __init__(self, path: Path, encoding: str = UTF8) -> None:
        """Read the header row. Raises CsvError, and OSError when the file can't be opened."""
        self.path = path
        self.encoding = encoding
        self.size = path.stat().st_size  # bytes
        self.position = 0  # bytes that ``rows`` has taken in; a little ahead of what it gave out
        self.is_delimiter_named = False  # whether a first line names the delimiter
        self.delimiter = self._find_delimiter()
        self.header_line = 1  # its number in the file: empty lines may come before it
        self.columns = self._titles()

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words: comma, semicolon or tab."""
        return _DELIMITERS[self.delimiter]

    def rows(self) -> Iterator[Row]:
        """All records after the header row; empty ones are passed over. Raises CsvError."""
        records = self._records()
        next(records)
        width = len(self.columns)
        for line, cells in records:
            if len(cells) > width and not any(map(str.strip, cells[width:])):
                del cells[width:]
            yield line, cells

    def whole(self, row: Row) -> Row:
        """A record with a value for every column. Raises CsvError that names the line."""
        line, cells = row
        width = len(self.columns)
        if len(cells) != width:
            raise CsvError(
                f"Line {line} has too {'few' if len(cells) < width else 'many'} values: "
                f"{len(cells)}, with {width} columns in the header row. Correct the line."
            )
        return row

    def _find_delimiter(self) -> str:
        """Which delimiter the header row uses most, outside of quotes; a comma if none. Or the one
        that a line before it names."""
        title = next(_Lines(self).read(), "")
        if named := _SEP.fullmatch(title):
            self.is_delimiter_named = True
            if named[1] not in _DELIMITERS:
                raise CsvError(
                    f"The first line names “{named[1]}” as the separator. Save the file with "
                    "commas, semicolons or tabs."
                )
            return named[1]
        outside = "".join(title.split('"')[::2])
        return max(_DELIMITERS, key=outside.count)

    def _titles(self) -> list[str]:
        first = next(self._records(), None)
        if first is None:
            raise CsvError("The file is empty. Choose a file with a header row and rows below it.")
        self.header_line = first[0]
        titles = [title.strip() for title in first[1]]
        while not titles[-1]:
            titles.pop()
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
            if self.is_delimiter_named:
                next(reader, None)
                lines.record = line = reader.line_num + 1
            for cells in reader:
                if cells and (cells[0].strip() or any(map(str.strip, cells))):
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
        rest, line, record, length, last = "", 1, 1, 0, ""
        for block in self._blocks():
            if "\0" in block:
                line += _line_ends(block[: block.index("\0")], last)
                raise CsvError(f"Line {line} has a NUL character. Save the file as CSV again.")
            line += _line_ends(block, last)
            last = block[-1:]
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
        """The text of the file, without byte-order marks: programs put one before another."""
        decoder = codecs.getincrementaldecoder(self._file.encoding)()
        self._file.position = 0
        with self._file.path.open("rb") as raw:
            try:
                begins = True
                while block := raw.read(_BLOCK):
                    self._file.position += len(block)
                    text = decoder.decode(block)
                    yield text.lstrip("\ufeff") if begins else text
                    begins = False
                yield decoder.decode(b"", final=True)
            except UnicodeDecodeError as error:
                if self._file.encoding != UTF8:
                    raise CsvError(f"The file is broken: {error.reason}. Save it again.") from None
                raise CsvError(_not_utf8(self._file.path)) from None


def _line_ends(text: str, before: str) -> int:
    """How many lines end in a text; LF, CR LF and, as on old Macs, CR alone. ``before``: the
    character that it follows, for a CR LF may be cut in two."""
    ends = text.count("\n") + text.count("\r") - text.count("\r\n")
    return ends - (before == "\r" and text.startswith("\n"))


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
    line, read, last = 1, 0, ""
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
                line += _line_ends(error.object[: error.start].decode("latin-1"), last)
                offset = read - held + error.start + 1
                return f"Line {line}, byte {offset:,} of the file: this is not UTF-8. {advice}"
            if not block:
                raise CsvError("The file changed while it was being read. Try again.")
            line += _line_ends(block.decode("latin-1"), last)
            last = block[-1:].decode("latin-1")
            read += len(block)
