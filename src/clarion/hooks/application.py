"""The way in for programs and links: callbacks, subscriptions, clicks and health checks.

No session, no middleware, no thread and no database connection for each request: what is to be
kept is verified on the event loop and written in groups, and answered when it is written. So a
provider may report thousands of receipts a second while agents use the pages of the same server.
"""

from typing import Final

from clarion.engine.group_commit import Runs
from clarion.engine.threads import DatabaseThreads
from clarion.hooks import callbacks, clicks, confirm, preferences, subscribing, unsubscribe
from clarion.hooks.callbacks import Callbacks
from clarion.hooks.clicks import Clicking
from clarion.hooks.confirm import Confirming
from clarion.hooks.health import HEALTH, READY, Health, Readiness
from clarion.hooks.monitors import PATH as METRICS
from clarion.hooks.monitors import Monitoring
from clarion.hooks.preferences import Choosing
from clarion.hooks.subscribing import Subscribing
from clarion.hooks.unsubscribe import Unsubscribing
from clarion.hooks.wire import Answer, Request, read_request, send_answer
from clarion.server.bodies import Application, Receive, Scope, Send

_PREFIXES: Final = (
    unsubscribe.PREFIX, clicks.PREFIX, preferences.PREFIX, confirm.PREFIX, subscribing.PREFIX,
)  # fmt: skip


class HookApplication:
    """An ASGI application that answers programs itself and leaves the rest to the pages."""

    def __init__(
        self, pages: Application, *, reads: Runs | None = None, writes: Runs | None = None
    ) -> None:
        """`reads`, `writes`: threads for the database; one each unless given."""
        reads = reads or DatabaseThreads("hooks-read", 1)
        writes = writes or DatabaseThreads("hooks-write", 1)
        self._pages = pages
        self._callbacks = Callbacks(reads, writes)
        self._unsubscribing = Unsubscribing(writes)
        self._clicking = Clicking(reads, writes)
        self._choosing = Choosing(reads, writes)
        self._confirming = Confirming(reads, writes)
        self._subscribing = Subscribing(reads, writes)
        self._exact = {
            HEALTH: Health(reads).answer,
            READY: Readiness(reads).answer,
            METRICS: Monitoring(reads).answer,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or not is_ours(scope["path"]):
            await self._pages(scope, receive, send)
            return
        request = await read_request(scope, receive)
        if request is None:
            return
        answer = await self._answer(request)
        await send_answer(send, answer, head_only=request.method == "HEAD")

    async def _answer(self, request: Request) -> Answer:
        if channel := callbacks.PATH.fullmatch(request.path):
            return await self._callbacks.answer(request, channel[1])
        if request.path.startswith(clicks.PREFIX):
            return await self._clicking.answer(request, request.path.removeprefix(clicks.PREFIX))
        if request.path.startswith(confirm.PREFIX):
            return await self._confirming.answer(request, request.path.removeprefix(confirm.PREFIX))
        if request.path.startswith(preferences.PREFIX):
            return await self._choosing.answer(
                request, request.path.removeprefix(preferences.PREFIX)
            )
        if request.path.startswith(subscribing.PREFIX):
            return await self._subscribing.answer(
                request, request.path.removeprefix(subscribing.PREFIX)
            )
        if answer := self._exact.get(request.path):
            return await answer(request)
        return await self._unsubscribing.answer(
            request, request.path.removeprefix(unsubscribe.PREFIX)
        )


def is_ours(path: str) -> bool:
    """Whether this application answers that path."""
    return (
        path in (HEALTH, READY, METRICS)
        or path.startswith(_PREFIXES)
        or callbacks.PATH.fullmatch(path) is not None
    )
