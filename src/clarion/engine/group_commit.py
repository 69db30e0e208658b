"""Group commit: what arrives within a few milliseconds is written in one transaction.

A transaction for each callback costs a commit each, which on a disk that keeps its promises takes
longer than everything else together. So the callbacks that arrive while a group is being written
make up the next one, and each is answered after the commit that holds it.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, Generic, Protocol, TypeVar

from django.db import InterfaceError, OperationalError

T = TypeVar("T")
_PAUSE: Final = 0.003  # seconds in which a group gathers; a commit takes about as long


class Overloaded(Exception):  # noqa: N818 - says what is the case, like asyncio's own
    """The database does not keep up, or does not answer: nothing is known to be written."""


class Runs(Protocol):
    """What runs database work beside the event loop."""

    def run(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]:
        """Run it in a thread; return or raise what it does."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much may wait, and for how long."""

    group: int = 500  # items of one transaction: some 10 ms, so that others get to write too
    waiting: int = 20_000  # items
    waiting_bytes: int = 64 * 1_048_576
    patience: float = 5.0  # seconds until an item is given up; providers wait 10 and more


@dataclass(slots=True, eq=False)
class _Item(Generic[T]):
    value: T
    size: int
    until: float  # on the loop's clock
    written: asyncio.Future[None]


class GroupCommit(Generic[T]):
    """Writes what it is given in groups, in order."""

    def __init__(
        self,
        write: Callable[[Sequence[T]], None],
        threads: Runs,
        bounds: Bounds | None = None,
        pause: float = _PAUSE,
    ) -> None:
        """`write` writes a group in one transaction of its own, called in one of the threads."""
        self._write = write
        self._threads = threads
        self._bounds = bounds or Bounds()
        self._pause = pause
        self._queue: deque[_Item[T]] = deque()
        self._size = 0
        self._group: Sequence[_Item[T]] = ()
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    async def add(self, value: T, size: int = 0) -> None:
        """Return when it is written; `size` is in bytes.

        Raises Overloaded when too much waits already, when it was not written in time, or when the
        database refuses all writing. Raises what `write` raises for this very item.
        """
        if len(self._queue) >= self._bounds.waiting or (
            self._size + size > self._bounds.waiting_bytes
        ):
            raise Overloaded
        loop = asyncio.get_running_loop()
        item = _Item(value, size, loop.time() + self._bounds.patience, loop.create_future())
        self._queue.append(item)
        self._size += size
        if self._task is None:
            self._task = loop.create_task(self._drain())
        if self._timer is None:
            self._timer = loop.call_at(item.until, self._give_up)
        await item.written

    async def _drain(self) -> None:
        try:
            await asyncio.sleep(self._pause)
            while self._queue:
                self._group = self._next_group()
                await self._write_group(self._group)
                self._group = ()
        finally:
            self._task = None

    def _next_group(self) -> list[_Item[T]]:
        group = list(islice(self._queue, self._bounds.group))
        for item in group:
            self._queue.popleft()
            self._size -= item.size
        return [item for item in group if not item.written.done()]

    async def _write_group(self, group: Sequence[_Item[T]]) -> None:
        """Write a group; where one item is refused, each on its own."""
        if not group:
            return
        problem: BaseException | None = None
        try:
            await self._threads.run(self._write, [item.value for item in group])
        except (OperationalError, InterfaceError) as error:
            problem = Overloaded()
            problem.__cause__ = error
        except Exception as error:  # noqa: BLE001 - handed to whoever waits for the item
            if len(group) > 1:
                for item in group:
                    await self._write_group([item])
                return
            problem = error
        for item in group:
            if item.written.done():
                continue
            if problem is None:
                item.written.set_result(None)
            else:
                item.written.set_exception(problem)

    def _give_up(self) -> None:
        """Answer those who have waited too long, whether or not their group is being written."""
        self._timer = None
        loop = asyncio.get_running_loop()
        for item in (*self._group, *self._queue):
            if item.written.done():
                continue
            if item.until > loop.time():
                self._timer = loop.call_at(item.until, self._give_up)
                break
            item.written.set_exception(Overloaded())
