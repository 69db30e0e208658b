"""One holder of the engine's lock per data folder, for as long as a process of its lives."""

import subprocess
import sys
from pathlib import Path

import pytest

from clarion.cli.failures import Failed
from clarion.cli.lock import WorkerLock
from clarion.config import Settings

ORPHAN = """
import os, subprocess, sys
from clarion.cli.lock import WorkerLock
from clarion.config import Settings
lock = WorkerLock.take(Settings())
child = subprocess.Popen([sys.executable, "-c", "input()"], pass_fds=lock.descriptors)
print("locked", flush=True)
os.kill(os.getpid(), 9)
"""
HOLDER = """
import fcntl, sys
file = open(sys.argv[1], "a")
fcntl.flock(file, fcntl.LOCK_EX)
print("locked", flush=True)
sys.stdin.read(1)
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path, database_url="")


def test_a_second_holder_is_told_who_holds_it(settings: Settings, tmp_path: Path) -> None:
    lock = WorkerLock.take(settings)
    with pytest.raises(Failed) as refusal:
        WorkerLock.take(settings, patience=0)
    lock.release()
    assert str(refusal.value) == (
        f"Clarion is already running in {tmp_path} (process {_pid_in(tmp_path)}). "
        "Stop it first, or set CLARION_DATA to another folder."
    )


def test_it_can_be_taken_again_after_release(settings: Settings) -> None:
    WorkerLock.take(settings).release()
    WorkerLock.take(settings, patience=0).release()


def test_it_is_waited_for(settings: Settings, tmp_path: Path) -> None:
    holder = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HOLDER,
            str(tmp_path / "worker.lock"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert holder.stdout is not None
    assert holder.stdin is not None
    assert holder.stdout.readline() == b"locked\n"
    with pytest.raises(Failed):
        WorkerLock.take(settings, patience=0)
    holder.stdin.close()
    WorkerLock.take(settings, patience=120).release()
    holder.wait()
    holder.stdout.close()


def test_an_engine_that_outlives_its_parent_keeps_it(settings: Settings, tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHAN],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"CLARION_DATA": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
    ) as parent:
        assert parent.stdout is not None
        assert parent.stdin is not None
        assert parent.stdout.readline() == b"locked\n"
        parent.wait()
        with pytest.raises(Failed) as refusal:
            WorkerLock.take(settings, patience=0)
        parent.stdin.close()  # the orphan reads its end of file from there
        WorkerLock.take(settings, patience=120).release()
    assert str(refusal.value) == (
        f"A worker that process {parent.pid} left behind in {tmp_path} is still finishing its "
        "work. Try again in a few seconds."
    )


def test_an_sqlite_file_elsewhere_is_locked_too(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'shared.sqlite3'}"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    first = WorkerLock.take(Settings(data=folders[0], database_url=url))
    with pytest.raises(Failed, match="already running"):
        WorkerLock.take(Settings(data=folders[1], database_url=url), patience=0)
    first.release()
    # What was taken before the refusal was let go again.
    WorkerLock.take(Settings(data=folders[1], database_url=url), patience=0).release()


def test_with_postgresql_only_the_data_folder_is_locked(tmp_path: Path) -> None:
    url = "postgresql://localhost/clarion"
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    locks = [
        WorkerLock.take(Settings(data=folder, database_url=url), patience=0) for folder in folders
    ]
    for lock in locks:
        lock.release()


def _pid_in(folder: Path) -> str:
    return (folder / "worker.lock").read_text().strip()
