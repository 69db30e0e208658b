"""Sending one message to several recipients with one request, where a channel's kind can.

Claimed deliveries of a broadcast whose messages are the same wait a moment for each other. Before
the first byte leaves the journal says of all of them that they share a request, so that a crash
leaves exactly these in doubt. Afterwards each has an outcome of its own.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace

import structlog

from clarion.channels.contract import (
    Outcome,
    Outgoing,
    Refusal,
    Refused,
    Reply,
    Request,
    SendsBatches,
)
from clarion.engine.attempt import FAULT, OURS, SendRequest, concluded, requeued
from clarion.engine.claim import LATE, TOGETHER, WINDOW, Claimed
from clarion.engine.no_reply import without_reply
from clarion.engine.pipeline_host import PipelineHost
from clarion.engine.render import MessageStep
from clarion.engine.request_slots import RequestSlots
from clarion.engine.results import Result
from clarion.engine.retry import backoff
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.transport.errors import MaybeSent, NotSent

log = structlog.get_logger()
# Refused for what it says or whom it is to: one of them may be the reason, so each is sent alone.
_ABOUT_ONE = frozenset({Refusal.REJECTED, Refusal.UNREACHABLE})
# Requests that may wait for their turn, in rooms. Who comes beyond that is queued again: how many
# messages share a request is known only once they are rendered, and whoever waits here is not
# reached by an opt-out, and is in the way of what is urgent.
_ROOMS = 4
_NEWEST = 0.3  # how much the newest request counts in the mean number of recipients


@dataclass(frozen=True, slots=True)
class _Answer:
    """What became of one message."""

    outcome: Outcome
    began: float  # by time.perf_counter()
    was_shared: bool  # it had no request of its own


@dataclass(slots=True)
class _Member:
    """One message that is to be sent."""

    claimed: Claimed
    outgoing: Outgoing
    request: Request  # of its own
    is_urgent: bool
    # None: it was not sent.
    answer: asyncio.Future[_Answer | None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True)
class _Group:
    """Messages that wait for others that are the same."""

    members: list[_Member]
    timer: asyncio.TimerHandle


@dataclass(frozen=True, slots=True)
class _Batch:
    """One request and those whose messages it has."""

    members: Sequence[_Member]
    request: Request
    read: Callable[[Reply], Sequence[Outcome]]

    @property
    def is_shared(self) -> bool:
        return len(self.members) > 1


class Batches:
    """Sends the messages of one channel, those that are the same together.

    ``at_once``: most requests in flight.
    """

    def __init__(
        self,
        host: PipelineHost,
        channel: ChannelFacts,
        send_request: SendRequest,
        may_send: Callable[[Claimed], bool],
        at_once: int,
    ) -> None:
        assert isinstance(channel.kind, SendsBatches)
        self.mean = 1.0  # recipients of a request, the newest ones most and those with many first
        self.room = at_once  # requests that may wait for their turn before nothing is claimed
        self._host = host
        self._channel = channel
        # The provider knows a request again, not the messages in it: one that shared a request
        # must not be sent again in another one.
        self._of_shared = replace(channel, policy=replace(channel.policy, idempotent=False))
        self._kind = channel.kind
        self._send_request = send_request
        self._may_send = may_send
        self._in_flight = asyncio.Semaphore(at_once)
        self._groups: dict[tuple[int, Hashable], _Group] = {}
        self._waiting = 0  # requests that wait for their turn
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = asyncio.Event()
        self._slots: RequestSlots | None = None
        if (rate := channel.request_rate) is not None:
            self._slots = RequestSlots(host, channel.id, rate)
            self.room = max(1, min(at_once, round(rate * WINDOW / clock.SECOND)))

    @property
    def is_full(self) -> bool:
        """Whether enough requests wait for their turn, or soon will."""
        gathering = max(0, len(self._groups) - 1)  # one that more messages may join
        return self._waiting + gathering >= self.room

    def close(self) -> None:
        """Let what has not begun be queued again."""
        self._closing.set()
        for key in list(self._groups):
            self._send_group(key)
        if self._slots is not None:
            self._slots.close()

    async def deliver(
        self, claimed: Claimed, job: Job, step: MessageStep, request: Request
    ) -> tuple[Settlement, Result]:
        """Send a message, with others where they are the same; return what to settle of it.

        What may have been sent before is sent alone, so that it has the key that it had then.
        """
        member = _Member(claimed, step.outgoing, request, job.single)
        is_alone = job.single or claimed.maybe_sent
        common = None if is_alone else self._kind.shared(step.outgoing)
        if common is None:
            await self._send([member])
        else:
            self._join((claimed.broadcast, common), member)
        answer = await member.answer
        if answer is None:
            return requeued(claimed, self._channel.id), None
        channel = self._of_shared if answer.was_shared else self._channel
        return concluded(claimed, channel, job, step, answer.outcome, answer.began)

    def _join(self, key: tuple[int, Hashable], member: _Member) -> None:
        group = self._groups.get(key)
        if group is None:
            loop = asyncio.get_running_loop()
            timer = loop.call_later(TOGETHER / clock.SECOND, self._send_group, key)
            group = self._groups[key] = _Group([], timer)
        group.members.append(member)
        if (
            len(group.members) == self._channel.kind.limits.most_recipients
            or self._closing.is_set()
        ):
            self._send_group(key)

    def _send_group(self, key: tuple[int, Hashable]) -> None:
        group = self._groups.pop(key)
        group.timer.cancel()
        task = asyncio.create_task(self._send(group.members))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _send(self, members: Sequence[_Member], *, is_rest: bool = False) -> None:
        """Send to these with one request, and give each its answer.

        ``is_rest``: a request that they shared was refused.
        """
        if self._waiting >= _ROOMS * self.room and not members[0].is_urgent and not is_rest:
            self.mean = max(1.0, self.mean / 2)  # fewer share a request than before
            for member in members:
                member.answer.set_result(None)
            return
        try:
            await self._attempt(members)
        except Exception:
            # A fault of ours. Whether they were sent is not known here.
            log.exception("send_failed", channel=self._channel.name)
            unknown = Refused(Refusal.UNKNOWN, OURS, FAULT)
            for member in members:
                if not member.answer.done():
                    member.answer.set_result(_Answer(unknown, time.perf_counter(), was_shared=True))

    async def _attempt(self, members: Sequence[_Member]) -> None:
        async with self._turn(is_urgent=members[0].is_urgent):
            batch = self._begun(members)
            if batch is None:
                return
            began, outcomes = time.perf_counter(), await self._outcomes(batch)
        if batch.is_shared and _is_unknown(outcomes) and self._channel.policy.idempotent:
            outcomes = await self._repeated(batch, outcomes)
        elif batch.is_shared and (whole := _whole(outcomes)) and whole.refusal in _ABOUT_ONE:
            await asyncio.gather(*(self._send([member], is_rest=True) for member in batch.members))
            return
        for member, outcome in zip(batch.members, outcomes, strict=True):
            member.answer.set_result(_Answer(outcome, began, batch.is_shared))

    def _begun(self, members: Sequence[_Member]) -> _Batch | None:
        """The batch of those who may be sent to now, noted as begun; the others are not sent."""
        leaving = [member for member in members if self._may_leave(member)]
        batch = self._batch(leaving) if leaving else None
        if batch is not None and not self._begin(leaving):
            batch, leaving = None, []
        sent = {id(member) for member in leaving}
        for member in members:
            if id(member) not in sent:
                member.answer.set_result(None)
        return batch

    def _may_leave(self, member: _Member) -> bool:
        if self._closing.is_set() or not self._may_send(member.claimed):
            return False
        has_slot = self._channel.rate is not None and member.claimed.slot
        late = self._host.shared_now() - member.claimed.slot if has_slot else 0
        return late <= TOGETHER + LATE

    def _begin(self, leaving: Sequence[_Member]) -> bool:
        if len(leaving) == 1:
            return self._host.begin(leaving[0].claimed.delivery)
        return self._host.begin_together([member.claimed.delivery for member in leaving])

    def _batch(self, members: Sequence[_Member]) -> _Batch:
        messages = [member.outgoing for member in members]
        alone = members[0].request if len(members) == 1 else None
        request = alone or self._kind.batch_request(messages)
        return _Batch(members, request, lambda reply: self._kind.batch_outcomes(messages, reply))

    @asynccontextmanager
    async def _turn(self, *, is_urgent: bool) -> AsyncIterator[None]:
        """A connection, and the moment at which a request may leave."""
        self._waiting += 1
        try:
            if not is_urgent:
                await self._in_flight.acquire()
            if self._slots is not None:
                await self._slots.wait(is_urgent=is_urgent)
        finally:
            self._waiting -= 1
        try:
            yield
        finally:
            if not is_urgent:
                self._in_flight.release()

    async def _outcomes(self, batch: _Batch) -> Sequence[Outcome]:
        """Send a request; the outcome of each of its messages, in their order."""
        # More at once, so that batches are full soon; fewer by and by.
        count = len(batch.members)
        self.mean = max(count, self.mean + _NEWEST * (count - self.mean))
        outcome: Outcome
        try:
            outcomes = batch.read(await self._send_request(batch.request))
            if len(outcomes) == len(batch.members):
                return outcomes
            raise AssertionError("a kind gives an outcome for every message")
        except (NotSent, MaybeSent) as error:
            outcome = without_reply(error)
        except Exception:
            log.exception("reply_failed", channel=self._channel.name)
            outcome = Refused(Refusal.UNKNOWN, OURS, FAULT)
        return [outcome] * len(batch.members)

    async def _repeated(self, batch: _Batch, unknown: Sequence[Outcome]) -> Sequence[Outcome]:
        """The outcomes of the same request again, which the provider drops if it took the first.

        What refuses the repeat says nothing of the first one, so these stay unknown.
        """
        policy = self._channel.policy
        for attempts in range(1, policy.attempts):
            with suppress(TimeoutError):  # an hour is possible: the worker does not wait for it
                seconds = backoff(policy, attempts) / clock.SECOND
                await asyncio.wait_for(self._closing.wait(), seconds)
            async with self._turn(is_urgent=False):
                if not self._may_leave(batch.members[0]):
                    break
                outcomes = await self._outcomes(batch)
            if _whole(outcomes) is None:
                return outcomes
        return unknown


def _whole(outcomes: Sequence[Outcome]) -> Refused | None:
    """The refusal of the whole request, None where there is none."""
    first = outcomes[0]
    if isinstance(first, Refused) and all(outcome is first for outcome in outcomes):
        return first
    return None


def _is_unknown(outcomes: Sequence[Outcome]) -> bool:
    whole = _whole(outcomes)
    return whole is not None and whole.refusal is Refusal.UNKNOWN
