"""When outcomes are written: soon, and several in one transaction."""

import asyncio

import pytest

from clarion.engine import settler as module
from clarion.engine.settler import BATCH, MANY, Settler
from clarion.records.deliveries.settle import Settlement

NEVER = 3600.0


def outcome(delivery: int) -> Settlement:
    return Settlement(delivery, 1, 1, delivery, "sent", 1, 0)


class Written:
    """Takes the place of the database."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.some = asyncio.Event()

    async def write(self, batch: list[Settlement], again: bool) -> None:
        self.sizes.append(len(batch))
        self.some.set()


async def test_a_few_outcomes_are_written_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FULLER", NEVER)
    written = Written()
    settler = Settler(written.write)
    running = asyncio.create_task(settler.run())
    for delivery in range(MANY - 1):
        settler.put(outcome(delivery))
    await asyncio.wait_for(written.some.wait(), 30)

    settler.close()
    await running
    assert written.sizes == [MANY - 1]


async def test_many_outcomes_wait_for_a_fuller_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "EVERY", 0.0)
    monkeypatch.setattr(module, "FULLER", NEVER)
    written = Written()
    settler = Settler(written.write)
    running = asyncio.create_task(settler.run())
    for delivery in range(MANY):
        settler.put(outcome(delivery))
    for _ in range(50):  # turns of the loop: a timer that has run out is among them
        await asyncio.sleep(0)
    for delivery in range(MANY, BATCH):
        settler.put(outcome(delivery))
    await asyncio.wait_for(written.some.wait(), 30)

    settler.close()
    await running
    assert written.sizes == [BATCH]


async def test_closing_writes_what_waits_for_a_fuller_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FULLER", NEVER)
    written = Written()
    settler = Settler(written.write)
    running = asyncio.create_task(settler.run())
    for delivery in range(MANY):
        settler.put(outcome(delivery))
    await asyncio.sleep(0)

    settler.close()
    await asyncio.wait_for(running, 30)
    assert written.sizes == [MANY]
