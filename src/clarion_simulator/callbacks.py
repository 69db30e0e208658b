"""Posts receipts and Telegram updates to the one under rehearsal: late, again, three retries."""

import asyncio
import heapq
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import httptools

from clarion_simulator.signing import sign

LANES = 64  # connections; one waits for an answer while the others are used
RETRIES = 3
FIRST_PAUSE = 0.2  # seconds, doubled with every retry
POST_TIMEOUT = 10.0


@dataclass(slots=True)
class Call:
    """One POST to make. `lane` keeps calls of one recipient in order.

    With a `message_id` it carries the Standard Webhooks headers, with a `secret` it is signed too.
    `headers` are complete lines; `given_up` is told the problem after the last try.
    """

    url: str
    body: bytes
    lane: str
    message_id: str = ""
    secret: str | None = None
    headers: str = ""
    content_type: str = "application/json"
    given_up: Callable[[str], None] | None = None
    tries: int = 0


class Link(asyncio.Protocol):
    """A keep-alive HTTP/1.1 client connection, one request at a time."""

    def __init__(self) -> None:
        self.closed = False
        self._answer: asyncio.Future[int] | None = None
        self._status = 0
        self._parser = httptools.HttpResponseParser(self)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    async def post(self, request: bytes) -> int:
        """Send a whole request and return the status; OSError or TimeoutError if none came."""
        self._answer = asyncio.get_running_loop().create_future()
        self._status = 0
        if self.closed:
            raise ConnectionResetError("closed before the request")
        self.transport.write(request)
        async with asyncio.timeout(POST_TIMEOUT):
            return await self._answer

    def close(self) -> None:
        """Close the connection."""
        self.closed = True
        self.transport.close()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_headers_complete(self) -> None:
        self._status = self._parser.get_status_code()

    def on_message_complete(self) -> None:
        if not self._parser.should_keep_alive():
            self.close()
        self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.closed = True
        del self._parser  # it refers back to this object
        self._finish()

    def _finish(self) -> None:
        if self._answer is None or self._answer.done():
            return
        if self._status:
            self._answer.set_result(self._status)
        else:
            self._answer.set_exception(ConnectionResetError("closed without a reply"))


class Caller:
    """Makes calls when they are due. Retries wait in the plan, so they hold up nobody else."""

    def __init__(self) -> None:
        self.planned = self.answered = self.retries = self.given_up = 0
        self._plan: list[tuple[float, int, Call]] = []
        self._number = 0
        self._wake = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._lanes: list[asyncio.Queue[Call]] = []

    def start(self) -> None:
        """Begin to work; needs the running loop."""
        self._lanes = [asyncio.Queue() for _ in range(LANES)]
        work = [self._clock(), *(self._lane(queue) for queue in self._lanes)]
        self._tasks = [asyncio.get_running_loop().create_task(job) for job in work]

    async def stop(self) -> None:
        """Drop what is planned and close all connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def forget(self) -> None:
        """Drop what is planned and set the counters to nought."""
        self._plan.clear()
        for lane in self._lanes:
            while not lane.empty():
                lane.get_nowait()
        self.planned = self.answered = self.retries = self.given_up = 0

    def add(self, delay: float, call: Call) -> None:
        """Plan a call in `delay` seconds."""
        self.planned += 1
        self._later(delay, call)

    def counts(self) -> dict[str, int]:
        """Calls planned, answered with 2xx, retried, given up, and still waiting."""
        waiting = self.planned - self.answered - self.given_up
        return {
            "planned": self.planned,
            "answered": self.answered,
            "retries": self.retries,
            "given_up": self.given_up,
            "waiting": waiting,
        }

    def _later(self, delay: float, call: Call) -> None:
        self._number += 1
        item = (time.monotonic() + delay, self._number, call)
        heapq.heappush(self._plan, item)
        if self._plan[0] is item:
            self._wake.set()

    async def _clock(self) -> None:
        while True:
            wait = self._plan[0][0] - time.monotonic() if self._plan else None
            if wait is None or wait > 0:
                with suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._wake.wait()
                self._wake.clear()
            else:
                call = heapq.heappop(self._plan)[2]
                self._lanes[hash(call.lane) % LANES].put_nowait(call)

    async def _lane(self, queue: asyncio.Queue[Call]) -> None:
        links: dict[str, Link] = {}
        try:
            while True:
                call = await queue.get()
                try:
                    status = await _post(links, call)
                    problem = "" if 200 <= status < 300 else f"Wrong response: {status}"
                except (OSError, ValueError) as error:
                    problem = str(error) or "Connection timed out"
                self._settle(call, problem)
        finally:
            for link in links.values():
                link.close()

    def _settle(self, call: Call, problem: str) -> None:
        if not problem:
            self.answered += 1
        elif call.tries < RETRIES:
            self.retries += 1
            self._later(FIRST_PAUSE * 2**call.tries, call)
            call.tries += 1
        else:
            self.given_up += 1
            if call.given_up:
                call.given_up(problem)


async def _post(links: dict[str, Link], call: Call) -> int:
    parts = urlsplit(call.url)
    if not parts.hostname:
        raise ValueError("The address has no host")
    origin = f"{parts.scheme}://{parts.netloc}"
    link = links.get(origin)
    if link is None or link.closed:
        link = links[origin] = await _connect(parts.scheme == "https", parts.hostname, parts.port)
    now = int(time.time())
    extra = call.headers
    if call.message_id:
        extra += f"webhook-id: {call.message_id}\r\nwebhook-timestamp: {now}\r\n"
    if call.secret:
        extra += f"webhook-signature: {sign(call.secret, call.message_id, now, call.body)}\r\n"
    target = parts.path or "/"
    if parts.query:
        target += "?" + parts.query
    head = (
        f"POST {target} HTTP/1.1\r\nHost: {parts.netloc.rpartition('@')[2]}\r\n"
        f"User-Agent: clarion-simulator\r\nContent-Type: {call.content_type}\r\n"
        f"Content-Length: {len(call.body)}\r\n{extra}\r\n"
    )
    try:
        return await link.post(head.encode() + call.body)
    except OSError:
        link.close()
        raise


async def _connect(tls: bool, host: str, port: int | None) -> Link:
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(POST_TIMEOUT):
        _, link = await loop.create_connection(
            Link, host, port or (443 if tls else 80), ssl=True if tls else None
        )
    return link
