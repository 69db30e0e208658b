"""How many requests are answered at the same time; the others wait for their turn."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from clarion.server.bodies import Application, Message, Receive, Scope, Send

_BUSY: Final = b"The server is busy. Try again in a minute.\n"


@dataclass(slots=True)
class Group:
    """Requests that share their turns."""

    at_once: int  # requests that are being answered
    waiting: int  # requests that may wait; more are refused with 503
    seconds: float = 30.0  # that one may wait
    busy: tuple[str, bytes] = ("text/plain; charset=utf-8", _BUSY)  # type and body of the refusal
    _turns: asyncio.Semaphore = field(init=False)
    _queue: int = 0

    def __post_init__(self) -> None:
        self._turns = asyncio.Semaphore(self.at_once)

    async def enter(self) -> bool:
        """Wait for a turn; False when the line is too long or does not move."""
        if self._turns.locked() and self._queue >= self.waiting:
            return False
        self._queue += 1
        try:
            async with asyncio.timeout(self.seconds):
                await self._turns.acquire()
        except TimeoutError:
            return False
        finally:
            self._queue -= 1
        return True

    def leave(self) -> None:
        """Give the turn to the next one."""
        self._turns.release()


class Turns:
    """An ASGI application that lets a bounded number of requests into another one at a time.

    Each costs a thread, a database connection and the memory of what it makes, so many at once
    serve nobody sooner and fill the memory. A turn begins when the whole request is here and ends
    when the answer begins: neither a slow sender nor a slow reader holds one.
    """

    def __init__(self, application: Application, group_of: Callable[[str], Group]) -> None:
        """`group_of` is asked with the path."""
        self._application = application
        self._group_of = group_of

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        turn = _Turn(self._group_of(scope["path"]), receive, send)
        try:
            await self._application(scope, turn.receive, turn.send)
        finally:
            turn.end()
        if turn.refused:
            await _say_busy(send, *turn.group.busy)


class _Turn:
    """One request on its way through."""

    def __init__(self, group: Group, receive: Receive, send: Send) -> None:
        self.refused = False
        self.group = group
        self._receive = receive
        self._send = send
        self._state = "before"

    async def receive(self) -> Message:
        message = await self._receive()
        if self._state == "before" and not message.get("more_body"):
            self._state = "over"
            if message["type"] == "http.request":
                if await self.group.enter():
                    self._state = "on"
                else:
                    self.refused = True
                    return {"type": "http.disconnect"}
        return message

    async def send(self, message: Message) -> None:
        self.end()
        await self._send(message)

    def end(self) -> None:
        if self._state == "on":
            self._state = "over"
            self.group.leave()


async def _say_busy(send: Send, content_type: str, body: bytes) -> None:
    headers = [
        (b"content-type", content_type.encode()),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", b"60"),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": body})
