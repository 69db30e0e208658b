"""A client as providers and mail programs are: no cookies, no pages, only the lean way in."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar
from urllib.parse import unquote, urlencode

from clarion.engine.threads import DatabaseThreads
from clarion.hooks.application import HookApplication
from clarion.server.bodies import Application, Message, Receive, Scope, Send
from server.serving import HOST, serving

T = TypeVar("T")


@dataclass
class Answered:
    """What the program was answered."""

    status_code: int = 0
    content: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)

    def __getitem__(self, header: str) -> str:
        return self.headers[header.lower()]


class Visitor:
    """Has database work done in the test's own thread: in its transaction, on its connection."""

    def __init__(self) -> None:
        self._work: SimpleQueue[Callable[[], None] | None] = SimpleQueue()

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Hand the work over, and wait for it."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def carry_out() -> None:
            try:
                result = work(*args)
            except Exception as error:  # noqa: BLE001 - handed to who waits for it
                loop.call_soon_threadsafe(done.set_exception, error)
            else:
                loop.call_soon_threadsafe(done.set_result, result)

        self._work.put(carry_out)
        return await done

    def drive(self, exchange: Coroutine[Any, Any, T]) -> T:
        """Run it on an event loop in another thread; do here what it has to be done."""
        with ThreadPoolExecutor(1) as thread:
            running = thread.submit(asyncio.run, exchange)
            running.add_done_callback(lambda _: self._work.put(None))
            while (work := self._work.get()) is not None:
                work()
            return running.result()


class ProgramClient:
    """Calls the application directly; each client has an application of its own."""

    def __init__(self) -> None:
        self._visitor = Visitor()
        self._application = HookApplication(_no_page, reads=self._visitor, writes=self._visitor)

    def get(self, path: str, query: Mapping[str, str] | None = None, **more: Any) -> Answered:
        """GET."""
        return self.request("GET", f"{path}?{urlencode(query)}" if query else path, **more)

    def head(self, path: str, **more: Any) -> Answered:
        """HEAD."""
        return self.request("HEAD", path, **more)

    def post(self, path: str, body: bytes = b"", **more: Any) -> Answered:
        """POST."""
        return self.request("POST", path, body, **more)

    def request(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        content_type: str = "application/json",
        headers: Mapping[str, str] | None = None,
    ) -> Answered:
        """One request; `path` as it is sent, with its query."""
        path, _, query = path.partition("?")
        named = {"content-type": content_type, **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": unquote(path),
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode("latin-1")) for k, v in named.items()],
            "client": ("192.0.2.7", 1234),
        }
        return self._visitor.drive(exchange(self._application, scope, body))


@contextmanager
def listening() -> Iterator[str]:
    """The way in for programs on a port of its own, with its own connections; yields its URL."""
    reads, writes = DatabaseThreads("test-read", 1), DatabaseThreads("test-write", 1)
    try:
        application = HookApplication(_no_page, reads=reads, writes=writes)
        with serving(application) as served:
            yield f"http://{HOST}:{served.port}"
    finally:
        reads.close()
        writes.close()


async def exchange(application: Application, scope: Scope, body: bytes = b"") -> Answered:
    """One request and its answer."""
    answered = Answered()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.status_code = message["status"]
            answered.headers = {k.decode(): v.decode() for k, v in message["headers"]}
        else:
            answered.content += message["body"]

    await application(scope, receive, send)
    return answered


async def _no_page(scope: Scope, receive: Receive, send: Send) -> None:
    raise AssertionError(f"{scope['path']} is not for programs")
