"""A pipeline by itself: what it does with slots that have passed."""

from dataclasses import replace
from functools import partial

import pytest

from channels.fixtures import reply
from clarion.channels.contract import Reply, Request
from clarion.engine.claim import LATE
from clarion.engine.pipeline import ChannelPipeline
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
