"""Connections that keep the server waiting, on real sockets."""

import socket
import time
from contextlib import ExitStack

import pytest

from clarion.server.bodies import Receive, Scope, Send
from clarion.server.connections import Limits
from server.serving import PATIENCE, answer, closed, reply, says_ok, serving
from support.waiting import eventually

SOON = Limits(head=0.3, body=0.3, body_rate=1_000_000, idle=1, stall=0.3)
POST = b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: %d\r\n\r\n"
GET = b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (b"", b""),
        (b"\r\n", b""),
        (b"GET / HT", b"HTTP/1.1 408 "),
        (b"GET / HTTP/1.1\r\nHost: t\r\nX-One: ", b"HTTP/1.1 408 "),
        (POST % 1000 + b"abc", b"HTTP/1.1 408 "),
        (b"POST / HTTP/1.1\r\nHost: t\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab", b"HTTP/1.1 4"),
    ],
)
def test_half_a_request_is_closed_in_time(sent: bytes, said: bytes) -> None:
    with serving(says_ok, limits=SOON) as server, server.connect(sent) as sock:
        received = answer(sock)
        assert received.startswith(said)
        assert closed(sock)
        eventually(lambda: server.open == 0, PATIENCE)


@pytest.mark.parametrize("start", [b"GET / HTTP/1.1\r\nX: ", POST % 10_000_000])
def test_a_trickle_does_not_hold_it_open(start: bytes) -> None:
    limits = Limits(head=1.0, body=1.0)
    with (
        serving(says_ok, limits=limits) as server,
        server.connect(start) as sock,
        pytest.raises(ConnectionError),
    ):
        _trickle(sock)


def _trickle(sock: socket.socket) -> None:
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        sock.sendall(b"a")
        time.sleep(0.05)


def test_a_body_that_comes_steadily_may_take_longer() -> None:
    limits = Limits(body=0.5, body_rate=1_000)
    # Half of it comes at once: it earns 10 s, however slow the machine is with the other half.
    begun = POST % 20_000 + b"a" * 10_000
    with serving(says_ok, limits=limits) as server, server.connect(begun) as sock:
        for _ in range(10):
            time.sleep(0.1)
            sock.sendall(b"a" * 1_000)
        assert answer(sock).endswith(b"\r\n\r\n20000")


def test_a_connection_is_kept_for_the_next_request_and_not_for_ever() -> None:
    with serving(says_ok, limits=Limits(idle=1)) as server, server.connect(GET) as sock:
        assert answer(sock).startswith(b"HTTP/1.1 200 ")
        sock.sendall(GET)
        assert answer(sock).startswith(b"HTTP/1.1 200 ")
        assert closed(sock)


def test_who_reads_nothing_of_the_answer_is_closed() -> None:
    ended = []

    async def pours(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(1_000):
            await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        ended.append(scope["path"])

    with serving(pours, limits=SOON) as server, server.connect(GET):
        eventually(lambda: ended == ["/"], PATIENCE)  # what makes the answer is not left hanging
        eventually(lambda: server.open == 0, PATIENCE)


def test_who_reads_nothing_of_an_answer_that_is_complete_is_closed() -> None:
    async def drops(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, b"x" * 20_000_000)

    asks_to_close = b"GET / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n"
    for request in (GET, asks_to_close):
        with serving(drops, limits=SOON) as server, server.connect(request):
            eventually(lambda s=server: s.open == 1, PATIENCE)
            eventually(lambda s=server: s.open == 0, PATIENCE)


def test_a_head_has_an_end() -> None:
    with serving(says_ok) as server, server.connect(b"GET / HTTP/1.1\r\n") as sock:
        try:
            for number in range(20_000):
                sock.sendall(b"X-%d: y\r\n" % number)
        except ConnectionError:
            return
        assert answer(sock).startswith(b"HTTP/1.1 431 ")


def test_requests_wait_in_line_but_not_without_end() -> None:
    limits = Limits(pipelined=3)
    with serving(says_ok, limits=limits) as server:
        with server.connect(GET * 3) as sock:
            received = b""
            while received.count(b"200 OK") < 3:
                received += answer(sock)
        with server.connect(GET * 5_000) as sock:
            assert closed(sock)
        assert server.get().endswith(b"\r\n\r\n0")


def test_one_client_has_its_share_and_others_go_on() -> None:
    limits = Limits(per_client=20)
    with serving(says_ok, limits=limits, trusted=()) as server, ExitStack() as held:
        for _ in range(60):
            held.enter_context(server.connect(b"GET / HT", source="127.0.0.2"))
        eventually(lambda: server.open <= 20, PATIENCE)
        assert server.get().endswith(b"\r\n\r\n0")


def test_a_full_server_still_answers_who_comes() -> None:
    limits = Limits(in_all=50, per_client=1_000)
    with serving(says_ok, limits=limits) as server, ExitStack() as held:
        for _ in range(75):
            held.enter_context(server.connect())
            held.enter_context(server.connect(POST % 1000 + b"abc"))
        for _ in range(5):
            assert server.get().endswith(b"\r\n\r\n0")
        assert server.open <= 50


def test_the_client_behind_a_trusted_proxy_is_known() -> None:
    async def who(scope: Scope, receive: Receive, send: Send) -> None:
        await reply(send, f"{scope['client'][0]} {scope['scheme']}".encode())

    claims = (
        b"GET / HTTP/1.1\r\nHost: t\r\nX-Forwarded-For: 192.0.2.1, 192.0.2.7\r\n"
        b"X-Forwarded-Proto: https\r\n\r\n"
    )
    for trusted, known in ((("127.0.0.0/8",), b"192.0.2.7 https"), ((), b"127.0.0.1 http")):
        with serving(who, trusted=trusted) as server, server.connect(claims) as sock:
            assert answer(sock).endswith(b"\r\n\r\n" + known)


def test_it_ends_though_somebody_sends_half_a_request() -> None:
    with serving(says_ok) as server:
        sockets = [server.connect(sent) for sent in (b"", b"GET / HT", POST % 1000 + b"abc")]
        eventually(lambda: server.open == 3, PATIENCE)
    for sock in sockets:
        assert closed(sock)
        sock.close()
