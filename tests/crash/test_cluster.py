"""Several workers on one PostgreSQL: a server that restarts, a worker that freezes, one rate."""

from collections import Counter
from pathlib import Path

import pytest

from clarion.kit import db
from crash import rehearsal
from support.listener import Listener
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

pytestmark = [pytest.mark.crash, pytest.mark.only_on("postgresql")]
RATE = 200
SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0"


@pytest.mark.parametrize("workers", [2, 4])
def test_workers_share_the_work_across_a_server_restart(
    own_database: OwnDatabase,
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
    assert own_database.server is not None
    own_database.server.restart("immediate")

    eventually(_is_back, timeout=120)
    rehearsal.wait_completed(broadcast, timeout=600)
    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.twice == []
    assert truth.lost == []
    assert truth.unaccounted == []
    assert truth.reasonless == 0
    assert sum(truth.states.values()) == people


def test_a_worker_frozen_past_its_lease_sends_nothing_twice(
    own_database: OwnDatabase, processes: Processes, tmp_path: Path, torture_size: tuple[int, int]
) -> None:
    people = torture_size[0]
    provider = rehearsal.Provider(processes, latency="20ms..60ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False)
    frozen = rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="3")
    eventually(lambda: rehearsal.settled(broadcast) > people // 10, timeout=300)
    frozen.freeze()
    rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="3")

    # The frozen one is declared dead and what it held is in doubt; the other does the rest.
    eventually(lambda: frozen.pid not in _workers(), timeout=120)
    frozen.thaw()
    rehearsal.wait_completed(broadcast, timeout=600)
    # It enters again once what it had in flight is settled.
    eventually(lambda: frozen.pid in _workers(), timeout=120)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.twice == []
    assert truth.lost == []
    assert truth.unaccounted == []
    assert sum(truth.states.values()) == people


def test_the_rate_is_one_rate_over_all_workers(
    own_database: OwnDatabase, processes: Processes, tmp_path: Path
) -> None:
    people = RATE * 8
    with Listener() as receiver:
        broadcast = rehearsal.prepare(
            tmp_path, receiver, people, idempotent=False, rate=RATE, secret=SECRET
        )
        crew = [rehearsal.start_worker(processes) for _ in range(3)]
        eventually(lambda: rehearsal.settled(broadcast) > people // 3, timeout=300)
        crew[0].freeze()
        eventually(lambda: rehearsal.settled(broadcast) > people // 2, timeout=300)
        crew[0].thaw()

        rehearsal.wait_completed(broadcast, timeout=600)

    # The slots themselves are exact (test_claim). What is counted here are the seconds in which the
    # workers signed the messages, right before sending: when a receiver gets its turn to read them
    # depends on the machine. The twentieth is for their idea of the shared clock, which they ask
    # for and may have to wait for; each with a rate of its own would make three times as many.
    signed = Counter(heard.headers["webhook-timestamp"] for heard in receiver.heard)
    assert max(signed.values()) <= RATE * 1.05
    assert set(Counter(heard.body["to"] for heard in receiver.heard).values()) == {1}
    rehearsal.assert_reconciled(broadcast)


def _workers() -> set[int]:
    return {pid for (pid,) in db.fetch("SELECT pid FROM engine_worker")}


def _is_back() -> bool:
    try:
        db.fetch("SELECT 1")
    except db.OperationalError:
        db.connection.close()
        return False
    return True
