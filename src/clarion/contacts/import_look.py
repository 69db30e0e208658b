"""What a page shows of an import's file: what was recognised, its first rows, what each column may
become, and the first lines that were left out."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from clarion.channels.models import Channel
from clarion.contacts import uploads
from clarion.contacts.attribute_types import SHORTENED
from clarion.contacts.import_mapping import guess, remembered
from clarion.contacts.import_run import ImportRefused, open_file
from clarion.contacts.imports import rejects_file
from clarion.contacts.models import Import
from clarion.contacts.rejects import Reject
from clarion.kit.csvfile import CsvError, CsvFile
from clarion.kit.encodings import NAMES

LOOKED: Final = 200  # rows that the types of new attributes are guessed from
SHOWN: Final = 3  # of them
_LONGEST = 40  # characters of a cell
_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The beginning of a file: at most six columns, long cells cut."""

    columns: list[str]
    rows: list[list[tuple[str, str]]]  # each cell with the title of its column


@dataclass(frozen=True, slots=True)
class ColumnLook:
    """One column: its title, its first cells, and what it probably becomes."""

    title: str
    cells: list[str]
    target: str  # as import_mapping stores it
    is_shortened: bool  # a spreadsheet has written a number of it as 4.9E+11


@dataclass(slots=True)
class Look:
    """What was recognised of a file before anything happens."""

    encoding: str
    delimiter: str
    is_named: bool  # whether a line “sep=” names the delimiter
    header_line: int
    is_remembered: bool  # the targets are those of the last import of such a file
    columns: list[ColumnLook] = field(default_factory=list)


def look_at(token: str, channel: Channel, mapping: Sequence[str] = ()) -> Look:
    """Look at an upload: ``mapping`` is what was chosen already. Raises ImportRefused.

    The file is looked at as a whole for its encoding alone; the import itself checks every line.
    """
    if not uploads.exists(token):
        raise ImportRefused("The upload is no longer available. Choose the file again.")
    file = open_file(uploads.path(token))
    try:
        rows = [cells for _, cells in islice(file.rows(), LOOKED)]
    except CsvError as error:
        raise ImportRefused(str(error)) from None
    earlier = None if mapping else remembered(file.columns)
    if earlier and f"address:{channel.pk}" not in earlier:  # another channel is meant this time
        earlier = None
    others = Channel.objects.exclude(pk=channel.pk).order_by("name")
    targets = mapping or earlier or guess(file.columns, rows, [channel, *others])
    look = Look(
        encoding=NAMES[file.encoding],
        delimiter=file.delimiter_name,
        is_named=file.is_delimiter_named,
        header_line=file.header_line,
        is_remembered=earlier is not None,
    )
    for position, (title, target) in enumerate(zip(file.columns, targets, strict=False)):
        cells = [row[position] for row in rows if position < len(row)]
        look.columns.append(
            ColumnLook(
                title,
                _cut(cells[:SHOWN]),
                target,
                any(SHORTENED.fullmatch(cell.strip()) for cell in cells),
            )
        )
    return look


def first_rows(row: Import, limit: int = SHOWN) -> FirstRows | None:
    """The first rows of an import's upload; None when it is not here, or can't be read."""
    if not row.upload or not uploads.exists(row.upload):
        return None
    try:
        file = open_file(uploads.path(row.upload))
        rows = [cells for _, cells in islice(file.rows(), limit)]
    except (CsvError, ImportRefused):  # the import itself says what is wrong
        return None
    titles = _cut(file.columns[:_COLUMNS])
    return FirstRows(
        titles, [list(zip(titles, _cut(cells[:_COLUMNS]), strict=False)) for cells in rows]
    )


def first_rejects(row: Import, limit: int = 10) -> list[Reject]:
    """The first lines that an import left out, once it has ended; empty when the file of them is
    not here."""
    path = rejects_file(row) if row.state not in Import.OPEN else None
    return first_of(path, limit) if path else []


def first_of(path: Path, limit: int = 10) -> list[Reject]:
    """The first lines of a file of rejected lines; empty when it can't be read."""
    try:
        cells = [cells for _, cells in islice(CsvFile(path).rows(), limit)]
    except (CsvError, OSError):  # it can still be downloaded
        return []
    return [Reject(int(line), value, reason) for line, value, reason in cells]


def _cut(cells: Sequence[str]) -> list[str]:
    return [cell if len(cell) <= _LONGEST else f"{cell[: _LONGEST - 1]}…" for cell in cells]
