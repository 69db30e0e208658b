"""A bounded number of places at one server, and the line of senders who wait for one."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from clarion.transport.errors import NotSent, Unavailable
from clarion.transport.messages import HttpReply

C = TypeVar("C")
_NO_REPLY = HttpReply(0, {}, b"")


class ConnectionPool(Generic[C]):
    """At most `limit` senders at a time; the others wait in the order they came.

    `idle` holds open connections nobody uses, the most recent last: reusing that one first lets
    the surplus grow old and be closed.
    """

    __slots__ = ("_line", "idle", "limit", "name", "taken", "usual_bytes", "usual_reply")

    def __init__(self, name: str, limit: int) -> None:
        self.name = name
        self.limit = limit
        self.taken = 0
        self.idle: list[C] = []
        self._line: deque[tuple[float, asyncio.Future[None]]] = deque()
        # The newest short HTTP reply, as it came and as it was read: the next is often the same.
        self.usual_bytes = b""
        self.usual_reply = _NO_REPLY

    @property
    def unused(self) -> bool:
        """Whether nobody holds a place, nobody waits, and no connection is open."""
        return not (self.taken or self.idle or self._line)

    @property
    def waiting(self) -> int:
        """How many stand in line (those who have just given up may still count)."""
        return len(self._line)

    def enter(self) -> bool:
        """Take a place if one is free. While anyone waits none is: `leave` hands places on."""
        if self.taken < self.limit:
            self.taken += 1
            return True
        return False

    async def wait(self, deadline: float) -> None:
        """Wait in line for a place. Raises Unavailable when `expire` is called past `deadline`."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.append((deadline, turn))
        try:
            await turn
        except asyncio.CancelledError:
            # Cancelled in the moment between being given a place and waking up.
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self.leave()
            raise

    def leave(self) -> None:
        """Give a place back: to the first in line, if any."""
        while self._line:
            turn = self._line.popleft()[1]
            if not turn.done():
                turn.set_result(None)
                return
        self.taken -= 1

    def expire(self, now: float) -> None:
        """Send away those whose deadline has passed, and forget those who left by themselves."""
        if not self._line:
            return
        still = deque[tuple[float, asyncio.Future[None]]]()
        for deadline, turn in self._line:
            if turn.done():
                continue
            if deadline <= now:
                self._refuse(turn, self._too_late())
            else:
                still.append((deadline, turn))
        self._line = still

    def dismiss(self, reason: str) -> None:
        """Send everyone in line away with Unavailable."""
        for _, turn in self._line:
            if not turn.done():
                self._refuse(turn, Unavailable(reason))
        self._line.clear()

    @staticmethod
    def _refuse(turn: asyncio.Future[None], problem: NotSent) -> None:
        turn.set_exception(problem)
        turn.exception()  # seen, also when the sender is cancelled before it wakes up

    def _too_late(self) -> NotSent:
        return Unavailable(
            f"No connection to {{server}} became free in time: all {self.limit} were busy. "
            "Lower the channel's rate.",
            self.name,
        )
