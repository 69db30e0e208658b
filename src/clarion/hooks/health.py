"""Whether this server answers, for load balancers and monitors."""

import asyncio
from typing import Final

from django.db import DatabaseError, connection

from clarion.hooks.group_commit import Runs
from clarion.hooks.wire import Answer, Request, not_allowed

FRESH: Final = 1.0  # seconds for which the database's last word is passed on
PATIENCE: Final = 5.0  # seconds that the database may take
_OK: Final = Answer(200, b"ok", b"text/plain")
_SILENT: Final = Answer(503, b"The database does not answer.", b"text/plain")


class Health:
    """``/healthz``: asks the database once a second, however often it is asked itself."""

    def __init__(self, reads: Runs) -> None:
        self._reads = reads
        self._asking: asyncio.Task[bool] | None = None
        self._asked_at = -FRESH

    async def answer(self, request: Request) -> Answer:
        """``ok``, or 503 when the database does not answer."""
        if request.method not in ("GET", "HEAD"):
            return not_allowed(b"GET", b"HEAD")
        loop = asyncio.get_running_loop()
        if self._asking is None or (self._asking.done() and loop.time() - self._asked_at >= FRESH):
            self._asked_at = loop.time()
            self._asking = loop.create_task(self._ask())
        if not self._asking.done():
            await asyncio.wait([self._asking], timeout=PATIENCE)
        return _OK if self._asking.done() and self._asking.result() else _SILENT

    async def _ask(self) -> bool:
        try:
            await self._reads.run(_select)
        except DatabaseError:
            return False
        return True


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
