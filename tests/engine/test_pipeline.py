"""A pipeline by itself: what it does with slots that have passed."""

import asyncio
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, ClassVar

import pytest

from channels.fixtures import reply
from clarion.channels.contract import Reply, Request
from clarion.engine.claim import LATE, Claim
from clarion.engine.claim_size import LEAST
from clarion.engine.pipeline import LEFT_TO_OTHERS, UNTESTED, ChannelPipeline
from clarion.engine.remaining import Remaining
from engine.ground import CHANNEL, MESSAGE, NOW, PipelineHost
from support.waiting import eventually_async


@pytest.mark.parametrize(("answer", "state"), [(True, "sent"), (False, "skipped")])
async def test_m2_only_an_answer_reaches_who_opted_out_before_it_left(
    answer: bool, state: str
) -> None:
    ground = PipelineHost([replace(MESSAGE, address_state="opted_out")], answer=answer)

    async def send_request(request: Request) -> Reply:
        return reply(200)

    pipeline = ChannelPipeline(ground, CHANNEL, send_request, 2)
    try:
        await eventually_async(partial(len, ground.settled))
    finally:
        await pipeline.close()

    assert [settlement.state for settlement in ground.settled] == [state]


@pytest.mark.parametrize(("too_late", "new_slots"), [(0, 0), (LATE, 0), (LATE + 1, 1)])
async def test_a_slot_that_has_passed_is_not_used(too_late: int, new_slots: int) -> None:
    ground = PipelineHost([replace(MESSAGE, slot=NOW - too_late)])
    given_before: list[int] = []

    async def send_request(request: Request) -> Reply:
        given_before.append(len(ground.late))
        return reply(200)

    pipeline = ChannelPipeline(ground, CHANNEL, send_request, 2)
    try:
        await eventually_async(partial(len, ground.settled))
    finally:
        await pipeline.close()

    assert given_before == [new_slots]
    assert [settlement.state for settlement in ground.settled] == ["sent"]


@dataclass
class Rationed(PipelineHost):
    """Gives no more messages than are asked for."""

    taken: list[int] = field(default_factory=list)  # messages of each claim that brought any

    async def claim(self, channel_id: int, room: int) -> Claim:
        messages, self.waiting = self.waiting[:room], self.waiting[room:]
        self.taken += [len(messages)] if messages else []
        return Claim(messages, self.now, self.now)


@pytest.mark.parametrize(
    ("message", "facts", "state"),
    [
        ({}, {"text": "{{ contact.name }}", "gaps": frozenset({"contact.name"})}, "failed"),
        ({"address_state": "opted_out"}, {}, "skipped"),
    ],
)
async def test_whoever_gets_nothing_holds_up_nobody_behind_them(
    message: dict[str, Any], facts: dict[str, Any], state: str
) -> None:
    """One message at a time until the provider has answered: thousands without one took hours."""
    many = [replace(MESSAGE, delivery=n, slot=0, **message) for n in range(200)]
    ground = Rationed(many, **facts)

    async def send_request(request: Request) -> Reply:
        raise AssertionError("there is no message")

    pipeline = ChannelPipeline(ground, replace(CHANNEL, rate=None), send_request, 2)
    try:
        await eventually_async(lambda: len(ground.settled) == 200)
    finally:
        await pipeline.close()

    assert {settlement.state for settlement in ground.settled} == {state}
    assert (ground.taken[0], max(ground.taken)) == (1, UNTESTED)
    assert len(ground.taken) < 16


async def test_no_more_is_claimed_than_a_slow_server_takes() -> None:
    """Those that have begun, and wait for their turn at the server, show no speed."""
    runners = 500
    ground = Rationed([replace(MESSAGE, delivery=n, slot=0) for n in range(10_000)])
    answers = asyncio.Event()
    begun = [0]

    async def send_request(request: Request) -> Reply:
        begun[0] += 1
        if begun[0] > 1:
            await answers.wait()
        return reply(200)

    pipeline = ChannelPipeline(ground, replace(CHANNEL, rate=None), send_request, runners)
    try:
        await eventually_async(lambda: begun[0] == runners + 1)
        await eventually_async(lambda: sum(ground.taken) > runners + 1)
        assert sum(ground.taken) - begun[0] <= 2 * LEAST
        assert max(ground.taken) <= LEAST
    finally:
        answers.set()
        await pipeline.close()


class Watched(ChannelPipeline):
    """Notes for how long it does not claim."""

    pauses: ClassVar[list[float]] = []

    async def _wait_low(self, pause: float) -> None:
        self.pauses.append(pause)
        await super()._wait_low(pause)


@dataclass
class Younger(Rationed):
    """A worker beside an older one, which decides on those whose message can't be made."""

    async def remaining(self, broadcast_id: int, channel_id: int) -> Remaining:
        return Remaining(0, 5, 0, 0, 0, is_whole=True, comes_one_by_one=False, is_anothers=True)


async def test_who_was_left_to_an_older_worker_is_not_claimed_again_at_once() -> None:
    ground = Younger([replace(MESSAGE, slot=0)], text="{{ contact.nickname }}")
    Watched.pauses.clear()

    async def send_request(request: Request) -> Reply:
        raise AssertionError("there is no message")

    pipeline = Watched(ground, replace(CHANNEL, rate=None), send_request, 2)
    try:
        await eventually_async(lambda: LEFT_TO_OTHERS in Watched.pauses)
    finally:
        await pipeline.close()
    assert [settlement.state for settlement in ground.settled] == ["queued"]
