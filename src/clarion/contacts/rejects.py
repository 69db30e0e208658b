"""Lines of a file that were not taken: written to a CSV file as they come, never collected."""

import csv
from pathlib import Path
from typing import IO, Any, NamedTuple

from clarion.kit import sheets

SHOWN = 1_000  # of them are kept for showing
_LONGEST = 200  # characters of a value that is shown


class Reject(NamedTuple):
    """One line that was not taken; ``value`` is its user id as far as it could be read."""

    line: int
    value: str
    reason: str


class Rejects:
    """Counts rejected lines, keeps the first of them, and writes all to a file, if one is given.

    The file is made with the first line that is rejected.
    """

    def __init__(self, path: Path | None, *, kept: int = 0) -> None:
        """``kept``: bytes of the file that an earlier run wrote for good; what follows is cut."""
        self.path = path
        self._kept = kept
        self.count = 0
        self.shown: list[Reject] = []
        self._file: IO[str] | None = None
        self._writer: Any = None

    def add(self, line: int, value: str, reason: str) -> None:
        """Note a line. Raises OSError when the file can't be written."""
        reject = Reject(line, value[:_LONGEST], reason)
        self.count += 1
        if len(self.shown) < SHOWN:
            self.shown.append(reject)
        if self.path is None:
            return
        if self._file is None:
            self._file = self.path.open("r+" if self._kept else "w", encoding="utf-8", newline="")
            self._writer = csv.writer(self._file)
            if self._kept:
                self._file.seek(self._kept)
                self._file.truncate()
            else:
                self._writer.writerow(["line", "value", "reason"])
        self._writer.writerow([line, sheets.defused(value[:_LONGEST]), sheets.defused(reason)])

    def flush(self) -> int:
        """Bring the file up to date; return its size in bytes. Raises OSError."""
        if self._file is None:
            return self._kept
        self._file.flush()
        return self._file.tell()

    def close(self) -> None:
        """Finish the file. Raises OSError."""
        if self._file is not None:
            self._file.close()
