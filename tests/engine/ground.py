"""What a pipeline alone is tested on: a clock that stands still, and what became of messages."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from channels.cases import CASES
from clarion.content.rendering import Text
from clarion.engine.claim import Claim, Claimed
from clarion.engine.content_watch import ContentWatch
from clarion.engine.flight_room import FlightRoom
from clarion.engine.kept_files import KeptFiles
from clarion.engine.remaining import Remaining
from clarion.engine.repeats import Repeats
from clarion.engine.retry import Policy
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpRequest

NOW = 1_800_000_000 * clock.SECOND
CHANNEL = ChannelFacts(
    id=1, name="main", kind=CASES["webhook"].make(), policy=Policy(5, 0.1, False), rate=10.0,
    version="1",
)  # fmt: skip
MESSAGE = Claimed(
    delivery=7, broadcast=1, address=1, attempts=0, maybe_sent=False, due_at=0, to="u1",
    address_state="active", contact={}, slot=NOW,
)  # fmt: skip


async def no_database(work: Callable[..., Any], *args: Any) -> Any:
    raise AssertionError("no file is sent")


class Alone:
    """What an attempt needs of a worker, where there is no other attempt."""

    def __init__(self) -> None:
        self.files, self.repeats = KeptFiles(no_database), Repeats(no_database)

    def begin(self, delivery: int) -> bool:
        return True


@dataclass
class PipelineHost:
    """What the pipeline stands on: a clock that stands still, and what became of the messages."""

    waiting: list[Claimed]
    now: int = NOW
    may_begin: bool = True
    answer: bool = False
    text: str = "Hello"
    single: bool = False
    weight: int = 0
    allowed: bool = True
    gaps: frozenset[str] = frozenset()  # that were accepted
    late: list[Claimed] = field(default_factory=list)
    settled: list[Settlement] = field(default_factory=list)
    begun: list[list[int]] = field(default_factory=list)  # deliveries of each request
    waits: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)  # why the channel was paused
    slots_taken: int = 0

    def __post_init__(self) -> None:
        self.content = ContentWatch(self.put)
        self.files, self.repeats = KeptFiles(no_database), Repeats(no_database)
        self.room = FlightRoom()

    def may_send(self, channel_id: int, broadcast_id: int) -> bool:
        return self.allowed

    async def job(self, broadcast_id: int) -> Job:
        return Job(
            id=1, key="k", title=Text(""), text=Text(self.text), scheduled_at=NOW,
            answer=self.answer, single=self.single, gaps=self.gaps, weight=self.weight,
        )  # fmt: skip

    async def claim(self, channel_id: int, room: int) -> Claim:
        messages, self.waiting = self.waiting, []
        return Claim(messages, self.now, self.now + clock.SECOND)

    async def remaining(self, broadcast_id: int, channel_id: int) -> Remaining:
        raise AssertionError("its content is fine")

    async def reslot(self, channel_id: int, late: list[Claimed]) -> list[Claimed]:
        self.late += late
        return [replace(claimed, slot=self.now) for claimed in late]

    async def slots(self, channel_id: int, count: int) -> list[int]:
        self.slots_taken += count
        return [self.now] * count

    def begin(self, delivery: int) -> bool:
        return self.begin_together([delivery])

    def begin_together(self, deliveries: list[int]) -> bool:
        if self.may_begin:
            self.begun.append(deliveries)
        return self.may_begin

    def put(self, settlement: Settlement) -> None:
        self.settled.append(settlement)

    def wait(self, channel_id: int, seconds: float, reason: str) -> None:
        self.waits.append(reason)

    def waited(self, channel_id: int) -> None:
        """The provider takes messages: nothing was waiting."""

    def misconfigured(self, channel: ChannelFacts, reason: str) -> None:
        self.faults.append(reason)

    def pause_broadcast(self, broadcast_id: int, reason: str, known_at: int = 0) -> None:
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
