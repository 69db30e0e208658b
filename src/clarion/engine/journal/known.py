"""The newest heartbeat of each database that this machine knows, kept beside the journals.

A database with an earlier one was restored from a backup: what was sent since is not in it.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MOST = 50  # databases; the oldest are forgotten


def remember(folder: Path, database: str, beat: int) -> None:
    """Keep a heartbeat, unless a later one is known. Raises OSError when that is not possible."""
    with _locked(folder):
        beats = known_beats(folder)
        if beats.get(database, 0) >= beat:
            return
        newest = {key: value for key, value in beats.items() if key != database} | {database: beat}
        draft = _path(folder).with_suffix(".draft")
        draft.write_text(json.dumps(dict(list(newest.items())[-MOST:])), encoding="ascii")
        draft.replace(_path(folder))


def known_beats(folder: Path) -> dict[str, int]:
    """The newest heartbeat that is known, by the identity of the database."""
    try:
        text = _path(folder).read_text(encoding="ascii")
        return {str(key): int(value) for key, value in json.loads(text).items()}
    except (FileNotFoundError, ValueError):  # none yet, or cut off by a power cut
        return {}


def _path(folder: Path) -> Path:
    return folder / "heartbeats.json"


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = os.open(_path(folder).with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
