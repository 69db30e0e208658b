"""kill -9 in full flight: only what was on the wire is in doubt, everything else is proven."""

import random
import time
from pathlib import Path

import pytest

from clarion.accounts import audit
from clarion.broadcasts import control
from clarion.config import Settings
from clarion.engine import lifecycle
from clarion.kit import db
from crash import rehearsal
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
CONNECTIONS = Settings.model_fields["concurrency"].default  # of a channel in a worker
FULL = 20_000  # people from whom on the rate is that of a fast channel, or it is over too soon


def test_o1_only_what_was_on_the_wire_is_in_doubt(
    own_database: object, processes: Processes, tmp_path: Path, torture_size: tuple[int, int]
) -> None:
    people, kills = torture_size
    rate = 4_000 if people >= FULL else 500
    provider = rehearsal.Provider(processes, latency="5ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=rate)
    chance = random.Random(f"{people} {kills}")
    claimed = 0  # by workers that were killed

    for kill in range(kills):
        worker = rehearsal.start_worker(processes)
        goal = people * kill // (kills + 1) + 1
        eventually(lambda goal=goal: rehearsal.settled(broadcast) >= goal, timeout=600)
        time.sleep(chance.uniform(0, 0.2))
        worker.kill()
        claimed += rehearsal.claimed(broadcast)
    rehearsal.start_worker(processes)
    rehearsal.wait_completed(broadcast, timeout=900)

    truth = rehearsal.truth(broadcast, provider)
    print(claimed, "claimed,", dict(truth.states))
    rehearsal.assert_reconciled(broadcast)
    assert truth.states["sent"] + truth.states["in_doubt"] == people
    assert truth.states["in_doubt"] <= CONNECTIONS * kills
    assert truth.states["in_doubt"] < claimed
    assert truth.lost == []
    assert truth.unaccounted == []
    assert truth.twice == []
    assert truth.reasonless == 0


@pytest.mark.only_on("postgresql")  # several workers need it
def test_a_worker_that_was_killed_beside_another_is_settled_before_its_lease_ends(
    own_database: object,
    processes: Processes,
    tmp_path: Path,
    torture_size: tuple[int, int],
) -> None:
    people = torture_size[0]
    provider = rehearsal.Provider(processes, latency="5ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=500)
    lifecycle.start_due()
    broadcast.refresh_from_db()
    control.pause(broadcast, by=audit.COMMAND_LINE)  # until both are there
    # Nobody waits as long as this lease lasts.
    crew = [rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="3600") for _ in range(2)]
    control.resume(broadcast, by=audit.COMMAND_LINE)
    for worker in crew:
        eventually(lambda pid=worker.pid: _claimed_by(pid), timeout=120)
    crew[0].kill()
    rehearsal.wait_completed(broadcast, timeout=900)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.states["sent"] + truth.states["in_doubt"] == people
    assert truth.states["in_doubt"] <= CONNECTIONS
    assert (truth.lost, truth.unaccounted, truth.twice) == ([], [], [])


@pytest.mark.only_on("postgresql")  # several workers need it
def test_a_frozen_worker_sends_nothing_and_resolves_what_was_put_in_doubt(
    own_database: object,
    processes: Processes,
    tmp_path: Path,
    torture_size: tuple[int, int],
) -> None:
    people = torture_size[0]
    provider = rehearsal.Provider(processes, latency="5ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=200)
    frozen = rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="3")
    eventually(lambda: rehearsal.settled(broadcast) > people // 20, timeout=300)
    frozen.freeze()
    rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="3")

    eventually(lambda: _in_doubt(broadcast.pk), timeout=120)
    before = _in_doubt(broadcast.pk)
    frozen.thaw()
    rehearsal.wait_completed(broadcast, timeout=900)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    # What it had on the wire was answered meanwhile, unless the connection was given up.
    assert truth.states["sent"] + truth.states["in_doubt"] == people
    assert truth.states["in_doubt"] < before
    assert (truth.lost, truth.unaccounted, truth.twice) == ([], [], [])


def _claimed_by(pid: int) -> bool:
    sql = (
        "SELECT 1 FROM records_delivery d JOIN engine_worker w ON w.id = d.worker_id "
        "WHERE w.pid = %s AND d.state = 'sending' LIMIT 1"
    )
    return bool(db.fetch(sql, [pid]))


def _in_doubt(broadcast_id: int) -> int:
    sql = "SELECT count(*) FROM records_delivery WHERE broadcast_id = %s AND state = 'in_doubt'"
    return int(db.fetch(sql, [broadcast_id])[0][0])
