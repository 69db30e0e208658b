"""Clicks in a file: nothing answered is lost, nothing is written twice for good."""

import fcntl
from collections.abc import Sequence
from pathlib import Path

import pytest

from clarion.clicks.spool import FOLDER, Spool
from clarion.clicks.store import Visit

VISITS = [Visit(1, 2, 1_000_000), Visit(3, 4, 2_000_000, "head"), Visit(5, 6, 3_000_000)]


def files(data: Path) -> list[Path]:
    return sorted((data / FOLDER).glob("*"))


def test_what_was_appended_is_drained_once(tmp_path: Path) -> None:
    spool, drained = Spool(tmp_path), list[Visit]()
    assert spool.drain(drained.extend) == 0
    for visit in VISITS:
        spool.append(visit)
    assert spool.drain(drained.extend) == 3
    assert drained == VISITS
    assert files(tmp_path) == []
    assert spool.drain(drained.extend) == 0


def test_a_database_that_is_away_still_keeps_the_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(VISITS[0])

    def away(_: Sequence[Visit]) -> None:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        spool.drain(away)
    spool.append(VISITS[1])
    drained = list[Visit]()
    assert spool.drain(drained.extend) == 2
    assert sorted(drained, key=lambda visit: visit.at) == VISITS[:2]


def test_a_full_disk_costs_only_the_click_that_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path)
    spool.append(VISITS[0])
    spool.drain(list[Visit]().extend)
    with Path("/dev/full").open("w", encoding="utf-8") as full, monkeypatch.context() as patch:
        patch.setattr(spool, "_opened", lambda: full)
        with pytest.raises(OSError, match="No space left"):
            spool.append(VISITS[1])
    spool.append(VISITS[2])
    drained = list[Visit]()
    assert spool.drain(drained.extend) == 1
    assert drained == [VISITS[2]]


def test_a_file_that_another_process_writes_is_left_to_it(tmp_path: Path) -> None:
    writing = Spool(tmp_path)
    writing.append(VISITS[0])
    drained = list[Visit]()
    assert Spool(tmp_path).drain(drained.extend) == 0
    writing.append(VISITS[1])
    assert writing.drain(drained.extend) == 2


def test_a_line_that_a_crash_cut_off_was_never_answered(tmp_path: Path) -> None:
    spool = Spool(tmp_path)
    spool.append(VISITS[0])
    (path,) = files(tmp_path)
    with path.open("a") as file:
        file.write("[3, 4, 20")
    drained = list[Visit]()
    assert spool.drain(drained.extend) == 1
    assert drained == VISITS[:1]


def test_a_file_that_is_drained_before_it_is_locked_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drained, lock = list[Visit](), fcntl.flock

    def lock_late(file: int, how: int) -> None:
        if how == fcntl.LOCK_EX:
            monkeypatch.setattr(fcntl, "flock", lock)
            assert Spool(tmp_path).drain(drained.extend) == 0
        lock(file, how)

    monkeypatch.setattr(fcntl, "flock", lock_late)
    spool = Spool(tmp_path)
    spool.append(VISITS[0])
    assert Spool(tmp_path).drain(drained.extend) == 0
    assert spool.drain(drained.extend) == 1
    assert drained == VISITS[:1]
