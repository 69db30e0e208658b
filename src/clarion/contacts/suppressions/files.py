"""Importing the suppression list from a CSV file of any size."""

from collections.abc import Callable
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
from clarion.kit.csvfile import CsvError, CsvFile

CHUNK = 10_000  # lines of one transaction
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
    most: int | None = None,
    progress: Progress = lambda done, total: None,
    by: Agent | str,
) -> Imported:
    """Put the addresses and patterns of a file on the list.

    Columns: ``address`` (or ``pattern``), and perhaps ``kind``, ``reason`` and ``note``; others are
    passed over. ``kind`` and ``reason`` are those of lines without one. What is wrong with a line
    is written to ``rejects`` with its number. A file of more than ``most`` lines is refused.
    ``filename``: its name in the audit log. Raises SuppressionError for what is wrong with the
    whole file, and OSError.
    """
    try:
        file = CsvFile(path)
        places = _places(file.columns, kind, reason)
        _check(file, most)
        reader = _Reader(file, places, kind, reason, Rejects(rejects), by)
        try:
            for line, cells in file.rows():
                reader.take(line, cells)
                if reader.is_full:
                    reader.write()
                    progress(file.position, file.size)
            reader.write()
        finally:
            reader.rejects.close()
    except CsvError as error:
        raise SuppressionError(str(error)) from None
    progress(file.size, file.size)
    outcome = reader.outcome
    outcome.rejected, outcome.first_rejects = reader.rejects.count, reader.rejects.shown
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


def _check(file: CsvFile, most: int | None) -> None:
    """Go through the whole file, so that nothing is written of one that breaks off."""
    lines = sum(1 for _ in file.rows())
    if not lines:
        raise SuppressionError("The file has a header row and nothing below it.")
    if most is not None and lines > most:
        raise SuppressionError(
            f"The file has {lines:,} lines; a page takes {most:,}. Split it, or use the command "
            "clarion suppressions import."
        )


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


class _Reader:
    """Reads lines, and writes their entries a chunk at a time."""

    def __init__(
        self, file: CsvFile, places: dict[str, int], kind: str, reason: str, rejects: Rejects,
        by: Agent | str,
    ) -> None:  # fmt: skip
        self.outcome = Imported()
        self.rejects = rejects
        self._width = len(file.columns)
        self._places = places
        self._usual = {"kind": kind, "reason": reason, "note": ""}
        self._by = by
        self._entries: dict[tuple[str, str, str], Entry] = {}

    @property
    def is_full(self) -> bool:
        """Whether a chunk is complete."""
        return len(self._entries) >= CHUNK

    def take(self, line: int, cells: list[str]) -> None:
        """Read one line."""
        self.outcome.lines += 1
        if len(cells) != self._width:
            fault = "too few" if len(cells) < self._width else "too many"
            self.rejects.add(line, cells[0] if cells else "", f"{fault} cells: {len(cells)}")
            return
        pattern = cells[self._places["address"]].strip()
        if sheets.defused(pattern[1:]) == pattern:  # as an export of ours writes it
            pattern = pattern[1:]
        facts = {
            name: (cells[self._places[name]].strip() if name in self._places else "") or usual
            for name, usual in self._usual.items()
        }
        reason = facts["reason"].lower().replace(" ", "_")
        try:
            entry = Entry.read(pattern, facts["kind"].lower(), reason, facts["note"])
        except (SuppressionError, UnknownKind) as error:
            self.rejects.add(line, pattern, str(error))
            return
        key = (entry.kind, entry.match, entry.value)
        self.outcome.known += key in self._entries
        self._entries[key] = entry

    def write(self) -> None:
        """Write what was read; it has an effect from then on."""
        if not self._entries:
            return
        with db.write():
            added = store(list(self._entries.values()), Suppression.Source.IMPORT, self._by)
        apply_pending()
        self.outcome.added += added
        self.outcome.known += len(self._entries) - added
        self._entries.clear()
