"""Servers to test against, and small helpers."""

import asyncio
import contextlib
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable

from clarion.transport.messages import HttpRequest, SmtpRequest

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
PATIENCE = 60.0  # seconds: no test is about its end


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Poll until `condition` holds; fail when it does not in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.002)


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Read one HTTP request, head and body together; b"" at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            return head + await reader.readexactly(int(line.split(b":")[1]))
    return head


def reset(writer: asyncio.StreamWriter) -> None:
    """Close with a TCP reset."""
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


def answering(*pieces: bytes, then: str = "wait") -> Serve:
    """Serve every request with these pieces, each sent by itself.

    `then`: "wait" for the next request, "close", "half" (close the sending side), "reset", "hang".
    """

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await read_request(reader):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0)  # so that the client sees the pieces one by one
            if then == "close":
                return
            if then == "reset":
                reset(writer)
                return
            if then == "half":
                writer.write_eof()
            if then == "hang":
                await asyncio.Event().wait()

    return serve


def mute(heard: asyncio.Event) -> Serve:
    """Answer nothing, and set `heard` once something was said."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65536):
            heard.set()

    return serve


class Hourglass:
    """Stands in for `asyncio` in a module: its time-outs end when the test says so.

    A short time-out by the clock could be spent on a busy machine before the exchange has come to
    the step whose time-out is meant.
    """

    def __init__(self) -> None:
        self._begun: list[asyncio.Timeout] = []

    def __getattr__(self, name: str) -> object:
        return getattr(asyncio, name)

    def timeout(self, delay: float | None) -> asyncio.Timeout:
        self._begun.append(asyncio.timeout(delay))
        return self._begun[-1]

    def timeout_at(self, when: float | None) -> asyncio.Timeout:
        self._begun.append(asyncio.timeout_at(when))
        return self._begun[-1]

    def run_out(self) -> None:
        """End the time of all that is under way."""
        for each in self._begun:
            with contextlib.suppress(RuntimeError):  # it is over already
                each.reschedule(0.0)


class Peer:
    """A TCP server; `connections` counts those made, `open` those not yet closed."""

    def __init__(self, serve: Serve) -> None:
        self.connections = 0
        self.open = 0
        self.port = 0
        self._serve = serve
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server

    async def start(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()
        await asyncio.sleep(0)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        self.open += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
                await self._serve(reader, writer)
            with contextlib.suppress(OSError):
                writer.close()
                await asyncio.wait_for(writer.wait_closed(), 1)
        except (TimeoutError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self.open -= 1
            self._tasks.discard(task)

    def request(self, method: str = "POST", path: str = "/x", **options: object) -> HttpRequest:
        options.setdefault("allow_private", True)
        options.setdefault("timeout", PATIENCE)
        if method == "POST":
            options.setdefault("body", b"hello")
        scheme = "https" if options.pop("secure", False) else "http"
        host = options.pop("host", "127.0.0.1")
        url = f"{scheme}://{host}:{self.port}{path}"
        return HttpRequest(method, url, **options)  # type: ignore[arg-type]


CLOSE, SILENT, RESET = object(), object(), object()


class SmtpPeer(Peer):
    """A scripted SMTP server. `answers` replace the usual reply by command name.

    An answer is text, CLOSE, SILENT, RESET, or a list of these used one after the other.
    GREETING and DOT (the end of a message) count as commands. `asked` are those it has come to.
    """

    def __init__(self, answers: dict[str, object], starttls: ssl.SSLContext | None) -> None:
        super().__init__(self._talk)
        self.asked: list[str] = []
        self.commands: list[str] = []
        self.messages: list[bytes] = []
        self._answers = answers
        self._starttls = starttls

    def mail(self, **options: object) -> SmtpRequest:
        usual: dict[str, object] = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "username": "",
            "password": "",
            "sender": "we@clarion.example",
            "recipient": "you@example.org",
            "message": b"Subject: hi\r\n\r\nhello\r\n",
            "timeout": PATIENCE,
        }
        return SmtpRequest(**usual | options)  # type: ignore[arg-type]

    def verbs(self) -> list[str]:
        return [command.split()[0].upper() for command in self.commands]

    def _answer(self, verb: str, usual: str) -> object:
        answer = self._answers.get(verb, usual)
        if isinstance(answer, list):
            answer = answer.pop(0) if answer else usual
        return answer

    async def _say(self, writer: asyncio.StreamWriter, verb: str, usual: str) -> str | None:
        self.asked.append(verb)
        answer = self._answer(verb, usual)
        if answer is SILENT:
            await asyncio.Event().wait()
        if answer is RESET:
            reset(writer)
        if not isinstance(answer, str):
            return None
        writer.write(answer.encode() + b"\r\n")
        await writer.drain()
        return answer

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await self._say(writer, "GREETING", "220 peer ready") is None:
            return
        offers = "250-peer\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250 AUTH PLAIN LOGIN"
        if self._starttls is not None:
            offers = offers.replace("250 AUTH", "250-STARTTLS\r\n250 AUTH")
        usual = {"EHLO": offers, "AUTH": "235 welcome", "DATA": "354 go on", "QUIT": "221 bye"}
        usual["STARTTLS"] = "220 go"
        while line := await reader.readline():
            self.commands.append(line.decode().rstrip("\r\n"))
            verb = line.decode().partition(" ")[0].strip().upper()  # "": what is left of AUTH
            said = await self._say(writer, verb, usual.get(verb, "250 fine"))
            if said is None or verb == "QUIT":
                return
            if verb == "STARTTLS" and said.startswith("220") and self._starttls is not None:
                await writer.start_tls(self._starttls)
            if verb == "DATA" and said.startswith("354"):
                self.messages.append(await reader.readuntil(b"\r\n.\r\n"))
                if await self._say(writer, "DOT", "250 queued as 1") is None:
                    return


class FakeTransport:
    """What an HTTP connection needs of a transport, without a socket."""

    def __init__(self) -> None:
        self.aborted = False

    def write(self, data: bytes) -> None:
        pass

    def abort(self) -> None:
        self.aborted = True

    def is_closing(self) -> bool:
        return self.aborted

    def get_write_buffer_size(self) -> int:
        return 0
