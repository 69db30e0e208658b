"""Clicks that the database can't take at the moment, in a file until it can.

A person who clicks is led on whatever the database does, and the click is kept: it is in the file,
and the file on the disk, before the answer. A file belongs to the process that writes it, by a lock
that ends with the process; whoever comes next writes what it left to the database.
"""

import fcntl
import json
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import astuple
from pathlib import Path
from typing import IO, Final

from clarion.clicks.store import Visit
from clarion.kit import ids

FOLDER: Final = "clicks"  # in the data folder
AT_ONCE: Final = 500  # clicks of one transaction
Store = Callable[[Sequence[Visit]], object]


class Spool:
    """The clicks of a process that are not in the database yet. For any number of threads."""

    def __init__(self, data: Path) -> None:
        """``data``: the data folder."""
        self._folder = data / FOLDER
        self._lock = threading.Lock()
        self._file: IO[str] | None = None

    def append(self, visit: Visit) -> None:
        """Keep a click; it is on the disk afterwards. Raises OSError, for example on a full disk.

        After that the next click begins another file: a line cut in its middle ends this one.
        """
        line = json.dumps(astuple(visit)) + "\n"
        with self._lock:
            if self._file is None:
                self._file = self._opened()
            try:
                self._file.write(line)
                self._file.flush()
                os.fsync(self._file.fileno())
            except OSError:
                self._leave()
                raise

    def drain(self, store: Store) -> int:
        """Give all clicks that no other process is writing down to ``store``; return how many.

        Raises what ``store`` raises; what it has not taken then stays. It may get the same click
        twice, when a process ended between its commit and the deletion of the file.
        """
        with self._lock:
            self._leave()
        drained = 0
        for path in sorted(self._folder.glob("*.jsonl")) if self._folder.is_dir() else ():
            drained += _drain_file(path, store)
        return drained

    def _leave(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):  # of a line that append has refused: it is lost and said so
                file.close()

    def _opened(self) -> IO[str]:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        while True:
            path = self._folder / f"{os.getpid()}-{ids.token()}.jsonl"
            file = path.open("x", encoding="utf-8")
            fcntl.flock(file, fcntl.LOCK_EX)
            if path.exists():  # else somebody has drained it, empty, before it was locked
                break
            file.close()
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        return file


def _drain_file(path: Path, store: Store) -> int:
    try:
        file = path.open(encoding="utf-8")
    except FileNotFoundError:  # another process was quicker
        return 0
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # its owner writes it still
            return 0
        # What a crash cut off was never answered.
        visits = [Visit(*json.loads(line)) for line in file if line.endswith("\n")]
        for start in range(0, len(visits), AT_ONCE):
            store(visits[start : start + AT_ONCE])
        path.unlink(missing_ok=True)
    return len(visits)
