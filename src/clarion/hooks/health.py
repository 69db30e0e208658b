"""Whether this server answers, and whether it is ready to work: for load balancers and monitors."""

import json
from typing import Final

from django.db import DatabaseError, connection

from clarion.engine import metrics
from clarion.engine.group_commit import Runs
from clarion.hooks.freshness import Fresh
from clarion.hooks.wire import Answer, Request, not_allowed
from clarion.kit.db.schema import SchemaError, require_current

HEALTH: Final = "/healthz"
READY: Final = "/readyz"
FRESH: Final = 1.0  # seconds for which the database's last word is passed on
SCHEMA_FRESH: Final = 10.0  # for which a structure that is not up to date is not looked at again
LATELY: Final = 60.0  # seconds since the last heartbeat of a worker
_OK: Final = Answer(200, b"ok", b"text/plain")
_SILENT: Final = Answer(503, b"The database does not answer.", b"text/plain")


class Health:
    """``/healthz``: asks the database once a second, however often it is asked itself."""

    def __init__(self, reads: Runs) -> None:
        self._reads = reads
        self._fresh = Fresh(self._ask, FRESH)

    async def answer(self, request: Request) -> Answer:
        """``ok``, or 503 when the database does not answer."""
        if request.method not in ("GET", "HEAD"):
            return not_allowed(b"GET", b"HEAD")
        try:
            await self._fresh.get()
        except (DatabaseError, TimeoutError):
            return _SILENT
        return _OK

    async def _ask(self) -> None:
        await self._reads.run(_select)


class Readiness:
    """``/readyz``: whether messages would be sent, and what is missing if not."""

    def __init__(self, reads: Runs) -> None:
        self._reads = reads
        self._fresh = Fresh(self._ask, FRESH)
        # A structure that fits does so for as long as this process lives; a newer one is for newer
        # processes, and this one continues to fit or fails at its queries.
        self._schema: str | None = "not checked yet"
        self._schema_fresh = Fresh(self._ask_schema, SCHEMA_FRESH)

    async def answer(self, request: Request) -> Answer:
        """200 when all is well, else 503; a JSON object that says so of each part."""
        if request.method not in ("GET", "HEAD"):
            return not_allowed(b"GET", b"HEAD")
        try:
            parts = await self._fresh.get()
        except (DatabaseError, TimeoutError):
            unknown = "not checked, because the database does not answer"
            parts = {
                "database": "does not answer",
                "migrations": unknown,
                "worker": unknown,
            }
        ready = all(part == "ok" for part in parts.values())
        body = json.dumps({"ready": ready, **parts}).encode()
        return Answer(200 if ready else 503, body, b"application/json")

    async def _ask(self) -> dict[str, str]:
        await self._reads.run(_select)
        if self._schema is not None:
            self._schema = await self._schema_fresh.get()
        worker = "not checked, because the database is not up to date"
        if self._schema is None:
            worker = await self._reads.run(_worker)
        return {"database": "ok", "migrations": self._schema or "ok", "worker": worker}

    async def _ask_schema(self) -> str | None:
        try:
            await self._reads.run(require_current)
        except SchemaError as error:
            return str(error)
        return None


def _select() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def _worker() -> str:
    workers = metrics.workers()
    if workers.stuck and workers.stuck == workers.alive:
        return "running, but it can't send: run clarion check"
    if workers.alive or (workers.heartbeat_age is not None and workers.heartbeat_age < LATELY):
        return "ok"
    return "no worker is running, so nothing is sent: start one with clarion worker"
