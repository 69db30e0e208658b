"""So many requests at once, the others in line."""

import asyncio
from typing import Any

import pytest

from clarion.server.bodies import Receive, Scope, Send
from clarion.server.turns import Group, Turns

SCOPE = {"type": "http", "path": "/"}


class Application:
    """Reads the request, waits to be let go, answers."""

    def __init__(self) -> None:
        self.inside = self.most = 0
        self.go = asyncio.Event()
        self.streams = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        while (message := await receive()).get("more_body"):
            pass
        if message["type"] == "http.disconnect":
            return
        self.inside += 1
        self.most = max(self.most, self.inside)
        await self.go.wait()
        self.inside -= 1
        await send({"type": "http.response.start", "status": 200})
        if scope["path"] == "/stream":
            await self.streams.wait()
        await send({"type": "http.response.body", "body": b""})


class Client:
    def __init__(self, turns: Turns, path: str = "/") -> None:
        self.status = 0
        self.whole = asyncio.Event()
        self.task = asyncio.create_task(turns({**SCOPE, "path": path}, self._receive, self._send))
        self._asked = False

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"a", "more_body": True}
        await self.whole.wait()
        return {"type": "http.request", "body": b"b", "more_body": False}

    async def _send(self, message: Any) -> None:
        self.status = message.get("status", self.status)


async def _settled() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_no_more_than_so_many_at_once_and_all_in_the_end() -> None:
    application = Application()
    turns = Turns(application, lambda _: group)
    group = Group(at_once=2, waiting=10)
    clients = [Client(turns) for _ in range(6)]
    for client in clients:
        client.whole.set()
    await _settled()
    assert application.inside == 2
    application.go.set()
    await asyncio.gather(*(client.task for client in clients))
    assert application.most == 2
    assert [client.status for client in clients] == [200] * 6


@pytest.mark.asyncio
async def test_half_a_request_and_an_answer_that_is_being_read_hold_no_turn() -> None:
    application = Application()
    group = Group(at_once=1, waiting=10)
    turns = Turns(application, lambda _: group)
    half = Client(turns)
    stream = Client(turns, "/stream")
    stream.whole.set()
    application.go.set()
    await _settled()
    assert stream.status == 200
    assert not stream.task.done()
    other = Client(turns)
    other.whole.set()
    await other.task
    assert other.status == 200
    half.whole.set()
    application.streams.set()
    await asyncio.gather(half.task, stream.task)
    assert half.status == 200


@pytest.mark.asyncio
async def test_a_line_that_is_too_long_or_stands_still_is_refused() -> None:
    application = Application()
    group = Group(at_once=1, waiting=1, seconds=0.05)
    turns = Turns(application, lambda _: group)
    inside, waits, too_many = (Client(turns) for _ in range(3))
    for client in (inside, waits, too_many):
        client.whole.set()
        await _settled()
    await too_many.task
    assert too_many.status == 503
    await waits.task
    assert waits.status == 503
    application.go.set()
    await inside.task
    assert inside.status == 200
    again = Client(turns)
    again.whole.set()
    await again.task
    assert again.status == 200
