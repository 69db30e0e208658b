"""Pages in threads that stay: a WSGI application behind the event loop.

Django's own ASGI handler gives each request a thread and a database connection of its own, which
costs more than most pages do. Here a request takes one of a few threads that keep theirs, once its
body is complete, and gives it back with its answer; only a download keeps it until its end.
See docs/decisions/0037-lean-way-in.md for what else was measured.
"""

import asyncio
import contextvars
import sys
import threading
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

from clarion.server.bodies import Message, Receive, Scope, Send

IN_MEMORY: Final = 2_621_440  # bytes of a body; a larger one goes to a temporary file
_LOOK: Final = 1.0  # seconds after which a thread that waits for a reader looks whether it is there
_BUSY: Final = b"Other downloads are running. Try again in a minute.\n"
_BUSY_HEADERS: Final = [
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(_BUSY)),
    (b"retry-after", b"60"),
    (b"cache-control", b"no-store"),
]
Headers = list[tuple[bytes, bytes]]
Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


class ReaderLeft(Exception):  # noqa: N818 - says what is the case
    """Nobody reads the answer any more."""


class WsgiBridge:
    """An ASGI application that has requests answered by a WSGI application in threads."""

    def __init__(self, application: Application, *, threads: int, downloads: int) -> None:
        """`threads` make answers; `downloads` more may be busy with answers in many pieces."""
        self._application = application
        self._pool = ThreadPoolExecutor(threads + downloads, thread_name_prefix="page")
        self._downloads = threading.Semaphore(downloads)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        body = await whole_body(receive)
        if body is None:
            return
        exchange = _Exchange(self._downloads, asyncio.get_running_loop(), receive, send)
        with body:
            environ = environ_of(scope, body)
            work = contextvars.copy_context().run
            answering = exchange.loop.run_in_executor(
                self._pool, work, exchange.answer, self._application, environ
            )
            try:
                for message in await answering:
                    await send(message)
            finally:
                exchange.leave()


class _Exchange:
    """One request and its answer; `answer` runs in a thread, everything else on the loop."""

    def __init__(
        self,
        downloads: threading.Semaphore,
        loop: asyncio.AbstractEventLoop,
        receive: Receive,
        send: Send,
    ) -> None:
        self.loop = loop
        self._downloads = downloads
        self._receive = receive
        self._send = send
        self._left = threading.Event()
        self._watching: asyncio.Task[None] | None = None
        self._status = 500
        self._headers: Headers = []

    def answer(self, application: Application, environ: Environ) -> list[Message]:
        """Make the answer; return what of it is still to be sent."""
        pieces = application(environ, self._begin)
        try:
            if not getattr(pieces, "streaming", False):
                return messages_of(self._status, self._headers, b"".join(pieces))
            if not self._downloads.acquire(blocking=False):
                return messages_of(503, _BUSY_HEADERS, _BUSY)
            try:
                self._stream(pieces)
            finally:
                self._downloads.release()
        except ReaderLeft:
            return []
        finally:
            close = getattr(pieces, "close", None)
            if close is not None:
                close()
        return [{"type": "http.response.body", "body": b""}]

    def leave(self) -> None:
        """End the watch, and whatever still waits for the reader."""
        self._left.set()
        if self._watching is not None:
            self._watching.cancel()

    def _begin(self, status: str, headers: list[tuple[str, str]], _error: Any = None) -> None:
        self._status = int(status[:3])
        self._headers = [
            (name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers
        ]

    def _stream(self, pieces: Iterable[bytes]) -> None:
        start, _ = messages_of(self._status, self._headers, b"")
        self._wait_for(self._start(start))
        for piece in pieces:
            self._wait_for(
                self._send({"type": "http.response.body", "body": piece, "more_body": True})
            )

    async def _start(self, message: Message) -> None:
        self._watching = self.loop.create_task(self._watch())
        await self._send(message)

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._left.set()

    def _wait_for(self, sending: Any) -> None:
        """Wait until the reader has taken enough for the next piece. Raises ReaderLeft."""
        future = asyncio.run_coroutine_threadsafe(sending, self.loop)
        while not self._left.is_set():
            try:
                future.result(_LOOK)
            except TimeoutError:
                continue
            return
        future.cancel()
        raise ReaderLeft


def messages_of(status: int, headers: Headers, body: bytes) -> list[Message]:
    """An answer as the server takes it."""
    return [
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    ]


async def whole_body(receive: Receive) -> IO[bytes] | None:
    """The body, None when the client left before its end."""
    message = await receive()
    if message["type"] == "http.disconnect":
        return None
    if not message.get("more_body"):
        return BytesIO(message.get("body", b""))
    body = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed by who asked for it
    while True:
        body.write(message.get("body", b""))
        if not message.get("more_body"):
            return body
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            return None


def environ_of(scope: Scope, body: IO[bytes]) -> Environ:
    """The request as WSGI describes it (PEP 3333)."""
    size = body.seek(0, 2)
    body.seek(0)
    server, client = scope.get("server") or ("localhost", 80), scope.get("client") or ("", 0)
    environ: Environ = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": scope["path"].encode().decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1] or 0),
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.get("scheme", "http"),
        "wsgi.input": body,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        if "_" in name:  # would be taken for the header with a hyphen, which a proxy may have set
            continue
        key = "HTTP_" + name.upper().replace("-", "_")
        if key in environ:
            value = f"{environ[key]}{'; ' if key == 'HTTP_COOKIE' else ','}{value}"
        environ[key] = value
    environ["CONTENT_TYPE"] = environ.pop("HTTP_CONTENT_TYPE", "")
    environ.pop("HTTP_CONTENT_LENGTH", None)
    environ["CONTENT_LENGTH"] = str(size)  # of a body without a declared length, too
    return environ
