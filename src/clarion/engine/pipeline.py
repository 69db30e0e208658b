"""One channel's pipeline in a worker: claims ahead, attempts in parallel, reacts to refusals."""

import asyncio
import time
from collections import deque
from contextlib import suppress
from functools import partial

import structlog
from django.db import Error

from clarion.channels.contract import Accepted, Outcome, Refusal, Refused
from clarion.engine.attempt import (
    FAULT,
    STORY_WEBHOOK,
    Deliver,
    SendRequest,
    attempt,
    requeued,
    was_not_made,
)
from clarion.engine.claim import LATE, Claimed
from clarion.engine.claim_size import ClaimSize
from clarion.engine.content_watch import Broken
from clarion.engine.no_reply import MAYBE_SENT, without_reply
from clarion.engine.pipeline_host import PipelineHost
from clarion.engine.request_slots import in_slot
from clarion.engine.results import ContentTrouble, KnownGap, Result, StoryAnswered, StoryDown
from clarion.engine.retry import wait_of
from clarion.engine.snapshot import ChannelFacts
from clarion.engine.story_watch import StoryWatch
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement
from clarion.records.states import DeliveryState as D
from clarion.transport.errors import MaybeSent, NotSent

log = structlog.get_logger()
AHEAD = 0.125  # seconds of work left when the next claim is made
IDLE = 0.08  # seconds between claims that bring nothing
LEFT_TO_OTHERS = 0.5  # seconds until a worker claims again that has left people to an older one
SOON = 0.01  # seconds until it is seen what became of the first messages
DOWN_AFTER = 3  # connections in a row that failed: it is the provider, however few people
PRESSURE = 2.5  # throttled replies close together: the account is meant, not single messages
EASE = 0.9  # what an accepted message leaves of the pressure
PAUSING = 2 * clock.SECOND  # until a wait or a pause is written, so that claims go by it
FIRST_DOWN, MOST_DOWN = 1.0, 60.0  # seconds before one that is down is tried again; doubles
UNTESTED = 20  # messages that are claimed at most before the provider has answered once
UNSURE_AFTER = 20  # answers in a row that leave it open whether the message was taken
MOST_SILENT = 900.0  # seconds: each attempt at a server that never answers leaves one in doubt


class ChannelPipeline:
    """Feeds claimed messages to a fixed number of runners, each sending one at a time."""

    def __init__(
        self, host: PipelineHost, channel: ChannelFacts, send_request: SendRequest, runners: int
    ) -> None:
        self.channel = channel
        self._host = host
        self._send_request = send_request
        self._deliver: Deliver | None = None  # where a message may share its request with others
        self._buffer: deque[Claimed] = deque()
        self._idle: deque[asyncio.Future[None]] = deque()
        self._low = asyncio.Event()
        self._size = ClaimSize()
        self._late: list[Claimed] = []
        self._content = host.content
        self._stories = StoryWatch(host.put, send_request, host.asked_before, host.story_answers)
        self._pausing: dict[int, int] = {}  # broadcasts being paused -> until when, microseconds
        self._closed_until = 0  # microseconds: a wait or pause that claims may not know of yet
        self._waits_from = self._waits_until = 0.0  # of the newest wait, by time.monotonic()
        self._failures = 0  # connections in a row that failed
        self._down = FIRST_DOWN / 2
        self._probing = False  # one message at a time, until the provider answers again
        self._answered = False  # whether the provider has answered once
        self._untested = 1  # messages that are claimed before it has
        self._silent = False  # it did not answer the last message: it is checked before the next
        self._unsure = 0  # messages in a row that may or may not have been taken
        self._pressure, self._closing = 0.0, False
        self._tasks = [asyncio.create_task(self._feed())]
        self._tasks += [asyncio.create_task(self._run()) for _ in range(runners)]

    @property
    def quiet(self) -> bool:
        """Whether no message is waiting here or in flight."""
        nothing_kept = self._content.is_empty(self.channel.id) and self._stories.empty
        return self._is_at_rest and not self._late and nothing_kept

    @property
    def _is_at_rest(self) -> bool:
        """Whether no message is in flight, or about to be."""
        return not self._buffer and len(self._idle) == len(self._tasks) - 1

    async def close(self) -> None:
        """Finish what is in flight and queue the rest again."""
        self._closing = True
        self._low.set()
        self.requeue()
        for idle in self._idle:
            if not idle.done():
                idle.set_result(None)
        await asyncio.gather(*self._tasks)
        self.requeue()  # what was returned to the buffer meanwhile

    def requeue(self) -> None:
        """Queue again what has not been attempted."""
        self._requeue([*self._content.give_up(self.channel.id), *self._stories.give_up()])
        self._requeue(self._buffer)
        self._requeue(self._late)

    def _requeue(self, messages: list[Claimed] | deque[Claimed]) -> None:
        for claimed in messages:
            self._host.put(requeued(claimed, self.channel.id))
        messages.clear()

    def drop(self) -> None:
        """Forget what has not been attempted: it is no longer this worker's."""
        self._buffer.clear()
        self._late.clear()
        list(self._content.give_up(self.channel.id))
        self._stories.give_up()

    # feeding

    async def _feed(self) -> None:
        while not self._closing:
            try:
                pause = await self._fill()
            except Error as error:
                log.warning("claim_failed", channel=self.channel.name, error=str(error))
                pause = 0.5
            self._low.clear()
            if pause > 0 or not self._is_low():
                await self._wait_low(pause)

    async def _fill(self) -> float:
        """Claim once; return after how many seconds it is worth claiming again at the earliest."""
        if await self._judge_kept():
            return LEFT_TO_OTHERS
        await self._hold_unanswered()
        few = 1 if self._probing else 0 if self._answered else self._untested
        is_closed = self._closed_until > clock.now_us()
        if is_closed or self._probing:
            self._requeue(self._late)  # one message is tried first
        if is_closed or (few and not self._is_at_rest):
            return IDLE if is_closed or self._probing else SOON
        if self._late:
            late, self._late = self._late, []
            try:
                self._take(await self._host.reslot(self.channel.id, late))
            except Error:
                self._late += late  # they are still ours
                raise
        if not self._is_low():
            return 0.0
        self._size.now = self._host.room.claims(self.channel.id, few or self._size.next())
        if not self._size.now:
            return IDLE
        claim = await self._host.claim(self.channel.id, self._size.now)
        if claim.messages and self._silent and not await self._answers_check():
            self._requeue(claim.messages)
            return IDLE
        self._take(claim.messages)
        if claim.again_at:
            return max(0.005, min(IDLE, (claim.again_at - claim.now) / clock.SECOND))
        return 0.0

    async def _answers_check(self) -> bool:
        """Whether a provider that said nothing answers a harmless request: no message is lost."""
        began = time.monotonic()
        try:
            await self._send_request(self.channel.kind.check())
        except (NotSent, MaybeSent) as error:
            outcome = without_reply(error)
            if outcome.refusal is Refusal.MISCONFIGURED:
                self._react(outcome, began)
            else:
                self._probe(outcome, began, MOST_SILENT)
            return False
        self._silent = False
        return True

    def _take(self, messages: list[Claimed]) -> None:
        if self._closing:
            self._requeue(messages)
            return
        self._buffer.extend(messages)
        for _ in range(min(len(messages), len(self._idle))):
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(None)

    def _is_low(self) -> bool:
        if self.channel.rate is None:
            return len(self._buffer) < self._size.now // 2 + 1
        ahead = self._buffer[-1].slot - self._host.shared_now() if self._buffer else 0
        return ahead < AHEAD * clock.SECOND

    async def _wait_low(self, pause: float) -> None:
        if pause > 0 or self.channel.rate is not None:
            await asyncio.sleep(pause or 0.02)
        else:
            with suppress(TimeoutError):  # looking again costs nothing
                await asyncio.wait_for(self._low.wait(), IDLE)

    # running

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while not self._buffer:
                if self._closing:
                    return
                idle = loop.create_future()
                self._idle.append(idle)
                await idle
            claimed = self._buffer.popleft()
            if self.channel.rate is None and len(self._buffer) < self._size.now // 2:
                self._low.set()
            try:
                await self._attempt(claimed)
            except Exception:
                # A fault of ours: the delivery stays claimed and ends in doubt, others go on.
                log.exception("send_failed", delivery=claimed.delivery)
            self._size.sent += 1  # what has begun, and waits for a connection, shows no speed

    async def _attempt(self, claimed: Claimed) -> None:
        if claimed.slot and not await self._on_time(claimed):
            return
        if not self._may_send(claimed):
            self._host.put(requeued(claimed, self.channel.id))
            return
        try:
            job = await self._host.job(claimed.broadcast)
        except Error as error:  # the database is away: nothing was attempted
            log.warning("database_away", error=str(error))
            self._host.put(requeued(claimed, self.channel.id))
            return
        began = time.monotonic()
        if job.script is not None:
            self._stories.begin(claimed)
        try:
            settlement, result = await self._host.room.within(
                self.channel.id, claimed, job, self._send_request,
                partial(in_slot, self._host, self.channel.id, claimed,
                        partial(self._may_still_leave, claimed, began)),
                lambda send: attempt(claimed, self.channel, job, send, self._host, self._deliver),
            )  # fmt: skip
        finally:
            if job.script is not None:
                self._stories.end(claimed)
        if isinstance(result, KnownGap) or was_not_made(result) or settlement.state == D.SKIPPED:
            self._untested = min(self._untested * 2, UNTESTED)  # nothing was on its way
        if job.single:
            self._host.put(settlement)
        elif isinstance(result, StoryDown):
            self._stories.failed(claimed, settlement, result)
            return
        elif was_not_made(result):
            self._judge_content(claimed, settlement)
            return
        else:
            self._host.put(settlement)
            self._note(claimed, result, began)
        if isinstance(result, Accepted | Refused) and not was_not_made(result):
            self._react(result, began)

    def _note(self, claimed: Claimed, result: Result, began: float) -> None:
        """What an attempt shows of its broadcast, beside its own delivery."""
        broadcast = claimed.broadcast
        if isinstance(result, ContentTrouble):
            self._host.pause_broadcast(broadcast, result.reason, result.known_at)
        elif isinstance(result, StoryAnswered):
            self._content.works(self.channel.id, claimed, asking=True)
            self._stories.answered((broadcast, result.step), result.request, began)
            return
        if isinstance(result, Accepted | Refused) and not was_not_made(result):
            self._content.works(self.channel.id, claimed)
        self._host.probe_again(broadcast)

    def _judge_content(self, claimed: Claimed, settlement: Settlement) -> None:
        """Fail one person whose message could not be made, or pause what fails for everybody."""
        asking = settlement.code == STORY_WEBHOOK
        if broken := self._content.failed(claimed, settlement, self.channel.rate, asking=asking):
            self._pause_broken(claimed.broadcast, broken)

    async def _hold_unanswered(self) -> None:
        """Let broadcasts wait whose stories' webhooks answer nobody: it uses up no attempts."""
        for broadcast in self._stories.broadcasts():
            if not self._host.may_send(self.channel.id, broadcast):
                self._requeue(self._stories.give_up(broadcast))
        self._stories.ask_controls()
        for broadcast, reason in self._stories.down().items():
            self._pausing[broadcast] = clock.now_us() + PAUSING
            await self._host.hold_broadcast(broadcast, reason)
            for person in self._stories.give_up(broadcast):
                behind = requeued(person, self.channel.id)
                behind.due_at = clock.now_us()  # another one is tried next
                self._host.put(behind)
            self._requeue_buffered(broadcast)
            del self._pausing[broadcast]

    def _requeue_buffered(self, broadcast: int) -> None:
        others = [claimed for claimed in self._buffer if claimed.broadcast != broadcast]
        self._requeue([claimed for claimed in self._buffer if claimed.broadcast == broadcast])
        self._buffer = deque(others)

    async def _judge_kept(self) -> bool:
        """Decide on those whose message could not be made; whether an older worker is to do so."""
        are_left = False
        for key, is_time in self._content.kept(self.channel.id):
            broadcast = key[1]
            may_send = self._host.may_send(self.channel.id, broadcast)
            left = is_time and may_send and await self._host.remaining(broadcast, self.channel.id)
            if not may_send or (left and left.is_anothers):
                self._requeue(list(self._content.give_up(self.channel.id, key)))
                are_left |= may_send
            elif left and (broken := self._content.judge(key, left)):
                self._pause_broken(broadcast, broken)
        return are_left

    def _pause_broken(self, broadcast: int, broken: Broken) -> None:
        for settlement in broken.people:
            self._host.put(settlement)
        self._pausing[broadcast] = clock.now_us() + PAUSING
        self._host.pause_broadcast(broadcast, broken.sentence)

    def _may_send(self, claimed: Claimed) -> bool:
        if self._pausing and self._pausing.get(claimed.broadcast, 0) > clock.now_us():
            return False  # the pause itself is read a moment later
        if self._closed_until and self._closed_until > clock.now_us():
            return False
        return self._host.may_send(self.channel.id, claimed.broadcast)

    def _may_still_leave(self, claimed: Claimed, began: float) -> bool:
        """Whether a message that had to wait may leave, as far as its channel and broadcast go."""
        return not self._closing and began >= self._waits_from and self._may_send(claimed)

    async def _on_time(self, claimed: Claimed) -> bool:
        """Wait for the slot. A slot that was missed is not used: the message gets a new one."""
        wait = claimed.slot - self._host.shared_now()
        if wait > 0:
            await asyncio.sleep(wait / clock.SECOND)
        if self._host.shared_now() - claimed.slot <= LATE:
            return True
        self._late.append(claimed)
        self._low.set()
        return False

    # reacting

    def _react(self, outcome: Outcome, began: float) -> None:
        """Wait or pause the whole channel, where an outcome says so. ``began``: the attempt."""
        if not isinstance(outcome, Refused):
            self._pressure *= EASE
            self._answers()
        elif outcome.moved_to:
            self._answers()  # it does not ask us to slow down: the message goes to another id
        elif outcome.refusal is Refusal.THROTTLED:
            self._pressure += 1
            if outcome.whole_channel or self._pressure >= PRESSURE:
                self._wait(wait_of(outcome), outcome.reason, began)
        elif outcome.refusal is Refusal.MISCONFIGURED:
            self._closed_until = clock.now_us() + PAUSING
            self._host.misconfigured(self.channel, outcome.reason)
        elif outcome.refusal is Refusal.UNAVAILABLE:
            self._failures += 1
            if outcome.whole_channel or self._failures >= DOWN_AFTER:
                self._probe(outcome, began)
        elif outcome.refusal is not Refusal.UNKNOWN:
            self._answers()
        elif outcome.code != FAULT:
            self._unsure += 1
            is_silent = outcome.code == MAYBE_SENT
            is_enough = self._unsure >= (DOWN_AFTER if is_silent else UNSURE_AFTER)
            self._silent |= is_silent and (is_enough or not self._answered)
            if is_enough:
                self._probe(outcome, began, MOST_SILENT if is_silent else MOST_DOWN)

    def _answers(self) -> None:
        """The provider takes messages, or answers for one person."""
        self._failures, self._down, self._probing = 0, FIRST_DOWN / 2, False
        self._answered, self._unsure, self._silent = True, 0, False
        self._host.waited(self.channel.id)

    def _probe(self, outcome: Refused, began: float, most: float = MOST_DOWN) -> None:
        if began < self._waits_from:
            return  # in flight beside the one that was found out first: it says nothing new
        self._requeue(self._buffer)  # nothing but one message from now on
        self._probing, self._down = True, min(self._down * 2, most)
        self._wait(self._down, outcome.reason, began)

    def _wait(self, seconds: float, reason: str, began: float) -> None:
        """Let the channel wait. Longer than what is known already, or since people ended that."""
        now = time.monotonic()
        if began < self._waits_from and now + seconds <= self._waits_until:
            return
        self._waits_from, self._waits_until = now, now + seconds
        self._closed_until = clock.now_us() + min(round(seconds * clock.SECOND), PAUSING)
        self._host.wait(self.channel.id, seconds, reason)
