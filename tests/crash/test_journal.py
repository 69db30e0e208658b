"""kill -9 in full flight: only what was on the wire is in doubt, everything else is proven."""

import random
import time
from pathlib import Path

import pytest

from clarion.config import Settings
from crash import rehearsal
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash
CONNECTIONS = Settings.model_fields["concurrency"].default  # of a channel in a worker
FULL = 20_000  # people from whom on the rate is that of a fast channel, or it is over too soon


def test_only_what_was_on_the_wire_is_in_doubt(
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
