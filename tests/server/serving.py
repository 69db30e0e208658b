"""A real server on a real port, around any ASGI application, with limits of a test's own."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from clarion.server.bodies import Application, Receive, Scope, Send
from clarion.server.connections import Limits
from clarion.server.run import PageServer, listen
from support.waiting import eventually

HOST = "127.0.0.1"
PATIENCE = 60.0  # seconds; only a failing test waits that long


@dataclass
class Serving:
    """A server that runs."""

    port: int
    server: PageServer

    def connect(self, sends: bytes = b"", source: str = HOST) -> socket.socket:
        """A connection that has sent something."""
        sock = socket.create_connection((HOST, self.port), PATIENCE, source_address=(source, 0))
        sock.sendall(sends)
        return sock

    def get(self, path: str = "/") -> bytes:
        """A page, fetched on a connection of its own."""
        with self.connect(b"GET %b HTTP/1.1\r\nHost: t\r\n\r\n" % path.encode()) as sock:
            return answer(sock)

    @property
    def open(self) -> int:
        """Connections that the server holds."""
        return len(self.server.guarded)


@contextmanager
def serving(
    application: Application, *, trusted: tuple[str, ...] = (HOST,), limits: Limits | None = None
) -> Iterator[Serving]:
    """Serve in a thread until the end of the block."""
    server = PageServer(application, limits=limits or Limits(), trusted_proxies=trusted, grace=1)
    sock = listen(HOST, 0)
    port = sock.getsockname()[1]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, name="server")
    thread.start()
    try:
        eventually(lambda: server.started, PATIENCE, what="the server")
        yield Serving(port, server)
    finally:
        server.should_exit = True
        thread.join(PATIENCE)
        assert not thread.is_alive()


async def says_ok(scope: Scope, receive: Receive, send: Send) -> None:
    """Read the body, answer with its length."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await reply(send, b"%d" % size)


async def reply(send: Send, body: bytes, status: int = 200) -> None:
    """A whole answer."""
    headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def answer(sock: socket.socket) -> bytes:
    """Head and body of one answer whose length is declared; what there is if it breaks off."""
    data = b""
    while True:
        head, blank, body = data.partition(b"\r\n\r\n")
        if blank:
            lines = head.lower().split(b"\r\n")
            length = [line[15:] for line in lines if line.startswith(b"content-length:")]
            if length and len(body) >= int(length[0]):
                return data
        try:
            piece = sock.recv(65_536)
        except ConnectionError:
            return data
        if not piece:
            return data
        data += piece


def closed(sock: socket.socket) -> bool:
    """Wait for the other side to close; False when it does not."""
    sock.settimeout(PATIENCE)
    try:
        while sock.recv(65_536):
            pass
    except ConnectionError:
        return True
    except TimeoutError:
        return False
    return True
