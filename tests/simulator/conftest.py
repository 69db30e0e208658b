import time
from collections.abc import AsyncIterator

import pytest

from clarion_simulator import smtp, wire
from clarion_simulator.server import Simulator


@pytest.fixture
async def simulator() -> AsyncIterator[Simulator]:
    async with Simulator() as running:
        yield running


class Clock:
    """Stands in for `time` where the simulator stamps what arrives: one request a millisecond.

    What is meant to arrive within a second does, however busy the machine is.
    """

    def __init__(self) -> None:
        self._now = time.monotonic_ns()

    def monotonic_ns(self) -> int:
        self._now += 1_000_000
        return self._now

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._now += int(seconds * 1e9)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    simulated = Clock()
    for module in (smtp, wire):
        monkeypatch.setattr(module, "time", simulated)
    return simulated
