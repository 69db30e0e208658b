"""A pipeline by itself: what it does with slots that have passed."""

from dataclasses import dataclass, field, replace
from functools import partial

import pytest

from channels.cases import CASES
from channels.fixtures import reply
from clarion.channels.contract import Reply, Request
from clarion.content.rendering import Text
from clarion.engine.claim import LATE, Claim, Claimed
from clarion.engine.content_watch import ContentWatch
from clarion.engine.pipeline import ChannelPipeline
from clarion.engine.remaining import Remaining
from clarion.engine.retry import Policy
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpRequest
from support.waiting import eventually_async

NOW = 1_800_000_000 * clock.SECOND
CHANNEL = ChannelFacts(
    id=1, name="main", kind=CASES["webhook"].make(), policy=Policy(5, 0.1, False), rate=10.0,
    version="1",
)  # fmt: skip
MESSAGE = Claimed(
    delivery=7, broadcast=1, address=1, attempts=0, maybe_sent=False, due_at=0, to="u1",
    address_state="active", contact={}, slot=NOW,
)  # fmt: skip


@dataclass
class PipelineHost:
    """What the pipeline stands on: a clock that stands still, and what became of the messages."""

    waiting: list[Claimed]
    now: int = NOW
    may_begin: bool = True
    answer: bool = False
    late: list[Claimed] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.content = ContentWatch(self.put)

    def may_send(self, channel_id: int, broadcast_id: int) -> bool:
        return True

    async def job(self, broadcast_id: int) -> Job:
        return Job(
            id=1, key="k", title=Text(""), text=Text("Hello"), scheduled_at=NOW,
            answer=self.answer,
        )  # fmt: skip

    async def claim(self, channel_id: int, room: int) -> Claim:
        messages, self.waiting = self.waiting, []
        return Claim(messages, self.now, self.now + clock.SECOND)

    async def remaining(self, broadcast_id: int, channel_id: int) -> Remaining:
        raise AssertionError("its content is fine")

    async def reslot(self, channel_id: int, late: list[Claimed]) -> list[Claimed]:
        self.late += late
        return [replace(claimed, slot=self.now) for claimed in late]

    def begin(self, delivery: int) -> bool:
        return self.may_begin

    def put(self, settlement: Settlement) -> None:
        self.settled.append(settlement)

    def wait(self, channel_id: int, seconds: float, reason: str) -> None:
        raise AssertionError("nobody asked for it")

    def waited(self, channel_id: int) -> None:
        """The provider takes messages: nothing was waiting."""

    def misconfigured(self, channel: ChannelFacts, reason: str) -> None:
        raise AssertionError("it is not")

    def pause_broadcast(self, broadcast_id: int, reason: str) -> None:
        raise AssertionError("its content is fine")

    async def hold_broadcast(self, broadcast_id: int, reason: str) -> None:
        raise AssertionError("it has no story")

    async def asked_before(self, broadcast_id: int, step: int) -> HttpRequest | None:
        raise AssertionError("it has no story")

    def story_answers(self, broadcast_id: int) -> None:
        raise AssertionError("it has no story")

    def probe_again(self, broadcast_id: int) -> None:
        """The broadcast is not on hold."""

    def shared_now(self) -> int:
        return self.now


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
