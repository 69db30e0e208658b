"""How large the body of a request may be: known by its address, judged before it is stored."""

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

UNASKED: Final = 65_536  # bytes that anybody may send to an address that needs a log-in
HELD: Final = 256 * 1_048_576  # bytes of bodies that are only partly here, over all requests
LINGER: Final = 10.0  # seconds in which a client that is refused may finish what it was sending


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer instead of the application's."""

    status: int
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """What one address takes."""

    largest: int  # bytes
    needs_agent: bool  # more than a little only from who is logged in
    uploads: bool = False  # large by intention: not counted among what is held


class BodyLimits:
    """An ASGI application that stands before another one and refuses bodies it must not store.

    A declared length is believed and refused at once; a body without one is counted as it comes.
    What is refused is neither kept nor shown to the application. The client gets a moment to finish
    sending, as most read no answer before that.
    """

    def __init__(
        self,
        application: Application,
        *,
        rule: Callable[[str], Rule],
        is_agent: Callable[[Scope], Awaitable[bool]],
        refusal: Callable[[Scope, int, Rule], Awaitable[Refusal]],
        held: int = HELD,
    ) -> None:
        """`rule` is asked with the path, `refusal` with the request, its status and its rule."""
        self._application = application
        self._rule = rule
        self._is_agent = is_agent
        self._refusal = refusal
        self._free = held

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        declared = _declared(scope)
        if scope["type"] != "http" or declared == 0:
            await self._application(scope, receive, send)
            return
        rule = self._rule(scope["path"])
        status = await self._judge(scope, rule, declared)
        if status:
            await self._refuse(scope, receive, send, status, rule)
            return
        counted = _Counted(self, receive, rule)
        try:
            await self._application(scope, counted.receive, counted.guard(send))
        finally:
            counted.release()
        if counted.status and not counted.answered:
            await self._refuse(scope, receive, send, counted.status, rule)

    async def _judge(self, scope: Scope, rule: Rule, declared: int | None) -> int:
        """The status to refuse it with before anything is read, 0 for none."""
        if declared is not None and declared > rule.largest:
            return 413
        if not rule.uploads and (declared or 0) > self._free:
            return 503
        asks = rule.needs_agent and (declared is None or declared > UNASKED)
        return 403 if asks and not await self._is_agent(scope) else 0

    async def _refuse(
        self, scope: Scope, receive: Receive, send: Send, status: int, rule: Rule
    ) -> None:
        answer = await self._refusal(scope, status, rule)
        headers = [
            (b"content-type", answer.content_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            (b"connection", b"close"),
            (b"cache-control", b"no-store"),
        ]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body, "more_body": True})
        try:
            async with asyncio.timeout(LINGER):
                while (await receive()).get("more_body"):
                    pass
        except TimeoutError:
            pass
        await send({"type": "http.response.body", "body": b""})

    def take(self, size: int) -> bool:
        """Count bytes as held; False when there are too many of them already."""
        if size > self._free:
            return False
        self._free -= size
        return True

    def give_back(self, size: int) -> None:
        """Those bytes are held no more."""
        self._free += size


class _Counted:
    """The receiving side of one request, which ends at the limit as if the client had gone."""

    def __init__(self, limits: BodyLimits, receive: Receive, rule: Rule) -> None:
        self.status = 0
        self.answered = False
        self._limits = limits
        self._receive = receive
        self._rule = rule
        self._size = 0
        self._held = 0

    async def receive(self) -> Message:
        message = await self._receive()
        size = len(message.get("body", b""))
        self._size += size
        if self._size > self._rule.largest:
            self.status = 413
        elif not self._rule.uploads and message.get("more_body"):
            if self._limits.take(size):
                self._held += size
            else:
                self.status = 503
        elif self._held:
            self.release()  # it is whole: now it is the application's
        return {"type": "http.disconnect"} if self.status else message

    def guard(self, send: Send) -> Send:
        async def noted(message: Message) -> None:
            self.answered = True
            await send(message)

        return noted

    def release(self) -> None:
        self._limits.give_back(self._held)
        self._held = 0


def _declared(scope: Scope) -> int | None:
    """The declared length of the body in bytes, None for one that is not declared."""
    for name, value in scope.get("headers", ()):
        if name == b"content-length":
            return int(value)
        if name == b"transfer-encoding":
            return None
    return 0
