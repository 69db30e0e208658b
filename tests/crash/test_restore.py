"""A backup that is restored in the middle of a broadcast: nothing is sent without a decision."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from clarion.broadcasts.control import resume
from crash import rehearsal
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

# A backup of PostgreSQL is restored in the same way, by other programs.
pytestmark = [pytest.mark.crash, pytest.mark.only_on("sqlite")]


@pytest.mark.parametrize("killed", [True, False], ids=["killed", "stopped"])
def test_a_restored_backup_sends_nothing_before_somebody_decides(
    own_database: OwnDatabase,
    processes: Processes,
    tmp_path: Path,
    killed: bool,
) -> None:
    people = 1_500
    provider = rehearsal.Provider(processes, latency="2ms..10ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=300)
    database, backup = Path(str(connection.settings_dict["NAME"])), tmp_path / "backup.sqlite3"
    worker = rehearsal.start_worker(processes)
    eventually(lambda: rehearsal.settled(broadcast) > 100, timeout=300)
    with closing(sqlite3.connect(database)) as source, closing(sqlite3.connect(backup)) as copy:
        source.backup(copy)
    then = rehearsal.settled(broadcast)
    eventually(lambda: rehearsal.settled(broadcast) > then + 100, timeout=300)
    if killed:
        worker.kill()
    else:
        worker.terminate()
        worker.wait()

    connection.close()
    for left in database.parent.glob(f"{database.name}-*"):
        left.unlink()
    backup.replace(database)
    accepted = provider.accepted()
    rehearsal.start_worker(processes)

    broadcast.refresh_from_db()
    assert broadcast.state == "paused"
    assert "restored from a backup" in broadcast.state_reason
    eventually(lambda: not rehearsal.claimed(broadcast), timeout=120)
    assert provider.accepted() == accepted

    resume(broadcast, by="cli")  # as if that were acceptable
    rehearsal.wait_completed(broadcast, timeout=600)
    rehearsal.assert_reconciled(broadcast)
    truth = rehearsal.truth(broadcast, provider)
    assert truth.states["sent"] + truth.states["in_doubt"] == people
    assert truth.lost == []
    assert truth.unaccounted == []
