"""TLS and the CONNECT proxy."""

import asyncio
import base64
import socket

import pytest

from clarion.transport import guard
from clarion.transport import http as http_module
from clarion.transport.errors import MaybeSent, NotAllowed, NotSent
from clarion.transport.http import HttpClient
from clarion.transport.messages import HttpRequest
from support.ports import closed_port
from transport.peers import OK, PATIENCE, answering, mute, until


async def silent(reader, writer):
    await reader.read()


async def test_a_certificate_nobody_vouches_for(peer, http, server_tls):
    server = await peer(answering(OK), server_tls)
    client = http()
    with pytest.raises(NotSent, match="certificate is not trusted"):
        await client.send(server.request(secure=True))
    assert not client._connections


async def test_a_trusted_certificate(peer, http, server_tls, trusting):
    names = []
    server_tls.sni_callback = lambda _, name, __: names.append(name)
    server = await peer(answering(OK), server_tls)
    client = http(tls=trusting)
    for host in ("127.0.0.1", "localhost", "localhost"):
        assert (await client.send(server.request(secure=True, host=host))).body == b"ok"
    assert names == [None, "localhost"]


async def test_a_certificate_for_someone_else(peer, http, server_tls, trusting):
    server = await peer(answering(OK), server_tls)
    client = http(tls=trusting)
    with pytest.raises(NotSent, match="certificate is not trusted"):
        await client.send(server.request(secure=True, host="127.1"))


async def test_plain_server_behind_https(peer, http):
    async def serve(reader, writer):
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    server = await peer(serve)
    with pytest.raises(NotSent, match=r"TLS|closed"):
        await http().send(server.request(secure=True))


async def test_a_handshake_that_never_ends(peer, http, hourglass):
    glass, heard = hourglass(http_module), asyncio.Event()
    server = await peer(mute(heard))
    send = asyncio.create_task(http().send(server.request(secure=True)))
    await until(heard.is_set)
    glass.run_out()
    with pytest.raises(NotSent, match="in time"):
        await send
    await until(lambda: not server.open)


async def test_cancelling_at_any_step_of_the_handshake(peer, http, server_tls, trusting):
    server = await peer(answering(OK), server_tls)
    client = http(per_origin=1, tls=trusting)
    for steps in range(1, 60, 3):
        send = asyncio.create_task(client.send(server.request(secure=True)))
        for _ in range(steps):
            await asyncio.sleep(0)
        send.cancel()
        await asyncio.wait([send])
        assert next(iter(client._pools.values())).taken == 0
    assert (await client.send(server.request(secure=True))).body == b"ok"


async def test_a_reply_cut_short_under_tls(peer, http, server_tls, trusting):
    data = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"
    server = await peer(answering(data, then="close"), server_tls)
    with pytest.raises(MaybeSent):
        await http(tls=trusting).send(server.request(secure=True))


async def test_a_close_under_tls_is_seen_while_idle(peer, http, server_tls, trusting):
    server = await peer(answering(OK, then="close"), server_tls)
    client = http(tls=trusting)
    for count in (1, 2):
        assert (await client.send(server.request(secure=True))).body == b"ok"
        await until(lambda: not client._connections)
        assert server.connections == count


# Proxy


def proxying(asked: list[bytes], answer: bytes = b"HTTP/1.1 200 Connected\r\n\r\n"):
    async def copy(reader, writer):
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def serve(reader, writer):
        head = await reader.readuntil(b"\r\n\r\n")
        asked.append(head)
        writer.write(answer)
        if b" 200 " not in answer:
            return
        port = int(head.split(b" ")[1].rsplit(b":", 1)[1])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))
        finally:
            far_writer.transport.abort()

    return serve


async def test_https_through_a_proxy(peer, http, server_tls, trusting):
    asked = []
    server, proxy = await peer(answering(OK), server_tls), await peer(proxying(asked))
    client = http(proxy=f"http://tom:s3%3Acret@127.0.0.1:{proxy.port}", tls=trusting)
    for _ in range(2):
        assert (await client.send(server.request(secure=True, host="localhost"))).body == b"ok"
    credential = base64.b64encode(b"tom:s3:cret")
    assert asked == [
        b"CONNECT localhost:%d HTTP/1.1\r\nHost: localhost:%d\r\n" % (server.port, server.port)
        + b"Proxy-Authorization: Basic " + credential + b"\r\n\r\n"
    ]  # fmt: skip


async def test_plain_http_goes_through_a_tunnel_as_well(peer, http):
    asked = []
    server, proxy = await peer(answering(OK)), await peer(proxying(asked))
    client = http(proxy=f"http://127.0.0.1:{proxy.port}")
    assert (await client.send(server.request())).body == b"ok"
    assert len(asked) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\n\r\n",
        b"garbage\r\n\r\n",
        b"HTTP/1.1 201 cut",
        b"",
        b"x" * 20_000,
        b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
    ],
)
async def test_a_proxy_that_does_not_play_along(peer, http, answer):
    asked = []
    server, proxy = await peer(silent), await peer(proxying(asked, answer))
    client = http(proxy=f"http://tom:s3cret@127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent) as caught:
        await client.send(server.request())
    assert "s3cret" not in caught.value.reason
    assert "proxy" in caught.value.reason.lower()
    assert len(asked) == 1


FAR = HttpRequest("GET", "http://127.0.0.1:9/", timeout=PATIENCE, allow_private=True)


async def test_a_proxy_that_is_silent(peer, http, hourglass):
    glass, heard = hourglass(http_module), asyncio.Event()
    proxy = await peer(mute(heard))
    send = asyncio.create_task(http(proxy=f"http://127.0.0.1:{proxy.port}").send(FAR))
    await until(heard.is_set)
    glass.run_out()
    with pytest.raises(NotSent, match="in time"):
        await send
    await until(lambda: not proxy.open)


async def test_a_proxy_that_is_gone(http):
    with closed_port() as port, pytest.raises(NotSent, match="nothing accepts"):
        await http(proxy=f"http://127.0.0.1:{port}").send(FAR)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "a.localhost.",
        "[::1]",
        "10.0.0.1",
        "2130706433",
        "0x7f.1",
        "127.1",
    ],
)
async def test_no_private_address_through_a_proxy(peer, http, host):
    asked = []
    proxy = await peer(proxying(asked))
    client = http(proxy=f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(NotAllowed, match="not on the public internet"):
        await client.send(HttpRequest("GET", f"http://{host}/"))
    assert not asked


@pytest.mark.parametrize(
    ("known", "tunnels"),
    [
        (["10.1.2.3"], False),
        (["1.1.1.1", "127.0.0.1"], False),
        (["1.1.1.1"], True),
        (socket.gaierror(-2, "unknown"), True),
    ],
)
async def test_a_name_that_is_known_to_be_private_gets_no_tunnel(
    peer, http, monkeypatch, known, tunnels
):
    asked = []
    proxy = await peer(proxying(asked, b"HTTP/1.1 502 No\r\n\r\n"))
    real = guard.look_up

    async def look_up(host, port):
        if host != "internal.example":
            return await real(host, port)
        if isinstance(known, Exception):
            raise known
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, 0)) for one in known]

    monkeypatch.setattr(guard, "look_up", look_up)
    client = http(proxy=f"http://127.0.0.1:{proxy.port}")
    with pytest.raises(NotSent) as refused:
        await client.send(HttpRequest("GET", "http://internal.example/"))
    assert bool(asked) is tunnels
    assert isinstance(refused.value, NotAllowed) is not tunnels
    assert "10.1.2.3" not in refused.value.reason


@pytest.mark.parametrize("url", ["https://p:1", "p:1", "http://", "http://p:99999", "http://p/x"])
def test_a_proxy_that_can_not_be_used(url):
    with pytest.raises(ValueError, match="must be given as"):
        HttpClient(proxy=url)
