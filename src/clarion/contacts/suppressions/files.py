"""Importing the suppression list from a CSV file of any size."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.errors import UnknownKind
from clarion.contacts.models import Suppression
from clarion.contacts.rejects import Reject, Rejects
from clarion.contacts.suppressions.entries import Entry, SuppressionError, store
from clarion.contacts.suppressions.matching import apply_pending
from clarion.kit import db, sheets
from clarion.kit.batches import batches
from clarion.kit.csvfile import CsvError, CsvFile, Row

CHUNK = 2_000  # lines of one transaction
ADDRESS_TITLES = ("address", "pattern", "email", "phone", "user_id", "id")
Progress = Callable[[int, int], None]  # bytes of the file that are done, and all


@dataclass(slots=True)
class Imported:
    """What became of the lines of a file."""

    lines: int = 0
    added: int = 0
    known: int = 0  # on the list already; they have the reason and note of the file now
    rejected: int = 0
    first_rejects: list[Reject] = field(default_factory=list)


def import_entries(
    path: Path,
    *,
    kind: str = "",
    reason: str = "",
    rejects: Path | None = None,
    filename: str = "",
    progress: Progress = lambda done, total: None,
    by: Agent | str,
) -> Imported:
    """Put the addresses and patterns of a file on the list.

    Columns: ``address`` (or ``pattern``), and perhaps ``kind``, ``reason`` and ``note``; others are
    passed over. A cell may name several kinds, separated by commas. ``kind`` and ``reason`` are
    those of lines without one. What is wrong with a line is written to ``rejects`` with its number.
    ``filename``: its name in the audit log. Raises
    SuppressionError for what is wrong with the whole file, and OSError.
    """
    try:
        file = EntryFile(path, kind, reason)
        file.count_lines()
        outcome, rejected = Imported(), Rejects(rejects)
        try:
            for rows in batches(file.csv.rows(), CHUNK):
                with db.write():
                    file.import_rows(rows, outcome, rejected, by)
                apply_pending()
                progress(file.csv.position, file.csv.size)
        finally:
            rejected.close()
    except CsvError as error:
        raise SuppressionError(str(error)) from None
    progress(file.csv.size, file.csv.size)
    outcome.rejected, outcome.first_rejects = rejected.count, rejected.shown
    audit.note(
        "suppression.import",
        "suppressions",
        by,
        file=filename or path.name,
        added=outcome.added,
        known=outcome.known,
        rejected=outcome.rejected,
    )
    return outcome


class EntryFile:
    """A file of entries, and what its columns mean."""

    def __init__(self, path: Path, kind: str, reason: str) -> None:
        """Raises SuppressionError, CsvError and OSError for what is wrong with the whole file."""
        self.csv = CsvFile(path)
        self._places = _places(self.csv.columns, kind, reason)
        self._usual = {"kind": kind, "reason": reason, "note": ""}

    def count_lines(self) -> int:
        """Go through the whole file, so that nothing is written of one that breaks off.

        Returns their number. Raises SuppressionError for one without lines, and CsvError.
        """
        lines = sum(1 for _ in self.csv.rows())
        if not lines:
            raise SuppressionError("The file has a header row and nothing below it.")
        return lines

    def import_rows(
        self, rows: Sequence[Row], outcome: Imported, rejects: Rejects, by: Agent | str
    ) -> None:
        """Put the entries of some lines on the list, in the caller's transaction, and count them.

        They take effect when it commits; call ``apply_pending`` after that. What is rejected is
        not counted in ``outcome``, but in ``rejects``.
        """
        entries: dict[tuple[str, str, str], Entry] = {}
        for line, cells in rows:
            outcome.lines += 1
            for entry in self._read(line, cells, rejects):
                key = (entry.kind, entry.match, entry.value)
                outcome.known += key in entries
                entries[key] = entry
        if entries:
            added = store(list(entries.values()), Suppression.Source.IMPORT, by)
            outcome.added += added
            outcome.known += len(entries) - added

    def _read(self, line: int, cells: list[str], rejects: Rejects) -> list[Entry]:
        """The entries of one line, one for each kind; none of one that is rejected."""
        width = len(self.csv.columns)
        if len(cells) != width:
            fault = "too few" if len(cells) < width else "too many"
            rejects.add(line, cells[0] if cells else "", f"{fault} cells: {len(cells)}")
            return []
        pattern = cells[self._places["address"]].strip()
        if sheets.defused(pattern[1:]) == pattern:  # as an export of ours writes it
            pattern = pattern[1:]
        facts = {
            name: (cells[self._places[name]].strip() if name in self._places else "") or usual
            for name, usual in self._usual.items()
        }
        reason = facts["reason"].lower().replace(" ", "_")
        try:
            return [
                Entry.read(pattern, kind.strip(), reason, facts["note"])
                for kind in facts["kind"].lower().split(",")
            ]
        except (SuppressionError, UnknownKind) as error:
            rejects.add(line, pattern, str(error))
            return []


def _places(columns: list[str], kind: str, reason: str) -> dict[str, int]:
    titles = {title.strip().lower(): column for column, title in enumerate(columns)}
    optional = ("kind", "reason", "note")
    places: dict[str, int] = {name: titles[name] for name in optional if name in titles}
    address = next((titles[title] for title in ADDRESS_TITLES if title in titles), None)
    if address is None and len(columns) == 1:
        address = 0
    if address is None:
        raise SuppressionError(
            "Give the column of addresses the title “address”. The columns are: "
            f"{', '.join(columns[:20])}."
        )
    for name, value in (("kind", kind), ("reason", reason)):
        if name not in places and not value:
            raise SuppressionError(f"The file has no column “{name}”. Choose the {name} for all.")
    return {**places, "address": address}
