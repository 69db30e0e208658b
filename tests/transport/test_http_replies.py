"""What comes back: every shape a reply may have, and every way it can be wrong."""

import asyncio

import pytest

from clarion.transport.errors import MaybeSent, NotSent, TransportError
from clarion.transport.messages import HttpReply
from transport.peers import OK, answering, read_request, reset, until


def one_by_one(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: 1\r\nx-a: 2\r\n\r\n"
    b"3;name=value\r\nabc\r\n1\r\nd\r\n0\r\nX-Trailer: no\r\n\r\n"
)

GOOD = [
    pytest.param([OK], 200, b"ok", id="content-length"),
    pytest.param(one_by_one(OK), 200, b"ok", id="byte-at-a-time"),
    pytest.param([CHUNKED], 200, b"abcd", id="chunked"),
    pytest.param(one_by_one(CHUNKED), 200, b"abcd", id="chunked-byte-at-a-time"),
    pytest.param([CHUNKED[:75], CHUNKED[75:90], CHUNKED[90:]], 200, b"abcd", id="chunked-split"),
    pytest.param([b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n"], 500, b"", id="500-empty"),
    pytest.param([b"HTTP/1.1 204 No\r\n\r\n"], 204, b"", id="204"),
    pytest.param([b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n"], 304, b"", id="304"),
    pytest.param(
        [b"HTTP/1.1 302 X\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"], 302, b"", id="302"
    ),
    pytest.param([b"HTTP/1.1 100 Continue\r\n\r\n", OK], 200, b"ok", id="100-continue"),
    pytest.param(
        [b"HTTP/1.1 100 C\r\n\r\nHTTP/1.1 103 E\r\nLink: a\r\n\r\n" + OK], 200, b"ok", id="100-103"
    ),
]


@pytest.mark.parametrize(("pieces", "status", "body"), GOOD)
async def test_good_reply_is_read_and_the_connection_kept(peer, http, pieces, status, body):
    server = await peer(answering(*pieces))
    client = http()
    for _ in range(2):
        reply = await client.send(server.request())
        assert (reply.status, reply.body) == (status, body)
        assert "link" not in reply.headers
    assert server.connections == 1


async def test_the_same_reply_is_read_once(peer, http):
    server = await peer(answering(OK))
    client = http()
    first, second = [await client.send(server.request()) for _ in range(2)]
    assert second is first
    assert server.connections == 1


async def test_headers_are_lower_case_joined_and_without_trailers(peer, http):
    server = await peer(answering(CHUNKED))
    reply = await http().send(server.request())
    assert reply.headers == {"transfer-encoding": "chunked", "x-a": "1, 2"}


ENDS_CONNECTION = [
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\nuntil the end", "close", b"until the end", id="eof"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n", "close", b"", id="eof-empty"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\nhalf", "half", b"half", id="half-closed"),
    pytest.param(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", "hang", b"ok", id="1.0"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", "hang", b"ok",
        id="connection-close",
    ),
    pytest.param(OK + b"more than was said", "hang", b"ok", id="extra-bytes"),
    pytest.param(OK + OK, "hang", b"ok", id="pipelined-extra-reply"),
    pytest.param(OK + b"HTTP/1.1 4", "hang", b"ok", id="half-an-extra-reply"),
    pytest.param(OK, "half", b"ok", id="half-closed-after-reply"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: x\r\n\r\nab", "close", b"ab", id="te-eof"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "then", "body"), ENDS_CONNECTION)
async def test_reply_that_ends_the_connection(peer, http, data, then, body):
    server = await peer(answering(data, then=then))
    client = http()
    reply = await client.send(server.request())
    assert (reply.status, reply.body) == (200, body)
    await until(lambda: not client._connections)
    assert (await client.send(server.request())).body == body
    assert server.connections == 2


async def test_head_has_no_body_whatever_the_length_says(peer, http):
    server = await peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", then="hang"))
    reply = await http().send(server.request("HEAD"))
    assert reply == HttpReply(200, {"content-length": "99"}, b"")


BAD = [
    pytest.param(b"", "close", id="nothing"),
    pytest.param(b"", "reset", id="reset-after-request"),
    pytest.param(b"", "half", id="half-closed-without-reply"),
    pytest.param(b"HTTP/1.1 20", "close", id="half-a-status-line"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Le", "close", id="half-the-headers"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "close", id="half-the-body"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", "reset", id="reset-in-body"),
    pytest.param(CHUNKED[:-4], "close", id="chunked-cut"),
    pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", "close", id="only-100"),
    pytest.param(b"220 mail.example.org ESMTP\r\n", "hang", id="garbage-status-line"),
    pytest.param(b"\x16\x03\x01\x00\x00", "hang", id="tls-to-plain"),
    pytest.param(b"HTTP/1.1 000 X\r\nContent-Length: 0\r\n\r\n", "hang", id="status-0"),
    pytest.param(
        b"HTTP/1.1 101 X\r\nUpgrade: a\r\nConnection: upgrade\r\n\r\n", "hang", id="upgrade"
    ),
    pytest.param(b"HTTP/1.1 101 X\r\n\r\n" + OK, "hang", id="101"),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "hang", id="two-cl"
    ),
    pytest.param(
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
        "hang", id="cl-and-te",
    ),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "hang", id="negative-length"),
    pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n" + b"x" * 9999, "hang",
                 id="large-body"),
    pytest.param(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 9999, "hang", id="large-body-to-eof"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n270f\r\n" + b"x" * 9999,
                 "hang", id="large-chunk"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 20_000,
                 "hang", id="endless-chunks"),
    pytest.param(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nT: " + b"x" * 80_000,
                 "hang", id="endless-trailer"),
    pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 80_000, "hang", id="endless-header"),
    pytest.param(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20_000, "hang", id="endless-headers"),
    pytest.param(b"HTTP/1.1 100 C\r\n\r\n" * 5_000, "hang", id="endless-100"),
]  # fmt: skip


@pytest.mark.parametrize(("data", "then"), BAD)
async def test_bad_reply_is_maybe_sent_and_the_connection_gone(peer, http, data, then):
    server = await peer(answering(data, then=then))
    client = http(max_reply=4096)
    with pytest.raises(MaybeSent) as caught:
        await client.send(server.request())
    assert caught.value.reason.endswith(".")
    await until(lambda: not client._connections)
    assert server.connections == 1  # never tried again by itself


async def test_body_of_exactly_the_limit_is_accepted(peer, http):
    body = b"x" * 4096
    server = await peer(answering(b"HTTP/1.1 200 OK\r\nContent-Length: 4096\r\n\r\n" + body))
    assert (await http(max_reply=4096).send(server.request())).body == body


async def test_reset_before_the_request_is_read(peer, http):
    async def serve(_, writer):
        reset(writer)

    server = await peer(serve)
    with pytest.raises(TransportError) as caught:  # which one depends on what came first
        await http().send(server.request())
    assert isinstance(caught.value, (MaybeSent, NotSent))


async def test_close_before_the_request_is_read(peer, http):
    async def serve(reader, writer):
        await reader.read(1)

    server = await peer(serve)
    with pytest.raises(MaybeSent):
        await http().send(server.request(body=b"x" * 3_000_000))


async def test_peer_that_speaks_first_never_gets_a_request(peer, http):
    heard = []

    async def serve(reader, writer):
        writer.write(OK)
        heard.append(await reader.read())

    server = await peer(serve)
    client = http()
    try:
        reply = await client.send(server.request())
    except TransportError:
        return
    # Its words came in the same moment as our request: no client can tell that from a reply.
    assert reply.body == b"ok"


async def test_bytes_on_an_idle_connection_are_not_taken_for_a_reply(peer, http):
    go = asyncio.Event()

    async def serve(reader, writer):
        await read_request(reader)
        writer.write(OK)
        await go.wait()
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlies")
        await reader.read()

    server = await peer(serve)
    client = http()
    assert (await client.send(server.request())).body == b"ok"
    go.set()
    await until(lambda: not client._connections)
    go.clear()
    assert (await client.send(server.request())).body == b"ok"
    assert server.connections == 2


async def test_reply_before_the_request_was_read_ends_the_connection(peer, http):
    async def serve(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too large\r\nContent-Length: 0\r\n\r\n")
        await asyncio.Event().wait()

    server = await peer(serve)
    client = http()
    reply = await client.send(server.request(body=b"x" * 20_000_000))
    assert reply.status == 413
    await until(lambda: not client._connections)
