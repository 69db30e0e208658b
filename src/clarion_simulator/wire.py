"""HTTP/1.1 on a bare asyncio.Protocol: parse, keep replies in order, break them on purpose."""

import asyncio
import json
import socket
import struct
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine
from http import HTTPStatus
from typing import Any, Protocol, cast

import httptools

KEEP, CLOSE, RESET, LINGER = range(4)  # what becomes of the connection after a reply

MAX_HEAD = 524_288  # more than one read of the event loop brings (256 KiB)
LINGER_SECONDS = 1.0
SLOW_PIECES = 10
JSON = "application/json"
_RST = struct.pack("ii", 1, 0)
_HEADS: dict[tuple[int, str], str] = {}

Handler = Callable[["Connection"], None]


class App(Protocol):
    """What a connection needs from the simulator."""

    max_body: int
    slow_seconds: float
    resets_on_arrival: bool
    connections: "set[Connection]"
    tasks: set[asyncio.Task[None]]

    def handler(self, url: bytes) -> Handler: ...
    def reset_on_arrival(self) -> bool: ...
    def note_reset(self, received: int) -> None: ...
    def note_refused(self, received: int, kind: str) -> None: ...


def http_reply(
    status: int, body: bytes | str, *, headers: str = "", content_type: str = JSON
) -> bytes:
    """A whole HTTP reply; `headers` are complete lines with their CR LF."""
    if isinstance(body, str):
        body = body.encode()
    head = _HEADS.get((status, content_type))
    if head is None:
        head = (
            f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\nServer: clarion-simulator\r\n"
            f"Content-Type: {content_type}\r\nContent-Length: "
        )
        _HEADS[status, content_type] = head
    return f"{head}{len(body)}\r\n{headers}\r\n".encode() + body


def json_reply(status: int, value: Any) -> bytes:
    """A whole HTTP reply with a JSON body."""
    return http_reply(status, json.dumps(value))


def reset(transport: asyncio.Transport) -> None:
    """Close with RST instead of FIN, dropping what was not sent."""
    sock = transport.get_extra_info("socket")
    if sock is not None and not transport.is_closing():
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST)
    transport.abort()


class Slot:
    """The place of one reply in the order in which the requests came."""

    __slots__ = ("data", "gone", "ready", "then", "turn")

    def __init__(self, then: int) -> None:
        self.data = b""
        self.then = then
        self.ready = False
        self.gone = False  # the connection ended before its turn
        self.turn: asyncio.Future[None] | None = None


class Connection(asyncio.Protocol):
    """One client connection. Handlers read `url`, `headers`, `body` and call `answer`."""

    __slots__ = (
        "_deaf",
        "_head_size",
        "_most",
        "_parser",
        "_reading",
        "_writable",
        "app",
        "body",
        "headers",
        "keep",
        "loop",
        "received",
        "slots",
        "spared",
        "transport",
        "url",
    )

    transport: asyncio.Transport

    def __init__(self, app: App) -> None:
        self.app = app
        self.loop = asyncio.get_running_loop()
        self.slots: deque[Slot] = deque()
        self.url = b""
        self.headers: dict[bytes, bytes] = {}
        self.body: bytes | bytearray = b""
        self.received = 0  # monotonic ns of the request's first byte
        self.spared = False  # the chance of a reset was drawn before the request was complete
        self.keep = True
        self._reading = False
        self._head_size = 0
        self._most = MAX_HEAD
        self._deaf = False
        self._writable: asyncio.Future[None] | None = None
        self._parser = httptools.HttpRequestParser(self)

    @property
    def method(self) -> bytes:
        """The request's method."""
        return self._parser.get_method()

    @property
    def http_version(self) -> str:
        """The request's HTTP version, like 1.1."""
        return self._parser.get_http_version()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.app.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self.app.connections.discard(self)
        self._deaf = True
        del self._parser  # it refers back to this object
        self._drop_slots()
        self.resume_writing()

    def pause_writing(self) -> None:
        self._writable = self.loop.create_future()
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        if self._writable and not self._writable.done():
            self._writable.set_result(None)
            if not self.transport.is_closing():
                self.transport.resume_reading()
        self._writable = None

    def data_received(self, data: bytes) -> None:
        if self._deaf:
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self._end()  # the request is answered as any other; what follows it is not HTTP
        except httptools.HttpParserCallbackError:
            raise  # our own mistake: asyncio reports it and closes
        except httptools.HttpParserError:
            self._refuse(400, "This is not an HTTP request.", "invalid")
        if self._reading and not self._deaf:
            self._incomplete(len(data))

    def _end(self) -> None:
        self._deaf = True
        if not self.slots:
            self.transport.close()
        elif self.slots[-1].then == KEEP:
            self.slots[-1].then = CLOSE

    def _incomplete(self, size: int) -> None:
        self._head_size += size
        if self._head_size > self._most:
            self._refuse(431, "The request is too large.", "413")
        elif self.app.resets_on_arrival and not self.spared:
            self.spared = True
            if self.app.reset_on_arrival():
                self.app.note_reset(self.received)
                self._deaf = True
                reset(self.transport)

    # Parser callbacks.

    def on_message_begin(self) -> None:
        self.received = time.monotonic_ns()
        self.url = b""
        self.headers = {}
        self.body = b""
        self.spared = False
        self._reading = True
        self._head_size = 0
        self._most = MAX_HEAD

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._most = MAX_HEAD + self.app.max_body
        length = self.headers.get(b"content-length")
        if length is not None and int(length) > self.app.max_body:
            self._refuse(413, f"The body is larger than {self.app.max_body} bytes.", "413")
        elif b"expect" in self.headers and not self._deaf:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        if self._deaf:
            return
        if not self.body:
            self.body = data
        else:
            if isinstance(self.body, bytes):
                self.body = bytearray(self.body)
            self.body += data
        if len(self.body) > self.app.max_body:
            self._refuse(413, f"The body is larger than {self.app.max_body} bytes.", "413")

    def on_message_complete(self) -> None:
        self._reading = False
        if self._deaf:
            return
        self.keep = self._parser.should_keep_alive()
        self.app.handler(self.url)(self)
        if not self.keep:
            self._deaf = True

    def _refuse(self, status: int, sentence: str, kind: str) -> None:
        if self._deaf:
            return
        self.app.note_refused(self.received, kind)
        self.keep = False
        self.answer(json_reply(status, {"error": sentence}), LINGER)
        self._deaf = True

    # Replies.

    def answer(self, data: bytes, then: int = KEEP, delay: float = 0.0) -> None:
        """Reply after `delay` seconds, behind the replies that are due before."""
        if then == KEEP and not self.keep:
            then = CLOSE
        if not delay and not self.slots:
            self._send(data, then)
            return
        slot = self.hold(then)
        if delay:
            self.loop.call_later(delay, self.fill, slot, data)
        else:
            self.fill(slot, data)

    def hold(self, then: int = KEEP) -> Slot:
        """Keep a place for a reply that `fill` brings later, or never."""
        slot = Slot(CLOSE if then == KEEP and not self.keep else then)
        self.slots.append(slot)
        return slot

    def fill(self, slot: Slot, data: bytes) -> None:
        """Bring the reply for a place."""
        slot.data = data
        slot.ready = True
        self._flush()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine for this request; it ends at the latest with the simulator."""
        task = self.loop.create_task(work)
        self.app.tasks.add(task)
        task.add_done_callback(self.app.tasks.discard)

    async def stream(self, slot: Slot, pieces: AsyncIterator[bytes]) -> None:
        """Send a reply in pieces when its turn has come, no faster than the client reads."""
        if not slot.gone and self.slots[0] is not slot:
            slot.turn = self.loop.create_future()
            await slot.turn
        async for piece in pieces:
            if self.transport.is_closing():
                return
            self.transport.write(piece)
            if self._writable:
                await self._writable
        self.fill(slot, b"")

    def act(self, do: str, delay: float, data: bytes) -> None:
        """Send the reply `data` of an accepted request in the way that `do` says."""
        if do in ("ok", "failed"):
            self.answer(data, KEEP, delay)
        elif do in ("reset-after", "reset-before"):
            self.answer(b"", RESET, delay if do == "reset-after" else 0.0)
        elif do == "hang":
            self.hold()
        elif do == "slow":
            self.start(self.stream(self.hold(), self._in_pieces(data, delay)))
        else:
            spoilt, then = spoil(do, data)
            self.answer(spoilt, then, delay)

    async def _in_pieces(self, data: bytes, delay: float) -> AsyncIterator[bytes]:
        await asyncio.sleep(delay)
        size = -(-len(data) // SLOW_PIECES)
        for start in range(0, len(data), size):
            await asyncio.sleep(self.app.slow_seconds / SLOW_PIECES)
            yield data[start : start + size]

    def _flush(self) -> None:
        slots = self.slots
        while slots and slots[0].ready:
            slot = slots.popleft()
            self._send(slot.data, slot.then)
        if slots and slots[0].turn and not slots[0].turn.done():
            slots[0].turn.set_result(None)

    def _send(self, data: bytes, then: int) -> None:
        if self.transport.is_closing():
            return
        if data:
            self.transport.write(data)
        if then == KEEP:
            return
        self._deaf = True
        self._drop_slots()
        if then == RESET:
            reset(self.transport)
        elif then == CLOSE:
            self.transport.close()
        else:
            # Closing with unread input would send RST and could destroy the reply on its way.
            self.transport.write_eof()
            self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def _drop_slots(self) -> None:
        for slot in self.slots:
            slot.gone = True
            if slot.turn and not slot.turn.done():
                slot.turn.cancel()
        self.slots.clear()


def spoil(do: str, data: bytes) -> tuple[bytes, int]:
    """A broken version of a good reply, and what becomes of the connection."""
    head, _, body = data.partition(b"\r\n\r\n")
    if do == "html502":
        page = "<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
        return http_reply(502, page, content_type="text/html"), KEEP
    if do == "empty":
        return http_reply(200, b""), KEEP
    if do == "cut":
        return head + b"\r\n\r\n" + body[: len(body) // 2], CLOSE
    if do == "cut-json":
        return http_reply(200, body[: len(body) // 2]), KEEP
    return b"\x00\x1f\x8b this is not HTTP\r\n\r\n", CLOSE
