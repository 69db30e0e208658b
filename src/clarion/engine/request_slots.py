"""The moments at which the requests of a channel may leave, where its provider counts requests."""

import asyncio
from collections import deque
from collections.abc import Callable

import structlog
from django.db import Error

from clarion.engine.claim import LATE, WINDOW, Claimed
from clarion.engine.pipeline_host import PipelineHost
from clarion.kit import clock

log = structlog.get_logger()


class RequestSlots:
    """Hands out a channel's slots, one to each request that is ready, a few of them ahead.

    All workers share them, so few are taken at once: what is urgent, or another worker's, has to
    wait for these.
    """

    def __init__(self, host: PipelineHost, channel_id: int, rate: float) -> None:
        self._host = host
        self._channel_id = channel_id
        self._at_once = max(1, int(rate * WINDOW / clock.SECOND))
        self._ready: deque[asyncio.Future[int]] = deque()
        self._taking: asyncio.Task[None] | None = None
        self._closing = asyncio.Event()

    async def wait(self, *, is_urgent: bool = False) -> None:
        """Wait until one request may leave. A slot that was missed is not used.

        ``is_urgent``: before all that wait already.
        """
        while not self._closing.is_set():
            moment = await self._next(is_urgent)
            await self._rest(moment - self._host.shared_now())
            if self._host.shared_now() - moment <= LATE:
                return

    def close(self) -> None:
        """Let nothing wait any more: the caller sends no more."""
        self._closing.set()
        for ready in self._ready:
            ready.set_result(0)
        self._ready.clear()

    async def _next(self, is_urgent: bool) -> int:
        ready: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if is_urgent:
            self._ready.appendleft(ready)
        else:
            self._ready.append(ready)
        if self._taking is None:
            self._taking = asyncio.create_task(self._take())
        return await ready

    async def _take(self) -> None:
        try:
            while self._ready:
                count = min(len(self._ready), self._at_once)
                try:
                    moments = await self._host.slots(self._channel_id, count)
                except Error as error:
                    log.warning("database_away", error=str(error))
                    await self._rest(clock.SECOND // 2)
                    continue
                for moment, ready in zip(moments, list(self._ready), strict=False):
                    self._ready.remove(ready)
                    ready.set_result(moment)
                await self._rest(moments[-1] - self._host.shared_now() - WINDOW // 2)
        finally:
            self._taking = None

    async def _rest(self, microseconds: int) -> None:
        if microseconds <= 0:
            return
        try:
            await asyncio.wait_for(self._closing.wait(), microseconds / clock.SECOND)
        except TimeoutError:
            return


async def in_slot(
    host: PipelineHost, channel_id: int, claimed: Claimed, may_leave: Callable[[], bool]
) -> bool:
    """Whether a message that had to wait may leave now; where its slot has passed, wait for another
    one. What it waited for it keeps meanwhile, or others would have it each time its slot comes."""
    slot = claimed.slot
    while may_leave():
        if not slot or host.shared_now() - slot <= LATE:
            return True
        try:
            [again] = await host.reslot(channel_id, [claimed])
        except Error as error:
            log.warning("database_away", error=str(error))
            return False
        slot = again.slot
        await asyncio.sleep(max(0, slot - host.shared_now()) / clock.SECOND)
    return False
