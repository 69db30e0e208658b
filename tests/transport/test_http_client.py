"""What is written, which connection it is written on, and when the client gives up."""

import asyncio
import os
import socket
import threading

import pytest

from clarion import __version__
from clarion.transport import connection as connection_module
from clarion.transport import guard
from clarion.transport.connection import Connection
from clarion.transport.errors import MaybeSent, NotSent
from clarion.transport.messages import HttpRequest
from clarion.transport.pool import ConnectionPool
from support.ports import closed_port
from transport.peers import OK, PATIENCE, FakeTransport, answering, read_request, until


def recording(seen: list[bytes]):
    async def serve(reader, writer):
        while request := await read_request(reader):
            seen.append(request)
            writer.write(OK)

    return serve


def holding(gate: asyncio.Event, seen: list[bytes]):
    """Answer only when the gate is open."""

    async def serve(reader, writer):
        while request := await read_request(reader):
            seen.append(request)
            await gate.wait()
            writer.write(OK)

    return serve


async def silent(reader, writer):
    await reader.read()


async def once(reader, writer):
    """Answer one request and no other."""
    await read_request(reader)
    writer.write(OK)
    await reader.read()


async def test_a_request_is_written_as_it_should_be(peer, http):
    seen = []
    server = await peer(recording(seen))
    client = http()
    headers = (("Content-Type", "application/json"), ("X-E", "ünï"))
    await client.send(server.request(path="/a/ü?q=%20é#part", headers=headers, body=b'{"a":1}'))
    await client.send(server.request("GET", path="", headers=(("User-Agent", "me"),)))
    await client.send(server.request("POST", body=b""))
    host = f"127.0.0.1:{server.port}".encode()
    agent = f"Clarion/{__version__}".encode()
    assert seen == [
        b"POST /a/%C3%BC?q=%20%C3%A9 HTTP/1.1\r\nHost: " + host + b"\r\n"
        b"Content-Type: application/json\r\nX-E: " + "ünï".encode() + b"\r\n"
        b"User-Agent: " + agent + b'\r\nContent-Length: 7\r\n\r\n{"a":1}',
        b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nUser-Agent: me\r\n\r\n",
        b"POST /x HTTP/1.1\r\nHost: " + host + b"\r\n"
        b"User-Agent: " + agent + b"\r\nContent-Length: 0\r\n\r\n",
    ]
    assert server.connections == 1


async def test_a_large_body_arrives_whole(peer, http):
    seen = []
    server = await peer(recording(seen))
    body = bytes(range(256)) * 12_000
    await http().send(server.request(body=body))
    assert seen[0].endswith(b"\r\n\r\n" + body)


REFUSED = [
    {"url": "http://127.0.0.1/a\r\nX: y"},
    {"url": "http://127.0.0.1/a b"},
    {"url": "http://127.0.0.1/\0"},
    {"url": "http://127.0.0.1\r\n.example/"},
    {"url": "http://tom:s3cret@127.0.0.1/"},
    {"url": "ftp://127.0.0.1/s3cret"},
    {"url": "/s3cret"},
    {"url": "http:///s3cret"},
    {"url": "http://127.0.0.1:99999/s3cret"},
    {"url": "http://[::1/s3cret"},
    {"url": "http://[fe80::1%25eth0]/s3cret"},
    {"url": "http://exa$mple/s3cret"},
    {"url": f"http://{'a' * 70}.example/s3cret"},
    {"method": "GET / HTTP/1.1\r\nX: y\r\n\r\nGET"},
    {"method": ""},
    {"method": "CONNECT"},
    {"headers": (("X", "s3cret\r\nY: z"),)},
    {"headers": (("X", "s3cret\nY: z"),)},
    {"headers": (("X", "s3cret\0"),)},
    {"headers": (("X", "s3cret\ud800"),)},
    {"headers": (("X\r\nY", "s3cret"),)},
    {"headers": (("X Y", "s3cret"),)},
    {"headers": (("", "s3cret"),)},
    {"headers": (("Content-Length", "5"),)},
    {"headers": (("transfer-encoding", "chunked"),)},
    {"headers": (("HOST", "other.example"),)},
]


@pytest.mark.parametrize("changes", REFUSED)
async def test_what_could_be_misread_is_never_sent(http, changes):
    usual = {"method": "POST", "url": "http://127.0.0.1/", "allow_private": True}
    with pytest.raises(NotSent) as caught:
        await http().send(HttpRequest(**usual | changes))
    assert "s3cret" not in caught.value.reason
    assert caught.value.reason == str(caught.value)


def test_repr_shows_no_secret():
    request = HttpRequest("POST", "https://h/bot123:s3cret", (("A", "s3cret"),), b"s3cret")
    assert "s3cret" not in repr(request)


async def test_nobody_listens(http):
    with closed_port() as port, pytest.raises(NotSent, match="nothing accepts connections there"):
        await http().send(HttpRequest("GET", f"http://127.0.0.1:{port}/", allow_private=True))


async def test_unknown_name(http):
    # A label over 63 bytes is refused by the resolver library itself: no DNS server is asked.
    with pytest.raises(NotSent):
        await http().send(HttpRequest("GET", "http://" + "a." * 126 + "invalid/", timeout=5))


# Reuse


async def test_the_connection_used_last_is_used_first(peer, http):
    gate, seen = asyncio.Event(), []
    server = await peer(holding(gate, seen))
    client = http()
    sends = [asyncio.create_task(client.send(server.request())) for _ in range(3)]
    await until(lambda: len(seen) == 3)
    gate.set()
    await asyncio.gather(*sends)
    (pool,) = client._pools.values()
    last = pool.idle[-1]
    for _ in range(3):
        await client.send(server.request())
        assert pool.idle[-1] is last
    assert server.connections == 3


async def test_an_idle_connection_the_server_closed_is_replaced(peer, http):
    server = await peer(answering(OK, then="close"))
    client = http()
    for count in (1, 2, 3):
        assert (await client.send(server.request())).body == b"ok"
        await until(lambda: not client._connections)
        assert server.connections == count


async def test_a_close_the_loop_has_not_seen_yet_is_found_in_the_kernel(http, monkeypatch):
    """The loop is blocked while the server closes; nothing is written to the dead connection."""
    monkeypatch.setattr(connection_module, "_TRUST", 0.0)
    closing, closed, requests = threading.Event(), threading.Event(), []
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for turn in range(2):
            accepted, _ = listener.accept()
            with accepted:
                requests.append(accepted.recv(65536))
                accepted.sendall(OK)
                if turn == 0:
                    closing.wait(PATIENCE)
            closed.set()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    client = http()
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    request = HttpRequest("GET", url, allow_private=True, timeout=PATIENCE)
    assert (await client.send(request)).body == b"ok"
    closing.set()
    assert closed.wait(PATIENCE)  # blocks the event loop on purpose
    assert (await client.send(request)).body == b"ok"
    thread.join()
    listener.close()
    assert len(requests) == 2


async def test_a_reused_connection_that_dies_is_never_retried(peer, http):
    seen = []

    async def serve(reader, writer):
        seen.append(await read_request(reader))
        writer.write(OK)
        seen.append(await read_request(reader))  # and closes without a word

    server = await peer(serve)
    client = http()
    await client.send(server.request())
    with pytest.raises(MaybeSent):
        await client.send(server.request())
    assert len(seen) == 2
    assert server.connections == 1


async def test_unused_connections_are_closed(peer, http):
    server = await peer(answering(OK))
    client = http(idle=0.05)
    await client.send(server.request())
    assert client._connections
    await until(lambda: not client._connections and not server.open)
    await until(lambda: client._timer is None)  # and the clock stops


# Limits


async def test_no_more_connections_than_allowed_and_first_come_first_served(peer, http):
    replies, seen = asyncio.Semaphore(0), []

    async def serve(reader, writer):
        while request := await read_request(reader):
            seen.append(int(request[6:7]))
            await replies.acquire()
            writer.write(OK)

    async def arrival(place):
        await until(lambda: len(seen) > place)
        return seen[place]

    server = await peer(serve)
    client = http(per_origin=2)
    sends = []
    for number in range(10):
        sends.append(asyncio.create_task(client.send(server.request(path=f"/{number}"))))
        await asyncio.sleep(0)
    # Either connection may be the first to be made.
    assert {await arrival(0), await arrival(1)} == {0, 1}
    for number in range(2, 10):
        replies.release()
        assert await arrival(number) == number
    replies.release()
    replies.release()
    await asyncio.gather(*sends)
    assert server.connections == 2


async def test_waiting_takes_from_the_timeout_and_ends_in_not_sent(peer, http):
    gate, seen = asyncio.Event(), []
    server = await peer(holding(gate, seen))
    client = http(per_origin=1)
    first = asyncio.create_task(client.send(server.request()))
    await until(lambda: seen)
    with pytest.raises(NotSent, match="all 1 were busy"):
        await client.send(server.request(timeout=0.05))
    gate.set()
    assert (await first).body == b"ok"
    assert (await client.send(server.request())).body == b"ok"
    assert len(seen) == 2


async def test_one_who_stops_waiting_loses_no_place(peer, http):
    gate, seen = asyncio.Event(), []
    server = await peer(holding(gate, seen))
    client = http(per_origin=1)
    first = asyncio.create_task(client.send(server.request()))
    await until(lambda: seen)
    waiting = [asyncio.create_task(client.send(server.request())) for _ in range(3)]
    (pool,) = client._pools.values()
    await until(lambda: pool.waiting == 3)
    waiting[0].cancel()
    gate.set()
    await first
    waiting[1].cancel()  # it may just have been given the place
    assert (await waiting[2]).body == b"ok"
    assert pool.taken == 0


async def test_private_and_public_never_share_a_connection(peer, http):
    server = await peer(answering(OK))
    client = http()
    await client.send(server.request())
    with pytest.raises(NotSent, match="not on the public internet"):
        await client.send(server.request(allow_private=False))
    assert server.connections == 1


async def test_memory_of_addresses_is_bounded(peer, http):
    server = await peer(answering(OK))
    client = http()
    for number in range(1100):
        headers = (("Idempotency-Key", str(number)),)
        await client.send(server.request(path=f"/{number}", headers=headers))
    assert len(client._targets) <= 1024
    assert server.connections == 1


# Time


async def test_no_reply_in_time(peer, http):
    server = await peer(once)
    client = http(per_origin=1)
    await client.send(server.request())  # so that no time is spent on connecting
    with pytest.raises(MaybeSent, match=r"within 0\.05 s"):
        await client.send(server.request(timeout=0.05))
    await until(lambda: not server.open)
    assert next(iter(client._pools.values())).taken == 0
    assert server.connections == 1


async def test_a_reply_that_trickles_does_not_extend_the_time(peer, http):
    async def serve(reader, writer):
        await read_request(reader)
        writer.write(OK)
        await read_request(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.005)

    server = await peer(serve)
    client = http()
    await client.send(server.request())  # so that no time is spent on connecting
    with pytest.raises(MaybeSent, match="within"):
        await client.send(server.request(timeout=0.1))


async def test_no_time_at_all(peer, http):
    server = await peer(silent)
    with pytest.raises(NotSent):
        await http().send(server.request(timeout=0.0))


# Cancellation and closing


async def test_cancelling_closes_the_connection_and_frees_the_place(peer, http):
    gate, seen = asyncio.Event(), []
    server = await peer(holding(gate, seen))
    client = http(per_origin=1)
    send = asyncio.create_task(client.send(server.request()))
    await until(lambda: seen)
    send.cancel()
    with pytest.raises(asyncio.CancelledError):
        await send
    await until(lambda: not client._connections)
    gate.set()
    assert (await client.send(server.request())).body == b"ok"
    assert server.connections == 2


async def test_cancelling_at_any_step_leaks_nothing(peer, http):
    server = await peer(answering(OK))
    client = http(per_origin=1)
    for steps in range(1, 30):
        send = asyncio.create_task(client.send(server.request()))
        for _ in range(steps):
            await asyncio.sleep(0)
        send.cancel()
        await asyncio.wait([send])
        assert send.cancelled() or send.result().body == b"ok"
        (pool,) = client._pools.values()
        assert pool.taken == 0
    assert (await client.send(server.request())).body == b"ok"


async def test_a_connection_given_up_before_it_was_made_is_not_waited_for():
    """uvloop reports such a one as made, and never as lost."""
    connections, transport = [], FakeTransport()
    connection = Connection(ConnectionPool("peer", 1), 100, connections.append, connections.append)
    connection.drop()
    connection.connection_made(transport)
    assert not connections
    assert transport.aborted


async def test_the_clock_spares_a_connection_that_was_just_made(http):
    client = http()
    pool = ConnectionPool("peer", 1)
    connection = Connection(pool, 100, client._connections.add, client._forget)
    connection.connection_made(FakeTransport())
    client._look_at_the_clock(asyncio.get_running_loop())
    assert not connection.closed
    client._forget(connection)


async def test_a_socket_closed_behind_its_back_takes_no_other_with_it():
    mine, other = socket.socketpair()
    owned = guard.Owned(mine)
    number = mine.fileno()
    os.close(number)
    os.dup2(other.fileno(), number)  # someone else is given the number
    try:
        owned.disown(close=True)
        assert mine.fileno() == -1
        os.fstat(number)
    finally:
        os.close(number)
        other.close()


async def test_closing_settles_everyone(peer, http):
    gate, seen = asyncio.Event(), []
    server = await peer(holding(gate, seen))
    client = http(per_origin=1)
    flying = asyncio.create_task(client.send(server.request()))
    await until(lambda: seen)
    waiting = asyncio.create_task(client.send(server.request()))
    await asyncio.sleep(0)
    await client.close()
    with pytest.raises(MaybeSent):
        await flying
    with pytest.raises(NotSent):
        await waiting
    with pytest.raises(NotSent):
        await client.send(server.request())
    assert len(seen) == 1
    await client.close()
