"""An answer that is worked out once for all who ask within some seconds."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeVar

PATIENCE: Final = 5.0  # seconds that the database may take
T = TypeVar("T")


class Fresh(Generic[T]):
    """A value that is read again when it has become old, by one reader at a time."""

    def __init__(self, read: Callable[[], Awaitable[T]], seconds: float) -> None:
        """``read`` is asked for the value, which is passed on for that many ``seconds``."""
        self._read = read
        self._seconds = seconds
        self._reading: asyncio.Task[T] | None = None
        self._asked_at = -seconds

    async def get(self) -> T:
        """The value. Raises TimeoutError after 5 s, and what reading it raises."""
        loop = asyncio.get_running_loop()
        is_old = loop.time() - self._asked_at >= self._seconds
        if self._reading is None or (self._reading.done() and is_old):
            self._asked_at = loop.time()
            self._reading = loop.create_task(self._value())
        if not self._reading.done():
            await asyncio.wait([self._reading], timeout=PATIENCE)
        if not self._reading.done():
            raise TimeoutError
        return self._reading.result()

    async def _value(self) -> T:
        return await self._read()
