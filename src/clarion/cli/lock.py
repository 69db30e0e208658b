"""The right to run workers on a data folder: one holder at a time, for as long as it lives."""

import errno
import fcntl
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from clarion.cli.failures import Failed

if TYPE_CHECKING:
    from clarion.config import Settings

PATIENCE = 5.0  # seconds: workers that a killed parent left behind end within these
PAUSE = 0.05


@dataclass(frozen=True, slots=True)
class WorkerLock:
    """Locked files. The lock belongs to the open files: whoever inherits them holds it too.

    So the lock outlives a killed parent for as long as one of its workers still sends.
    """

    descriptors: tuple[int, ...]

    @classmethod
    def take(cls, settings: "Settings", patience: float = PATIENCE) -> Self:
        """Take the lock, waiting up to ``patience`` seconds. Raises Failed with who holds it."""
        locked: list[int] = []
        try:
            for path in _files(settings):
                locked.append(_lock(path, patience))  # noqa: PERF401 - those taken are let go
        except Failed:
            for descriptor in locked:
                os.close(descriptor)
            raise
        return cls(tuple(locked))

    def release(self) -> None:
        """Let go; others that inherited the files still hold the lock."""
        for descriptor in self.descriptors:
            os.close(descriptor)


def _files(settings: "Settings") -> list[Path]:
    """The data folder's lock, and that of an SQLite file which lies elsewhere."""
    files = [settings.data.absolute() / "worker.lock"]
    if is_sqlite(settings):
        database = Path(settings.database.removeprefix("sqlite:///")).absolute()
        if database.parent != files[0].parent:
            files.append(database.with_name(database.name + ".worker.lock"))
    return files


def is_sqlite(settings: "Settings") -> bool:
    """Whether the database is an SQLite file, which one worker uses at a time."""
    return settings.database.startswith("sqlite:")


def _lock(path: Path, patience: float) -> int:
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise Failed(
            f"The folder {path.parent} can't be written to: {error.strerror}. "
            "Set CLARION_DATA to a folder that Clarion can write to."
        ) from error
    deadline = time.monotonic() + patience
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            os.close(descriptor)
            raise Failed(_taken(path, holder))
        time.sleep(PAUSE)
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        return False
    return True


def _taken(path: Path, holder: str) -> str:
    if holder.isdecimal() and not _lives(int(holder)):
        return (
            f"A worker that process {holder} left behind in {path.parent} is still finishing its "
            "work. Try again in a few seconds."
        )
    return (
        f"Clarion is already running in {path.parent} (process {holder or 'unknown'}). "
        "Stop it first, or set CLARION_DATA to another folder."
    )


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it lives and is someone else's
        return True
    return True
