import asyncio

import pytest

from clarion_simulator import wire
from clarion_simulator.behaviour import Behaviour
from clarion_simulator.server import Simulator
from simulator.client import PATIENCE, dial, request, until

GOOD = request("/hook/a", {"to": "anna"})


@pytest.mark.parametrize(
    "garbage",
    [
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"hello\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: ten\r\n\r\n",
        b"POST /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_garbage_gets_400_and_is_closed(simulator: Simulator, garbage: bytes) -> None:
    async with dial(simulator) as line:
        await line.send(garbage)
        assert (await line.reply()).status == 400
        assert await line.rest() == b""
    assert (await simulator.summary())["by_outcome"] == {"refused:invalid": 1}


async def test_garbage_behind_a_good_request(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        await line.send(GOOD + b"\x00\x00")
        assert [(await line.reply()).status for _ in range(2)] == [200, 400]


async def test_huge_bodies_get_413() -> None:
    async with Simulator(Behaviour(max_body=1000)) as simulator:
        async with dial(simulator) as line:
            await line.send(b"POST /a HTTP/1.1\r\nContent-Length: 5000000000\r\n\r\nxxx")
            assert (await line.reply()).status == 413
        async with dial(simulator) as line:
            await line.send(b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n")
            await line.send(b"400\r\n" + b"x" * 1024 + b"\r\n")
            assert (await line.reply()).status == 413
        assert (await simulator.summary())["by_outcome"] == {"refused:413": 2}


async def test_endless_heads_are_refused(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Who has not sent everything when it ends loses the reply.
    monkeypatch.setattr(wire, "LINGER_SECONDS", PATIENCE)
    async with dial(simulator) as line:
        await line.send(b"POST /a HTTP/1.1\r\nX: " + b"x" * 3_000_000)
        assert (await line.reply()).status == 431


async def test_pieces_pipelines_and_keep_alive(simulator: Simulator) -> None:
    async with dial(simulator) as line:
        for place in range(len(GOOD)):
            await line.send(GOOD[place : place + 1])
            await asyncio.sleep(0)
        assert (await line.reply()).status == 200
        await line.send(GOOD * 50)
        assert {(await line.reply()).status for _ in range(50)} == {200}
        chunked = b"POST /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        await line.send(chunked)
        assert await line.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await line.send(b'5\r\n{"to"\r\n7\r\n: "b"} \r\n0\r\n\r\n')
        assert (await line.reply()).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"POST /a HTTP/1.0\r\nContent-Length: 11\r\n\r\n",
        b"POST /a HTTP/1.1\r\nConnection: close\r\nContent-Length: 11\r\n\r\n",
        b"POST /a HTTP/1.1\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 11\r\n\r\n",
    ],
)
async def test_closes_when_asked(simulator: Simulator, head: bytes) -> None:
    async with dial(simulator) as line:
        await line.send(head + b'{"to": "a"}')
        assert (await line.reply()).status in (200, 400)
        assert await line.rest() == b""


async def test_reset_before_strikes_on_the_first_bytes() -> None:
    async with Simulator(Behaviour(reset_before=100)) as simulator:
        async with dial(simulator) as line:
            await line.send(b"POST /hook/a HT")
            with pytest.raises(ConnectionResetError):
                await line.rest()
        async with dial(simulator) as line:
            await line.send(GOOD)
            with pytest.raises(ConnectionResetError):
                await line.rest()
        summary = await simulator.summary()
    assert summary["by_outcome"] == {"reset_before": 2}
    assert [entry["recipient"] for entry in simulator.log.search()] == ["", "anna"]


async def test_a_client_that_leaves_early_harms_nobody(simulator: Simulator) -> None:
    for part in (b"", GOOD[:10], GOOD[:-3], GOOD):
        async with dial(simulator) as line:
            await line.send(part)
    async with dial(simulator) as line:
        await line.send(GOOD)
        assert (await line.reply()).status == 200


async def test_replies_still_due_end_with_their_connection(simulator: Simulator) -> None:
    hang = request("/hook/a", {"to": "anna!hang"})
    own = request("/_/accepted", method="GET") + request("/hook/a", {"to": "anna!slow"})
    poll = request("/bot1:a/getUpdates", {"timeout": 30})
    async with dial(simulator) as line:
        await line.send(hang + own + poll + own + poll)

        async def waiting() -> bool:
            return len(simulator.tasks) == 4

        await until(waiting)

    async def over() -> bool:
        return not simulator.tasks and not simulator.connections

    await until(over)
