"""kill -9 of the engine at random moments: nobody lost, nobody sent to twice, doubt is said."""

import random
from pathlib import Path

import pytest

from crash import rehearsal
from support.processes import Processes

pytestmark = pytest.mark.crash


@pytest.mark.parametrize("idempotent", [True, False], ids=["idempotent", "plain"])
def test_o1_killed_engine_loses_nobody_and_doubles_nobody(
    own_database: object,
    processes: Processes,
    tmp_path: Path,
    torture_size: tuple[int, int],
    idempotent: bool,
) -> None:
    people, kills = torture_size
    provider = rehearsal.Provider(processes, latency="2ms..20ms", **rehearsal.FAULTS)
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=idempotent)
    chance = random.Random(f"{people} {kills} {idempotent}")

    rehearsal.kill_workers(processes, broadcast, people, kills, chance)

    truth = rehearsal.truth(broadcast, provider)
    summary = provider.summary()
    print(dict(truth.states), summary["by_outcome"])
    rehearsal.assert_reconciled(broadcast)
    assert sum(truth.states.values()) == people
    assert truth.lost == []
    assert truth.unaccounted == []
    assert truth.reasonless == 0
    assert summary["recipients_with_several_keys"]["count"] == 0
    assert summary["keys_for_several_recipients"]["count"] == 0
    assert truth.twice == []
    if idempotent:
        assert truth.states["sent"] == people
    else:
        # Whoever may have been sent to was never asked again: no key came after its acceptance.
        assert "repeated" not in summary["by_outcome"]
        assert truth.states["sent"] + truth.states["in_doubt"] == people
