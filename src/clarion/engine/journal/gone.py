"""Reading the journals of workers that have ended, on this machine and since it was switched on.

A worker holds a lock on its journal for as long as it lives, frozen or not.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clarion.engine.journal.format import USED, USED_AT, Contents, boot_id, parse

UNFINISHED = 60.0  # seconds after which nobody is about to finish a file


@dataclass(frozen=True, slots=True)
class GoneJournal:
    """The journal of a worker that has ended, locked by this process."""

    token: str
    path: Path
    descriptor: int
    contents: Contents | None  # None: it can't be read
    is_believed: bool  # it is of this machine, since it was switched on, and no copy

    def mark_as_used(self) -> None:
        """Note that what it says is being carried out from now on."""
        os.pwrite(self.descriptor, USED, USED_AT)


@contextmanager
def gone_journals(folder: Path) -> Iterator[dict[str, GoneJournal]]:
    """The journals of workers that have ended, by token; nobody else gets them meanwhile."""
    journals: dict[str, GoneJournal] = {}
    try:
        for path in sorted(folder.glob("*.journal")):
            if journal := _locked(path):
                journals[journal.token] = journal
        _delete_unfinished(folder)
        yield journals
    finally:
        for journal in journals.values():
            os.close(journal.descriptor)


def _locked(path: Path) -> GoneJournal | None:
    """A journal whose worker has ended; None where it lives, or somebody else reads it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        inode = os.fstat(descriptor).st_ino
        if path.stat().st_ino == inode:  # else its worker has begun a new file just now
            contents = parse(_read(descriptor))
            is_believed = contents is not None and (
                (contents.head.boot, contents.head.inode) == (boot_id(), inode)
            )
            return GoneJournal(path.stem, path, descriptor, contents, is_believed)
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _read(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as file:
        return file.read()


def _delete_unfinished(folder: Path) -> None:
    """Delete what a worker began to write and never finished."""
    for path in folder.glob("*.new"):
        try:
            if time.time() - path.stat().st_mtime > UNFINISHED:
                path.unlink()
        except FileNotFoundError:
            continue
