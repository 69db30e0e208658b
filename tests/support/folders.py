"""The folder that a test run keeps its files in: databases, data folders, browser profiles."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM = 2 * 1024**3  # bytes; a run on both engines took 0.5 GB at most
PREFIX = "clarion-run-"


@contextmanager
def run_folder(memory: Path = MEMORY) -> Iterator[Path]:
    """Yield an empty folder, in memory where there is room for it, and remove it at the end.

    Every commit waits until the disk has it, which takes up to 10 ms and says nothing about the
    code under test: a killed process loses nothing that it wrote, in memory or on a disk. TMPDIR,
    where it is set, is used instead. Folders of killed runs are removed first.
    """
    parent = Path(tempfile.gettempdir())
    if not os.environ.get("TMPDIR") and _has_room(memory):
        parent = memory
    _remove_left_behind(parent)
    with tempfile.TemporaryDirectory(
        prefix=f"{PREFIX}{os.getpid()}-", dir=parent, ignore_cleanup_errors=True
    ) as name:
        # PostgreSQL, which refuses to run as root, has its data in here too.
        Path(name).chmod(0o711)
        yield Path(name)


def _has_room(folder: Path) -> bool:
    try:
        system = os.statvfs(folder)
    except OSError:
        return False
    return os.access(folder, os.W_OK) and system.f_bavail * system.f_frsize >= ROOM


def _remove_left_behind(parent: Path) -> None:
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.removeprefix(PREFIX).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
