"""Several workers on one PostgreSQL: a server that restarts, a worker that freezes, one rate."""

from pathlib import Path

import pytest

from clarion.kit import db
from crash import rehearsal
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
RATE = 200


@pytest.fixture
def cluster(own_database: OwnDatabase, engine_name: str) -> OwnDatabase:
    """A PostgreSQL server of this test's own."""
    if engine_name != "postgresql":
        pytest.skip("several workers need PostgreSQL")
    return own_database


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_the_work_across_a_server_restart(
    cluster: OwnDatabase,
    processes: Processes,
    tmp_path: Path,
    torture_size: tuple[int, int],
    workers: int,
) -> None:
    people = torture_size[0]
    provider = rehearsal.Provider(processes, latency="2ms..20ms", **rehearsal.FAULTS)
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False)
    for _ in range(workers):
        rehearsal.start_worker(processes)
    eventually(lambda: rehearsal.settled(broadcast) > people // 4, timeout=300)

    db.connection.close()
    assert cluster.server is not None
    cluster.server.restart("immediate")

    eventually(lambda: _is_back(), timeout=60)
    rehearsal.wait_completed(broadcast, timeout=600)
    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.twice == []
    assert truth.lost == []
    assert truth.unaccounted == []
    assert truth.reasonless == 0
    assert sum(truth.states.values()) == people


def test_a_worker_frozen_past_its_lease_sends_nothing_twice(
    cluster: OwnDatabase, processes: Processes, tmp_path: Path, torture_size: tuple[int, int]
) -> None:
    people = torture_size[0]
    provider = rehearsal.Provider(processes, latency="20ms..60ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False)
    short = {**cluster.env, "CLARION_LEASE_SECONDS": "3"}
    frozen = processes.clarion("worker", env=short)
    frozen.wait_for_line("engine ready")
    eventually(lambda: rehearsal.settled(broadcast) > people // 10, timeout=300)
    frozen.freeze()
    other = processes.clarion("worker", env=short)
    other.wait_for_line("engine ready")

    # The frozen one is declared dead and what it held is in doubt; the other does the rest.
    eventually(lambda: db.fetch("SELECT count(*) FROM engine_worker")[0][0] == 1, timeout=60)
    frozen.thaw()
    rehearsal.wait_completed(broadcast, timeout=600)
    eventually(lambda: db.fetch("SELECT count(*) FROM engine_worker")[0][0] == 2, timeout=60)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.twice == []
    assert truth.lost == []
    assert truth.unaccounted == []
    assert sum(truth.states.values()) == people


def test_the_rate_is_one_rate_over_all_workers(
    cluster: OwnDatabase, processes: Processes, tmp_path: Path
) -> None:
    people = RATE * 8
    provider = rehearsal.Provider(processes)
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=RATE)
    crew = [rehearsal.start_worker(processes) for _ in range(3)]
    eventually(lambda: rehearsal.settled(broadcast) > people // 3, timeout=60)
    crew[0].freeze()
    eventually(lambda: rehearsal.settled(broadcast) > people // 2, timeout=60)
    crew[0].thaw()

    rehearsal.wait_completed(broadcast, timeout=120)

    # The slots themselves are exact (test_claim). The provider's clock is read when its process
    # gets a turn: beside four others on two cores that is up to 20 ms late, a 50th of a second.
    assert provider.summary()["peak_per_second"] <= RATE * 1.02
    assert rehearsal.truth(broadcast, provider).twice == []
    rehearsal.assert_reconciled(broadcast)


def _is_back() -> bool:
    try:
        db.fetch("SELECT 1")
    except db.OperationalError:
        db.connection.close()
        return False
    return True
