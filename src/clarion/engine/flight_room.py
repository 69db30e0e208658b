"""How many bytes of large requests a worker has in flight at once, over all of its channels.

A request is held in memory until it is answered. Most are small, and only their number is limited;
one with attachments may have 50 MB. So a message that may be large waits here before it is made,
and its pipeline claims nothing meanwhile. What the requests of a broadcast weigh is known from its
files at first, and then from the newest one.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from clarion.channels.contract import Reply, Request
from clarion.engine.attempt import SendRequest, requeued
from clarion.engine.claim import Claimed
from clarion.engine.results import Result
from clarion.engine.snapshot import Job
from clarion.records.deliveries.settle import Settlement
from clarion.transport.messages import HttpRequest, SmtpRequest

MOST: Final = 64 * 1024 * 1024  # bytes; a request that is larger leaves when no other is in flight
SMALL: Final = 256 * 1024  # bytes of a request that is not counted
REMEMBERED: Final = 1_000  # messages of broadcasts whose weight is known
Sent = tuple[Settlement, Result]
_Key = tuple[int, int, int]  # channel, broadcast, how many messages a person has had


@dataclass(slots=True, eq=False)
class _Share:
    """What one message takes of the room."""

    bytes: int
    is_urgent: bool
    turn: asyncio.Future[None] | None = None  # while it waits


class FlightRoom:
    """Belongs to the event loop of a worker."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._taken = 0
        self._line: deque[_Share] = deque()
        self._weights: OrderedDict[_Key, int] = OrderedDict()
        self._waiting: Counter[int] = Counter()  # messages of each channel that wait
        self._newest: dict[int, int] = {}  # bytes of the newest large message of each channel

    @property
    def taken(self) -> int:
        """Bytes of the large requests that are being made or are in flight."""
        return self._taken

    def claims(self, channel_id: int, size: int) -> int:
        """How many of ``size`` messages are worth claiming now: none while others wait here, and of
        large ones no more than fit, so that what is urgent finds no long line."""
        if self._waiting[channel_id]:
            return 0
        newest = self._newest.get(channel_id, 0)
        return min(size, max(1, self._most // newest)) if newest else size

    async def within(
        self,
        channel_id: int,
        claimed: Claimed,
        job: Job,
        send_request: SendRequest,
        may_leave: Callable[[], Awaitable[bool]],
        attempt: Callable[[SendRequest], Awaitable[Sent]],
    ) -> Sent:
        """Attempt a message when its request has room; it is queued again where it waited for that
        and then ``may_leave`` says that it must not be sent any more. It keeps its room meanwhile,
        so ``may_leave`` may wait for another slot."""
        key = (channel_id, claimed.broadcast, claimed.progress.sent)
        weight = self._weights.get(key, job.weight) if self._weights else job.weight
        share = _Share(weight, job.single)
        if weight <= SMALL:
            share.bytes = 0
            self._newest.pop(channel_id, None)
        else:
            self._newest[channel_id] = weight

        def send_weighed(request: Request) -> Awaitable[Reply]:
            self._weigh(key, share, request)
            return send_request(request)

        if not share.bytes:
            try:
                return await attempt(send_weighed)
            finally:
                if share.bytes:
                    self._leave(share)
        waited = await self._enter(channel_id, share)
        try:
            if waited and not await may_leave():
                return requeued(claimed, channel_id), None
            return await attempt(send_weighed)
        finally:
            self._leave(share)

    async def _enter(self, channel_id: int, share: _Share) -> bool:
        """Take the share after those who wait already; return whether that took a while."""
        if not self._line and self._fits(share):
            self._taken += share.bytes
            return False
        share.turn = asyncio.get_running_loop().create_future()
        if share.is_urgent:
            self._line.appendleft(share)
        else:
            self._line.append(share)
        self._waiting[channel_id] += 1
        try:
            await share.turn
        except asyncio.CancelledError:
            if share in self._line:
                self._line.remove(share)
                self._let_in()
            elif not share.turn.cancelled():
                self._leave(share)  # it was let in at the same moment
            raise
        finally:
            self._waiting[channel_id] -= 1
        return True

    def _weigh(self, key: _Key, share: _Share, request: Request) -> None:
        """Count what a request really has, and remember it for the next one."""
        weight = _bytes_of(request)
        if weight <= SMALL and not share.bytes:
            return
        self._weights[key] = weight
        self._weights.move_to_end(key)
        if len(self._weights) > REMEMBERED:
            self._weights.popitem(last=False)
        counted = weight if weight > SMALL else 0
        self._taken += counted - share.bytes
        share.bytes = counted
        self._let_in()

    def _leave(self, share: _Share) -> None:
        self._taken -= share.bytes
        share.bytes = 0
        self._let_in()

    def _let_in(self) -> None:
        while self._line and self._fits(self._line[0]):
            share = self._line.popleft()
            assert share.turn is not None
            if not share.turn.done():
                self._taken += share.bytes
                share.turn.set_result(None)

    def _fits(self, share: _Share) -> bool:
        return not self._taken or self._taken + share.bytes <= self._most


def _bytes_of(request: Request) -> int:
    if isinstance(request, HttpRequest):
        return len(request.body)
    if isinstance(request, SmtpRequest):
        return len(request.message) + len(request.tail)
    return 0
