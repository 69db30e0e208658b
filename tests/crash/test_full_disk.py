"""A disk that is full for a while: sending waits, and goes on by itself when there is room."""

import resource
from pathlib import Path

import pytest

from crash import rehearsal
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
FULL = 512 * 1024  # bytes: the kernel lets the engine write no file beyond this size


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_full_disk_delays_but_loses_and_doubles_nobody(
    own_database: OwnDatabase,
    engine_name: str,
    processes: Processes,
    tmp_path: Path,
    idempotent: bool,
) -> None:
    if engine_name != "sqlite":
        pytest.skip("the engine writes no files of its own: PostgreSQL's disk is PostgreSQL's")
    people = 3_000
    provider = rehearsal.Provider(processes, latency="2ms..10ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=idempotent, rate=1_000)
    engine = rehearsal.start_worker(processes)
    eventually(lambda: rehearsal.settled(broadcast) > people // 10, timeout=60)

    was = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (FULL, resource.RLIM_INFINITY))
    engine.wait_for_line("database_away")
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, was)
    rehearsal.wait_completed(broadcast, timeout=120)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.states == {"sent": people}
    assert truth.twice == []
    assert truth.lost == []
