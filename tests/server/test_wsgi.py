"""WSGI applications behind the event loop: threads that stay, downloads, readers that leave."""

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from clarion.server.wsgi import IN_MEMORY, Environ, WsgiBridge
from server.serving import HOST, Serving, closed, serving
from support.waiting import eventually

PATIENCE = 60.0  # seconds; only a failing test waits that long
Begin = Callable[..., Any]


class Pieces:
    """An answer in pieces, such as Django's streaming responses."""

    streaming = True

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self.closed = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return self._pieces

    def close(self) -> None:
        """Called when the answer is over, however it ended."""
        self.closed.set()


def bridge(answers: Callable[[Environ], Iterable[bytes]], downloads: int = 2) -> WsgiBridge:
    def application(environ: Environ, begin: Begin) -> Iterable[bytes]:
        pieces = answers(environ)
        whole = [] if isinstance(pieces, Pieces) else list(pieces)
        size = str(sum(map(len, whole)))
        begin("200 OK", [("Content-Length", size)] if whole else [])
        return whole or pieces

    return WsgiBridge(application, threads=2, downloads=downloads)


def body_of(response: bytes) -> bytes:
    return response.partition(b"\r\n\r\n")[2]


def post(served: Serving, body: bytes, *heads: bytes) -> bytes:
    head = b"\r\n".join((b"POST /p%C3%A4th?a=1 HTTP/1.1", b"Host: t", *heads))
    with served.connect(head + b"\r\n\r\n" + body) as sock:
        return sock.recv(65_536)


def test_the_application_gets_the_request_as_wsgi_says() -> None:
    heard: list[Environ] = []
    with serving(bridge(lambda environ: heard.append(dict(environ)) or [b"ok"])) as served:
        post(
            served, b"", b"X-One: 1", b"X-One: 2", b"X_Spoofed: 1", b"Cookie: a=1", b"Cookie: b=2",
            b"Content-Type: text/x", b"Content-Length: 0",
        )  # fmt: skip
    [environ] = heard
    assert environ["REQUEST_METHOD"] == "POST"
    assert environ["PATH_INFO"] == "/päth".encode().decode("latin-1")
    assert environ["QUERY_STRING"] == "a=1"
    assert environ["REMOTE_ADDR"] == HOST
    assert environ["CONTENT_TYPE"] == "text/x"
    assert environ["HTTP_X_ONE"] == "1,2"
    assert environ["HTTP_COOKIE"] == "a=1; b=2"
    assert "HTTP_X_SPOOFED" not in environ


@pytest.mark.parametrize("size", [0, 5, 100_000, IN_MEMORY + 100_000])
def test_a_body_is_complete_before_a_thread_is_taken(size: int) -> None:
    def answers(environ: Environ) -> Iterable[bytes]:
        return [
            b"%d of %s" % (len(environ["wsgi.input"].read()), environ["CONTENT_LENGTH"].encode())
        ]

    with serving(bridge(answers)) as served:
        whole = post(served, b"x" * size, b"Content-Length: %d" % size)
        assert body_of(whole) == b"%d of %d" % (size, size)
        chunk = b"%x\r\n%b\r\n0\r\n\r\n" % (5, b"x" * 5)
        assert body_of(post(served, chunk, b"Transfer-Encoding: chunked")) == b"5 of 5"


def test_threads_are_used_again() -> None:
    names: set[str] = set()

    def answers(_: Environ) -> Iterable[bytes]:
        names.add(threading.current_thread().name)
        return [b"ok"]

    with serving(bridge(answers)) as served:
        for _ in range(20):
            assert b"200 OK" in served.get()
    assert len(names) == 1


def test_a_download_leaves_while_it_is_made_and_ends() -> None:
    read = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield b"first,"
        assert read.wait(PATIENCE)
        yield b"second"

    download = Pieces(pieces())
    with (
        serving(bridge(lambda _: download)) as served,
        served.connect(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n") as sock,
    ):
        data = b""
        while b"first" not in data:
            data += sock.recv(65_536)
        read.set()
        while b"second" not in data or not data.endswith(b"0\r\n\r\n"):
            data += sock.recv(65_536)
        assert download.closed.wait(PATIENCE)


def test_nothing_more_is_made_for_a_reader_who_left() -> None:
    made = 0

    def endless() -> Iterator[bytes]:
        nonlocal made
        while True:
            made += 1
            yield b"x" * 65_536

    download = Pieces(endless())
    with serving(bridge(lambda _: download)) as served:
        with served.connect(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n") as sock:
            sock.recv(10)
        assert download.closed.wait(PATIENCE)
        assert b"200 OK" in _one(served)


def _one(served: Serving) -> bytes:
    with served.connect(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n") as sock:
        return sock.recv(100)


def test_a_reader_who_takes_nothing_holds_a_place_until_he_is_closed_and_others_are_told() -> None:
    downloads: list[Pieces] = []

    def answers(_: Environ) -> Iterable[bytes]:
        downloads.append(Pieces(iter(lambda: b"x" * 65_536, b"")))
        return downloads[-1]

    with serving(bridge(answers, downloads=2)) as served, ExitStack() as held:
        slow = []
        for number in range(2):
            sock = held.enter_context(served.connect(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n"))
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            assert sock.recv(1)
            slow.append(sock)
            eventually(lambda n=number: len(downloads) > n, PATIENCE, what="a download")
        refused = served.get()
        assert b" 503 " in refused
        assert b"Other downloads are running." in refused
        assert downloads[2].closed.wait(PATIENCE)
        slow[0].close()
        assert downloads[0].closed.wait(PATIENCE)
        eventually(lambda: b" 200 " in _one(served), PATIENCE, what="a place")


def test_a_download_that_breaks_is_not_taken_for_a_whole_one() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"first"
        raise ValueError("broken")

    download = Pieces(pieces())
    with (
        serving(bridge(lambda _: download)) as served,
        served.connect(b"GET / HTTP/1.1\r\nHost: t\r\n\r\n") as sock,
    ):
        data = b""
        while piece := sock.recv(65_536):
            data += piece
        assert b"first" in data
        assert not data.endswith(b"0\r\n\r\n")
        assert download.closed.is_set()


def test_a_client_who_leaves_before_the_end_of_its_body_reaches_no_application() -> None:
    heard: list[Environ] = []
    with serving(bridge(lambda environ: heard.append(environ) or [b"ok"])) as served:
        with served.connect(b"POST / HTTP/1.1\r\nHost: t\r\nContent-Length: 9\r\n\r\nabc"):
            pass
        assert b"200 OK" in served.get()
    assert len(heard) == 1


def test_head_has_no_body() -> None:
    with (
        serving(bridge(lambda _: [b"ok"])) as served,
        served.connect(b"HEAD / HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n") as sock,
    ):
        data = sock.recv(65_536)
        assert b"200 OK" in data
        assert closed(sock)
        assert body_of(data) == b""
