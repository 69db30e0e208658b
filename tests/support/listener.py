"""A web server of a test's own that answers as the test says, and remembers what it was sent."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Heard:
    """One request."""

    path: str
    headers: dict[str, str]  # lower-case names
    body: dict[str, Any]


Answer = Callable[[Heard], tuple[int, Any]]  # status, and what is sent back as JSON


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128  # of 5 the kernel drops whoever comes at once, for seconds


@dataclass(slots=True)
class Listener:
    """`with Listener(answer) as listener:` serves on 127.0.0.1 until the block ends."""

    answer: Answer = lambda heard: (200, {})
    heard: list[Heard] = field(default_factory=list)
    url: str = ""
    _server: ThreadingHTTPServer | None = None
    _thread: threading.Thread | None = None

    def __enter__(self) -> "Listener":
        listener = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("content-length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                heard = Heard(self.path, headers, json.loads(raw))
                listener.heard.append(heard)
                status, said = listener.answer(heard)
                body = json.dumps(said).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing: the test asks what was heard."""

        self._server = _Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Reachable(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_OPTIONS(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def reachable() -> Iterator[str]:
    """A server that the check of a webhook channel can reach, and nothing else: its URL."""
    with _Server(("127.0.0.1", 0), _Reachable) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/in"
        server.shutdown()
        thread.join()
