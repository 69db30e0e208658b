"""One HTTP/1.1 connection: writes a request, reads the reply, knows whether it can be used again.

Every way in which a reply can fail to arrive after the request was written ends in MaybeSent.
"""

import asyncio
import math
import select
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from clarion.transport.errors import MaybeSent, describe
from clarion.transport.messages import HttpReply, ReplyHeaders
from clarion.transport.pool import ConnectionPool

HEAD_MAX = 65_536  # bytes of reply headers; nginx and Apache send at most a fraction of this
_ONE_WRITE = 65_536  # a body up to this size is copied behind its head and written with it
_USUAL = 1_024  # bytes of a reply that is worth remembering
_TRUST = 0.05  # seconds for which an idle connection is taken to be alive without asking the kernel


class _Unacceptable(Exception):  # noqa: N818 - never leaves this module
    """Raised in a parser callback to end the reply."""


class Connection(asyncio.Protocol):
    """A connection that serves one request at a time.

    The client keeps it in `pool.idle` between requests and reads `deadline` and `since` (seconds on
    the loop's clock) from its timer.
    """

    __slots__ = (
        "_answer", "_body", "_body_size", "_fresh", "_head_only", "_in_body", "_keep", "_lines",
        "_loop", "_max_reply", "_on_gone", "_on_made", "_parser", "_patience", "_room", "_status",
        "_transport", "_trouble", "_waiter", "closed", "deadline", "pool", "since",
    )  # fmt: skip

    _answer: HttpReply | None
    _body: list[bytes]
    _fresh: bool  # nothing of the reply has arrived
    _lines: list[tuple[bytes, bytes]]
    _room: int

    def __init__(
        self,
        pool: "ConnectionPool[Connection]",
        max_reply: int,
        on_made: Callable[["Connection"], None],
        on_gone: Callable[["Connection"], None],
    ) -> None:
        self.pool = pool
        self.closed = False
        self.deadline = math.inf
        self.since = 0.0
        self._loop = asyncio.get_running_loop()
        self._max_reply = max_reply
        self._on_made = on_made
        self._on_gone = on_gone
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._waiter: asyncio.Future[HttpReply] | None = None
        self._patience = 0.0
        self._head_only = False
        self._start_reply()

    @property
    def busy(self) -> bool:
        """Whether a request was written that has no complete reply yet."""
        return self._waiter is not None

    def exchange(
        self, method: str, head: bytes, body: bytes, timeout: float
    ) -> asyncio.Future[HttpReply]:
        """Write a request and return the future of its reply; the future fails with MaybeSent only.

        Call it only on a connection that is neither `closed` nor `busy`.
        """
        assert self._transport is not None
        self._head_only = method == "HEAD"
        if not self._fresh:
            self._start_reply()
        self._patience = timeout
        self._waiter = waiter = self._loop.create_future()
        if len(body) <= _ONE_WRITE:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return waiter

    def alive(self, now: float) -> bool:
        """Whether an idle connection may be used: nothing has arrived on it, not even its end.

        The loop tells us so by callback, but only at its next turn; after a pause the kernel is
        asked, because a request written to a closed connection is in doubt for ever.
        """
        if self.closed or self._transport is None or self._transport.is_closing():
            return False
        if now - self.since < _TRUST:
            return True
        sock = self._transport.get_extra_info("socket")
        if sock is None:
            return False
        poll = select.poll()
        poll.register(sock.fileno(), select.POLLIN)
        return not poll.poll(0)

    def fail(self, reason: str) -> None:
        """End a request in flight with MaybeSent, and the connection with it."""
        waiter, self._waiter = self._waiter, None
        self.drop()
        if waiter is not None and not waiter.done():
            waiter.set_exception(MaybeSent(reason))
            waiter.exception()  # seen, also when the sender is cancelled before it wakes up

    def time_out(self) -> None:
        """End a request in flight because its time is up."""
        self.fail(f"The request was sent, but no complete reply came within {self._patience:g} s.")

    def drop(self) -> None:
        """Close at once. Aborting, because a polite TLS farewell waits for a peer that may be gone.

        Everything that had to be written was answered by now, or its fate is reported as unknown.
        """
        self._waiter = None
        self._retire()
        if self._transport is not None:
            self._transport.abort()

    # What the event loop calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport (asyncio)."""
        # A cast, because uvloop's transports are of no class of asyncio's.
        self._transport = cast(asyncio.Transport, transport)
        self.since = self._loop.time()
        if self.closed or transport.is_closing():
            # Opening it was cancelled; uvloop never calls connection_lost for such a one.
            self.closed = True
            self._transport.abort()
        else:
            self._on_made(self)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, and hand over the reply when it is complete (asyncio)."""
        if self._waiter is None:
            # A peer that talks unasked would have its words taken for the next request's reply.
            self.drop()
            return
        is_first, self._fresh = self._fresh, False
        if is_first and data == self.pool.usual_bytes and not self._head_only:
            # Read before, to the letter; the parser is at a start, as it would be behind it.
            self._fresh = self._keep = True
            self._finish(self.pool.usual_reply)
            return
        self._room -= len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade):
            self._keep = False
            if self._answer is None:
                self.fail(self._trouble or "The reply is not valid HTTP.")
                return
        if self._answer is not None:
            if is_first and self._keep and len(data) <= _USUAL and not self._head_only:
                self.pool.usual_bytes, self.pool.usual_reply = data, self._answer
            self._finish(self._answer)
        elif self._room < 0:
            self.fail("The reply is larger than Clarion accepts.")
        elif not self._in_body and self._room < 2 * self._max_reply:
            self.fail("The headers of the reply are larger than Clarion accepts.")

    def eof_received(self) -> None:
        """Take the end of the stream as the end of the reply where HTTP allows it (asyncio)."""
        self._ended(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Settle what is still open (asyncio)."""
        self._ended(exc)
        self._on_gone(self)

    # What the parser calls

    def on_message_begin(self) -> None:
        """Notice that more follows the reply we asked for (httptools)."""
        if self._answer is not None:
            self._keep = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Collect a header; trailers are left out (httptools)."""
        if not self._in_body:
            self._lines.append((name, value))

    def on_headers_complete(self) -> None:
        """Look at the status; a reply to HEAD ends here (httptools)."""
        self._status = status = self._parser.get_status_code()
        if status < 100 or status == 101:
            # 101 changes to a protocol that nobody asked for (RFC 9110 15.2.2).
            self._trouble = f"The reply has a status that makes no sense here ({status})."
            raise _Unacceptable
        if status >= 200 and self._answer is None:
            self._in_body = True
            if self._head_only:
                # The parser can't be told that no body follows, so it can't be used again.
                self._complete(False)

    def on_body(self, body: bytes) -> None:
        """Collect a piece of the body (httptools)."""
        self._body_size += len(body)
        if self._body_size > self._max_reply:
            self._trouble = "The reply is larger than Clarion accepts."
            raise _Unacceptable
        self._body.append(body)

    def on_message_complete(self) -> None:
        """Take the reply, or go on after an interim one (RFC 9110 15.2) (httptools)."""
        if self._answer is not None:
            return
        if self._status < 200:
            self._lines = []
        else:
            self._complete(self._parser.should_keep_alive())

    # Helpers

    def _start_reply(self) -> None:
        self._fresh = True
        # Twice the body, because the framing of a chunked one may outweigh it, but has to end.
        self._room = 2 * self._max_reply + HEAD_MAX
        self._answer = None
        self._lines = []
        self._body = []
        self._body_size = 0
        self._in_body = False
        self._keep = False
        self._status = 0
        self._trouble = ""

    def _complete(self, keep: bool) -> None:
        body = self._body
        self._answer = HttpReply(
            self._status,
            ReplyHeaders(self._lines),
            body[0] if len(body) == 1 else b"".join(body),
        )
        self._keep = keep
        # What may follow in the same segment must not be mixed into the reply.
        self._lines, self._body, self._in_body = [], [], False

    def _finish(self, answer: HttpReply) -> None:
        waiter, self._waiter, self._answer = self._waiter, None, None
        transport = self._transport
        # A reply that came before the request was fully written: the rest must not follow it.
        if not self._keep or (transport is not None and transport.get_write_buffer_size()):
            self.drop()
        if waiter is not None and not waiter.done():
            waiter.set_result(answer)

    def _ended(self, problem: Exception | None) -> None:
        self._retire()
        if self._waiter is None:
            return
        if problem is None and self._in_body and self._ends_with_stream():
            self._complete(False)
            assert self._answer is not None
            self._finish(self._answer)
        elif problem is None:
            self.fail("The other side closed the connection before a complete reply.")
        else:
            self.fail(f"The connection broke before a complete reply: {describe(problem)}.")

    def _ends_with_stream(self) -> bool:
        """Whether the reply has no length of its own (RFC 9112 6.3)."""
        headers = ReplyHeaders(self._lines)
        coding = headers.get("transfer-encoding")
        if coding is not None:
            return not coding.lower().endswith("chunked")
        return "content-length" not in headers

    def _retire(self) -> None:
        if not self.closed:
            self.closed = True
            if self in self.pool.idle:
                self.pool.idle.remove(self)
