"""Whatever a peer sends, in whatever pieces: a reply or MaybeSent, and nothing else."""

import asyncio
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clarion.transport.connection import Connection
from clarion.transport.errors import MaybeSent
from clarion.transport.messages import HttpReply
from clarion.transport.pool import ConnectionPool
from transport.peers import FakeTransport, read_request

PARTS = [
    b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 200\r\n", b"HTTP/1.1 100 C\r\n", b"HTTP/1.1 101 U\r\n",
    b"HTTP/1.1 204 N\r\n", b"HTTP/1.1 999 X\r\n", b"ICY 200 OK\r\n", b"HTTP/2.0 200 OK\r\n",
    b"Content-Length: 2\r\n", b"Content-Length: 0\r\n", b"Content-Length: 99999999999999999999\r\n",
    b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"X: y\r\n z\r\n",
    b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: x\r\n", b"\r\n", b"\n", b"ok",
    b"0\r\n\r\n", b"2\r\nok\r\n", b"ffffffffffffffffff\r\n", b"\x00", b"\xff\xfe", b"X" * 500,
]  # fmt: skip
BYTES = st.one_of(
    st.binary(max_size=200), st.lists(st.sampled_from(PARTS), max_size=12).map(b"".join)
)
ENDS = st.sampled_from([None, ConnectionResetError(104, "reset"), "eof"])


async def feed(pieces, end, method) -> HttpReply | MaybeSent:
    problems = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: problems.append(context))
    pool = ConnectionPool("peer", 1)
    connection = Connection(pool, 300, lambda _: None, lambda _: None)
    transport = FakeTransport()
    connection.connection_made(transport)
    future = connection.exchange(method, b"", b"", 1.0)
    for piece in pieces:
        if transport.aborted:
            break
        connection.data_received(piece)
    if not transport.aborted:
        if end == "eof":
            connection.eof_received()
        connection.connection_lost(end if isinstance(end, Exception) else None)
    assert future.done()
    assert not problems
    assert connection.closed
    try:
        return future.result()
    except MaybeSent as problem:
        return problem


@settings(max_examples=400, deadline=None)
@given(BYTES, st.lists(st.integers(0, 200), max_size=8), ENDS, st.sampled_from(["POST", "HEAD"]))
def test_any_bytes_in_any_pieces(data, cuts, end, method):
    places = sorted({0, len(data), *(cut for cut in cuts if cut < len(data))})
    pieces = [data[a:b] for a, b in pairwise(places)]
    loop = asyncio.new_event_loop()
    try:
        cut_up = loop.run_until_complete(feed(pieces, end, method))
        whole = loop.run_until_complete(feed([data] if data else [], end, method))
    finally:
        loop.close()
    assert isinstance(cut_up, HttpReply | MaybeSent)
    # How the bytes were cut changes nothing about what they mean.
    if isinstance(whole, HttpReply) and isinstance(cut_up, HttpReply):
        assert whole == cut_up
    else:
        assert type(whole) is type(cut_up)


REPLIES = [
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nok",
    b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: 1\r\n\r\nno",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 429 X\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: y\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 N\r\n\r\n",
    b"HTTP/1.1 204 N\r\n\r\nHTTP/1.1 2",
    b"HTTP/1.1 204 N\r\n\r\n\r\n",
    b"HTTP/1.1 2",
]
EXCHANGES = st.lists(
    st.tuples(st.sampled_from(REPLIES), st.sampled_from(["POST", "POST", "POST", "HEAD"])),
    min_size=2,
    max_size=8,
)


async def converse(exchanges, *, remembers) -> list[HttpReply | bool]:
    """The reply of each exchange on one connection, and whether it may be used again."""
    pool = ConnectionPool("peer", 1)
    connection = Connection(pool, 300, lambda _: None, lambda _: None)
    connection.connection_made(FakeTransport())
    replies = []
    for data, method in exchanges:
        future = connection.exchange(method, b"", b"", 1.0)
        if not remembers:
            pool.usual_bytes = b""
        connection.data_received(data)
        replies += [future.result() if future.done() else False, connection.closed]
        if connection.closed or not future.done():
            break
    connection.drop()
    return replies


@settings(max_examples=200, deadline=None)
@given(EXCHANGES)
def test_a_reply_that_is_known_to_the_letter_means_what_it_meant(exchanges):
    loop = asyncio.new_event_loop()
    try:
        remembered = loop.run_until_complete(converse(exchanges, remembers=True))
        read = loop.run_until_complete(converse(exchanges, remembers=False))
    finally:
        loop.close()
    assert remembered == read


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=BYTES)
async def test_any_bytes_over_a_real_connection(peer, http, data):
    async def serve(reader, writer):
        await read_request(reader)
        writer.write(data)

    server = await peer(serve)
    client = http(max_reply=300)
    try:
        reply = await client.send(server.request())
    except MaybeSent:
        return
    finally:
        await client.close()
        await server.stop()
    assert isinstance(reply, HttpReply)


@pytest.mark.parametrize("size", [1, 7, 64])
def test_a_long_reply_in_even_pieces(size):
    body = b"".join(b"%x\r\n%b\r\n" % (n, b"x" * n) for n in range(1, 20)) + b"0\r\n\r\n"
    data = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body
    pieces = [data[i : i + size] for i in range(0, len(data), size)]
    loop = asyncio.new_event_loop()
    try:
        reply = loop.run_until_complete(feed(pieces, None, "GET"))
    finally:
        loop.close()
    assert isinstance(reply, HttpReply)
    assert reply.body == b"x" * 190
