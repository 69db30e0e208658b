"""The folder of a test run: in memory where there is room, and not left behind."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support import folders


@pytest.fixture(autouse=True)
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A temporary folder on disk, as far as the code under test knows."""
    monkeypatch.delenv("TMPDIR", raising=False)
    disk = tmp_path / "disk"
    disk.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    return disk


@pytest.fixture
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "ROOM", 1)
    memory = tmp_path / "memory"
    memory.mkdir()
    return memory


def test_it_is_in_memory_and_ends_with_the_run(memory: Path) -> None:
    with folders.run_folder(memory) as folder:
        (folder / "test.sqlite3").touch()
        assert folder.parent == memory

    assert not list(memory.iterdir())


def test_it_is_on_disk_where_memory_has_no_room(
    memory: Path, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with folders.run_folder(memory / "missing") as folder:
        assert folder.parent == disk
    monkeypatch.setattr(folders, "ROOM", 1 << 60)
    with folders.run_folder(memory) as folder:
        assert folder.parent == disk


def test_it_is_where_tmpdir_says(memory: Path, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(disk))

    with folders.run_folder(memory) as folder:
        assert folder.parent == disk


def test_what_a_killed_run_left_is_removed_and_nothing_else(memory: Path) -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    left = [memory / f"clarion-run-{pid}-x" for pid in (ended.pid, os.getpid())]
    left.append(memory / "somebody-elses")
    for folder in left:
        folder.mkdir()
        (folder / "file").touch()

    with folders.run_folder(memory):
        assert [folder.exists() for folder in left] == [False, True, True]
