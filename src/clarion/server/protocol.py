"""HTTP/1.1 with deadlines: uvicorn's protocol, closed where a client keeps the server waiting."""

import asyncio
from typing import Any, Final, Literal

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from clarion.server.connections import Connections

NEVER: Final = float("inf")
_TIMEOUT: Final = (408, b"Request Timeout", b"The request did not arrive in time.\n")
_HEAD_TOO_LARGE: Final = (431, b"Request Header Fields Too Large", b"The headers are too large.\n")
# What is being read: nothing yet, the head of a request, its body, or nothing until the next one.
Reading = Literal["begin", "head", "body", "pause"]


class TooManyPipelined(Exception):  # noqa: N818 - ends the parsing; nobody gets to see it
    """A client sends more requests than may wait behind the one that is being answered."""


class State(ServerState):
    """uvicorn's state of a server, with our registry of its connections."""

    def __init__(self, guarded: Connections) -> None:
        super().__init__()
        self.guarded = guarded


class GuardedProtocol(HttpToolsProtocol):
    """One connection.

    uvicorn parses and answers; this adds what it leaves open: deadlines for the head, the body and
    the reading of an answer, bounds for the head and for pipelined requests, and a place in the
    registry, which may close the connection to make room.
    """

    def __init__(
        self,
        config: Config,
        server_state: State,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.guarded = server_state.guarded
        self.limits = server_state.guarded.limits
        self.peer = ""
        self._reading: Reading = "begin"
        self._began = self.loop.time()
        self._read_bytes = 0  # of the head, then of the body
        self._read_by = NEVER
        self._written_by = NEVER

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a place; wait for the first request."""
        super().connection_made(transport)
        self.peer = self.client[0] if self.client else ""
        self._read_by = self._began + self.limits.head
        self.guarded.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Give the place back."""
        self.guarded.discard(self)
        self._read_by = self._written_by = NEVER
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse what came, and look whether the head grows too large."""
        if self.transport.is_closing():
            return
        if self._reading == "pause":
            self._await_head()
        if self._reading in ("begin", "head"):
            self._read_bytes += len(data)
        super().data_received(data)
        if self._reading in ("begin", "head") and self._read_bytes > self.limits.head_bytes:
            self._refuse(*_HEAD_TOO_LARGE)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        if self._reading not in ("begin", "head"):
            self._await_head()
        self._reading = "head"

    def on_headers_complete(self) -> None:
        """Its head is complete."""
        super().on_headers_complete()
        if len(self.pipeline) > self.limits.pipelined:
            raise TooManyPipelined
        self._reading = "body"
        self._began = self.loop.time()
        self._read_bytes = 0
        self._read_by = self._began + self.limits.body

    def on_body(self, body: bytes) -> None:
        """A piece of its body gives the rest more time."""
        self._read_bytes += len(body)
        earned = self._read_bytes / self.limits.body_rate
        self._read_by = self._began + self.limits.body + earned
        super().on_body(body)

    def on_message_complete(self) -> None:
        """All of it has come."""
        super().on_message_complete()
        self._reading = "pause"
        self._read_by = NEVER
        self._read_bytes = 0
        if self.cycle is not None and self.cycle.response_complete:
            self.guarded.waits(self)  # it was answered before it had come
        else:
            self.guarded.works(self)

    def on_response_complete(self) -> None:
        """It is answered: its client has to take the answer now, or to ask for more."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._written_by = min(self._written_by, self.loop.time() + self.limits.stall)
        elif self._reading != "pause" or self.cycle.response_complete:
            self.guarded.waits(self)

    def pause_writing(self) -> None:
        """The client takes its answer more slowly than it is made."""
        super().pause_writing()
        self._written_by = self.loop.time() + self.limits.stall

    def resume_writing(self) -> None:
        """It has taken some of it."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._written_by = NEVER

    def timeout_keep_alive_handler(self) -> None:
        """No further request came. What the client has not taken by now, it does not want."""
        self.drop()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP; never in the middle of another answer."""
        if self.cycle is None or self.cycle.response_complete:
            super().send_400_response(msg)
            self._written_by = self.loop.time() + self.limits.stall
        else:
            self.drop()

    def shutdown(self) -> None:
        """The server ends: wait for answers that are being made, not for clients."""
        if self._reading in ("begin", "pause"):
            super().shutdown()
        else:
            self.drop()

    def overdue(self, now: float) -> bool:
        """Whether the client has kept the server waiting too long."""
        return now >= self._read_by or now >= self._written_by

    def expire(self) -> None:
        """Close it: with an answer where a request has begun, else without a word."""
        now = self.loop.time()
        if now >= self._written_by or self._reading in ("begin", "pause"):
            self.drop()
        elif self.flow.read_paused:
            self._read_by = now + self.limits.body  # it is the server that does not read on
        else:
            self._refuse(*_TIMEOUT)

    def drop(self) -> None:
        """Close at once."""
        self.guarded.discard(self)
        self._read_by = self._written_by = NEVER
        self.transport.abort()

    def _await_head(self) -> None:
        self._reading = "head"
        self._read_bytes = 0
        self._read_by = self.loop.time() + self.limits.head

    def _refuse(self, status: int, phrase: bytes, sentence: bytes) -> None:
        """Answer instead of the application, where no other answer is under way, and close."""
        if self._reading == "body":
            free = not self.cycle.response_started and not self.pipeline
        else:
            free = self.cycle is None or self.cycle.response_complete
        if not free or self.transport.is_closing():
            self.drop()
            return
        self.transport.write(
            b"HTTP/1.1 %d %b\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\n"
            b"content-length: %d\r\n\r\n%b" % (status, phrase, len(sentence), sentence)
        )
        if self._reading == "body":
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.close()
        self._read_by = NEVER
        self._written_by = self.loop.time() + self.limits.stall
