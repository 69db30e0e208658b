"""Collects settlements and writes them in batches beside the sending."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog
from django.db import InterfaceError, OperationalError

from clarion.records.deliveries.settle import Settlement

log = structlog.get_logger()
BATCH = 500  # rows that are worth a transaction at once
MOST = 4 * BATCH  # rows of one transaction
EVERY = 0.03  # seconds
# A transaction costs as much as some twenty outcomes more in it. So a batch of this many waits for
# others to share that, until FULLER seconds have passed.
MANY, FULLER = 16, 0.1
Write = Callable[[list[Settlement], bool], Awaitable[None]]  # the batch, and whether again


class Settler:
    """Writes what is put into it, at most ``EVERY`` or, where it is much, ``FULLER`` seconds later.

    While the database is away it keeps what it has and tries again: the outcome of a message
    that was sent is not lost as long as this process lives.
    """

    def __init__(self, write: Write) -> None:
        self._write = write
        self._waiting: list[Settlement] = []
        self._some = asyncio.Event()
        self._full = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._closing = False
        self._again = False  # the last try broke off: it may have been written all the same

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, settlement: Settlement) -> None:
        """Have this settled soon."""
        self._waiting.append(settlement)
        if len(self._waiting) == 1:
            self._empty.clear()
            self._some.set()
        elif len(self._waiting) == BATCH:
            self._full.set()

    async def run(self) -> None:
        """Write until closed and empty."""
        while self._waiting or not self._closing:
            await self._some.wait()
            if not self._closing and len(self._waiting) < BATCH:
                self._full.clear()
                await self._wait_full(EVERY)
                if MANY <= len(self._waiting) < BATCH:
                    await self._wait_full(FULLER - EVERY)
            batch = self._waiting[:MOST]
            if batch and await self._written(batch):
                del self._waiting[: len(batch)]
            if not self._waiting:
                self._empty.set()
                if not self._closing:
                    self._some.clear()

    async def _wait_full(self, seconds: float) -> None:
        with suppress(TimeoutError):  # the batch is what has come by then
            await asyncio.wait_for(self._full.wait(), seconds)

    async def flushed(self) -> None:
        """Wait until nothing is waiting to be written."""
        await self._empty.wait()

    def close(self) -> None:
        """Let ``run`` end when all is written."""
        self._closing = True
        self._some.set()
        self._full.set()

    async def _written(self, batch: list[Settlement]) -> bool:
        try:
            await self._write(batch, self._again)
            self._again = False
        except (OperationalError, InterfaceError) as error:
            self._again = True
            log.warning("database_away", error=str(error), waiting=len(self._waiting))
            await asyncio.sleep(0.5)
            return False
        except Exception:
            if len(batch) == 1:
                # Its neighbours must not wait for it: it stays claimed and ends in doubt.
                log.exception("settle_failed", delivery=batch[0].delivery)
                return True
            for settlement in batch:
                while not await self._written([settlement]):
                    pass
        return True
