"""Requests that callbacks ask for, such as the confirmation of a subscription.

Such a callback waits in a lane of its own until its request was answered with 2xx. While one worker
sends it, it is not due for the others; if that worker ends, it becomes due again. So a request may
be repeated, which a kind allows for (``FollowsUp``).
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from clarion.channels.abilities import FollowsUp
from clarion.channels.contract import Reply, Request
from clarion.channels.registry import adapter
from clarion.engine import callbacks
from clarion.engine.callbacks import Taken
from clarion.engine.models import Callback
from clarion.kit import clock, db
from clarion.transport.errors import TransportError
from clarion.transport.messages import HttpReply

log = structlog.get_logger()
AT_ONCE = 20
PATIENCE = 3_600 * clock.SECOND  # how long a request is tried
FIRST_WAIT = 60 * clock.SECOND  # longer than a request takes; doubled with each try
UNREADABLE = "The settings of the channel can't be read, so that no request can be sent."
GIVEN_UP = "The provider did not accept the request that this callback asks for, for an hour."


@dataclass(frozen=True, slots=True)
class Asked:
    """A callback, and the request that it asks for."""

    callback: int
    request: Request


def take_due(now: int | None = None) -> list[Asked]:
    """The requests that are due, which nobody else takes for a minute."""
    at = db.now_us() if now is None else now
    if not callbacks.is_due(Callback.Lane.FOLLOW_UP, at):  # nearly always
        return []
    with db.write():
        due = callbacks.take(Callback.Lane.FOLLOW_UP, at, AT_ONCE)
        asked, dropped, done = [], [], []
        for callback in due:
            request, problem = _request(callback, at)
            if problem:
                dropped.append((callback, problem))
            elif request is None:  # the kind sees it in another way by now
                done.append(callback.id)
            else:
                asked.append((callback, Asked(callback.id, request)))
        callbacks.keep_dropped((callback.id, problem) for callback, problem in dropped)
        callbacks.count_drops(((c.channel.pk, problem) for c, problem in dropped), at)
        callbacks.delete(done)
        callbacks.try_again(
            (callback.id, at + (FIRST_WAIT << min(callback.tries, 10))) for callback, _ in asked
        )
    return [each for _, each in asked]


def _request(callback: Taken, at: int) -> tuple[Request | None, str]:
    """The request, or why there will be none."""
    if at - clock.to_us(callback.hook.received_at) > PATIENCE:
        return None, GIVEN_UP
    try:
        kind = adapter(callback.channel)
    except ValueError:
        return None, UNREADABLE
    return (kind.follow_up(callback.hook) if isinstance(kind, FollowsUp) else None), ""


class FollowUps:
    """Sends what is due. ``run`` does database work in a thread, ``send`` sends a request."""

    def __init__(
        self,
        run: Callable[..., Awaitable[Any]],
        send: Callable[[Request], Awaitable[Reply]],
    ) -> None:
        self._run = run
        self._send = send

    async def send_due(self) -> None:
        """Send what is due now."""
        due: Sequence[Asked] = await self._run(take_due)
        answered = await asyncio.gather(*(self._is_answered(each) for each in due))
        done = [each.callback for each, good in zip(due, answered, strict=True) if good]
        if done:
            await self._run(callbacks.delete, done)

    async def _is_answered(self, asked: Asked) -> bool:
        try:
            reply = await self._send(asked.request)
        except TransportError as error:
            log.warning("follow_up_failed", callback=asked.callback, error=error.named)
            return False
        status = reply.status if isinstance(reply, HttpReply) else 0
        if not 200 <= status <= 299:
            log.warning("follow_up_refused", callback=asked.callback, status=status)
        return 200 <= status <= 299
