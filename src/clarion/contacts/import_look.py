"""What a page shows of an import's file: its first rows, and the first lines that were left out."""

from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from clarion.contacts import uploads
from clarion.contacts.imports import rejects_file
from clarion.contacts.models import Import
from clarion.contacts.rejects import Reject
from clarion.kit.csvfile import CsvError, CsvFile

_LONGEST = 40  # characters of a cell
_COLUMNS = 6


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The beginning of a file: at most six columns, long cells cut."""

    columns: list[str]
    rows: list[list[tuple[str, str]]]  # each cell with the title of its column


def first_rows(row: Import, limit: int = 3) -> FirstRows | None:
    """The first rows of an import's upload; None when it is not here, or can't be read."""
    if not row.upload or not uploads.exists(row.upload):
        return None
    try:
        file = CsvFile(uploads.path(row.upload))
        rows = [cells for _, cells in islice(file.rows(), limit)]
    except (CsvError, OSError):  # the import itself says what is wrong
        return None
    titles = _cut(file.columns)
    return FirstRows(titles, [list(zip(titles, _cut(cells), strict=False)) for cells in rows])


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


def _cut(cells: list[str]) -> list[str]:
    return [
        cell if len(cell) <= _LONGEST else f"{cell[: _LONGEST - 1]}…" for cell in cells[:_COLUMNS]
    ]
