"""Waiting for threads: one not started yet counts, and so does a request not accepted yet."""

import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.threads import wait_for_requests, wait_for_threads
from support.waiting import eventually


class HeldBack(threading.Thread):
    """A thread that is listed and does not start until it is let go.

    So is one for an instant whenever the processor is given to another thread within `start`.
    """

    def __init__(self) -> None:
        super().__init__(name="held back")
        self.let_go = threading.Event()
        self.has_run = False

    def _bootstrap(self) -> None:
        self.let_go.wait()
        super()._bootstrap()

    def run(self) -> None:
        self.has_run = True


@pytest.fixture
def held_back() -> Iterator[HeldBack]:
    thread = HeldBack()
    # As in a server: `start` returns when the new thread runs, so another one must call it.
    starter = threading.Thread(target=thread.start)
    starter.start()
    eventually(lambda: thread in threading.enumerate(), what="the thread is listed")
    yield thread
    thread.let_go.set()
    starter.join()
    thread.join()


def test_a_thread_not_started_yet_is_waited_for(held_back: HeldBack) -> None:
    with pytest.raises(RuntimeError, match="before it is started"):
        held_back.join()

    with pytest.raises(AssertionError, match=r"not within 0.02 s: the threads named 'held back'"):
        wait_for_threads("held back", timeout=0.02)
    held_back.let_go.set()
    wait_for_threads("held back")

    assert held_back.has_run


class Answers(BaseHTTPRequestHandler):
    """Writes down the paths asked for."""

    asked: list[str]

    def do_GET(self) -> None:
        self.asked.append(self.path)
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def test_a_request_not_accepted_yet_is_waited_for() -> None:
    asked: list[str] = []
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), type("Handler", (Answers,), {"asked": asked})
    ) as server:
        address = ("127.0.0.1", server.server_port)
        with (
            socket.create_connection(address) as first,
            socket.create_connection(address) as second,
        ):
            for number, client in enumerate((first, second)):
                client.sendall(b"GET /%d HTTP/1.0\r\n\r\n" % number)
            # Both have waited to be accepted until now.
            accepting = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
            accepting.start()
            wait_for_requests(f"http://127.0.0.1:{server.server_port}")

            assert sorted(asked) == ["/0", "/1"]
        server.shutdown()
        accepting.join()
