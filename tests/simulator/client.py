"""A bare HTTP client for these tests: it shows resets and broken replies as they are."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from clarion_simulator.server import Simulator

PATIENCE = 60.0  # seconds: no test is about its end


@dataclass(frozen=True)
class Reply:
    """A reply as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        """The body read as JSON."""
        return json.loads(self.body)


def request(
    path: str, body: object = None, *, method: str = "POST", headers: dict[str, str] | None = None
) -> bytes:
    """The bytes of a request; a body that is not bytes goes as JSON."""
    sent = dict(headers or {})
    data = b""
    if body is not None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent.setdefault("Content-Type", "application/json")
    lines = "".join(f"{name}: {value}\r\n" for name, value in sent.items())
    head = f"{method} {path} HTTP/1.1\r\nHost: test\r\nContent-Length: {len(data)}\r\n{lines}\r\n"
    return head.encode() + data


class Line:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self) -> Reply:
        """The next reply; IncompleteReadError or ConnectionResetError where it breaks off."""
        async with asyncio.timeout(PATIENCE):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            if headers.get("transfer-encoding") == "chunked":
                body = b""
                while size := int(await self.reader.readline(), 16):
                    body += (await self.reader.readexactly(size + 2))[:-2]
                await self.reader.readexactly(2)
            else:
                body = await self.reader.readexactly(int(headers["content-length"]))
        return Reply(int(head[0].split()[1]), headers, body)

    async def rest(self) -> bytes:
        """All until the end; ConnectionResetError where it was a reset."""
        async with asyncio.timeout(PATIENCE):
            return await self.reader.read()

    async def ask(self, path: str, body: object = None, **more: Any) -> Reply:
        await self.send(request(path, body, **more))
        return await self.reply()


@asynccontextmanager
async def dial(simulator: Simulator) -> AsyncIterator[Line]:
    """A connection to the simulator's HTTP port."""
    reader, writer = await asyncio.open_connection(simulator.host, simulator.http_port)
    try:
        yield Line(reader, writer)
    finally:
        writer.transport.abort()


async def ask(simulator: Simulator, path: str, body: object = None, **more: Any) -> Reply:
    """One request over a connection of its own."""
    async with dial(simulator) as line:
        return await line.ask(path, body, **more)


async def get(simulator: Simulator, path: str) -> Any:
    """The JSON answer of one of the simulator's own addresses."""
    reply = await ask(simulator, path, method="GET")
    assert reply.status == 200, reply.body
    return reply.json()


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 30.0) -> None:
    """Wait until it holds; AssertionError at the deadline."""
    deadline = time.monotonic() + seconds
    while not await condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.005)


@dataclass(frozen=True)
class Post:
    """What a listener was told."""

    path: str
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Listener:
    """Hears callbacks. `statuses` are answered first, one each, then 200."""

    def __init__(self, statuses: list[int]) -> None:
        self.posts: list[Post] = []
        self.statuses = statuses
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                headers = {name.lower(): value for name, value in headers.items()}
                body = await reader.readexactly(int(headers["content-length"]))
                self.posts.append(Post(head[0].split()[1], headers, body))
                status = self.statuses.pop(0) if self.statuses else 200
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
        except (asyncio.IncompleteReadError, ConnectionResetError):
            pass
        finally:
            writer.close()

    async def heard(self, count: int) -> list[Post]:
        """The posts, once there are `count` of them."""

        async def enough() -> bool:
            return len(self.posts) >= count

        await until(enough)
        return self.posts


@asynccontextmanager
async def listening(*statuses: int) -> AsyncIterator[Listener]:
    """A listener on a free port."""
    listener = Listener(list(statuses))
    server = await asyncio.start_server(listener.serve, "127.0.0.1", 0)
    async with server:
        listener.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        yield listener
