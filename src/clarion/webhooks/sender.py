"""Posting to endpoints, beside the sending of messages: a task for each endpoint that needs one."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import structlog
from django.db import Error

from clarion.transport.errors import TransportError
from clarion.transport.messages import HttpReply, HttpRequest
from clarion.webhooks import queue
from clarion.webhooks.queue import Lease, Outcome, Prepared

log = structlog.get_logger()


class _Run(Protocol):
    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


class WebhookSender:
    """Serves the endpoints that no other worker has.

    ``run`` does database work in a thread, ``send`` sends a request, ``is_stopping`` says when to
    end.
    """

    def __init__(
        self,
        run: _Run,
        send: Callable[[HttpRequest], Awaitable[HttpReply]],
        is_stopping: Callable[[], bool],
    ) -> None:
        self._run = run
        self._send = send
        self._is_stopping = is_stopping
        self._tasks: dict[int, asyncio.Task[None]] = {}

    async def serve_endpoints(self) -> None:
        """Begin with the endpoints that have something due."""
        for endpoint_id, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[endpoint_id]
        for endpoint_id in await self._run(queue.endpoints_to_serve):
            if endpoint_id not in self._tasks:
                self._tasks[endpoint_id] = asyncio.create_task(self._serve(endpoint_id))

    async def close(self) -> None:
        """Wait for the requests that are on their way."""
        await asyncio.gather(*self._tasks.values())

    async def _serve(self, endpoint_id: int) -> None:
        try:
            lease = await self._run(queue.take, endpoint_id)
            if lease is None:
                return
            try:
                await self._post_all(lease)
            finally:
                await self._run(queue.give_back, lease)
        except Error as error:
            log.warning("database_away", error=str(error), work="webhooks")
        except Exception:
            log.exception("failed", work="webhooks", endpoint=endpoint_id)

    async def _post_all(self, lease: Lease) -> None:
        while not self._is_stopping():
            round_ = await self._run(queue.next_round, lease)
            if round_.is_last:
                return
            outcomes = await asyncio.gather(*(self._post(each) for each in round_.requests))
            if outcomes:
                await self._run(queue.settle, lease.endpoint_id, outcomes)

    async def _post(self, prepared: Prepared) -> Outcome:
        began = time.monotonic()
        try:
            reply = await self._send(prepared.request)
        except TransportError as error:
            return Outcome(prepared.id, None, error.named, _since(began))
        words = f"The receiver answered {reply.status}."
        return Outcome(prepared.id, reply.status, words, _since(began), _retry_after(reply))


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1_000)


def _retry_after(reply: HttpReply) -> int:
    """Seconds that the receiver asks us to wait. A date is not understood, which is 0."""
    text = reply.headers.get("retry-after", "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0
