"""The threads in which a worker talks to its database, each with a connection of its own."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from django.db import Error, connection

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseThreads:
    """A few threads for database work."""

    def __init__(self, name: str, count: int) -> None:
        self._count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix=name)

    async def run(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run database work in one of the threads, and return what it returns or raises."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: _run(work, *args, **kwargs))

    def close(self) -> None:
        """End the threads and their connections; nothing may be run afterwards."""
        # The barrier keeps one thread from taking two turns.
        together = threading.Barrier(self._count)

        def close() -> None:
            together.wait()
            connection.close()

        for _ in range(self._count):
            self._pool.submit(close)
        self._pool.shutdown()


def _run(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run database work; leave no connection behind that the server has closed."""
    try:
        return work(*args, **kwargs)
    except Error:
        connection.close()
        raise
