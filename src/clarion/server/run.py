"""Running the server: one process, one event loop, sockets that are bound already."""

import asyncio
import resource
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import contextmanager
from types import FrameType
from typing import Any

import uvicorn

from clarion.server.connections import Connections, Limits
from clarion.server.protocol import GuardedProtocol, State

RESERVE = 256  # open files for everything that is no connection
BACKLOG = 1024
_SWEEP_TICKS = 5  # uvicorn ticks ten times a second


class PageServer(uvicorn.Server):
    """uvicorn with a registry of connections, ended by SIGTERM without dying of it."""

    def __init__(
        self,
        application: Callable[..., Any],
        *,
        limits: Limits,
        trusted_proxies: Iterable[str] = (),
        grace: int = 5,
    ) -> None:
        """`trusted_proxies` name the client (X-Forwarded-For) and the scheme of a request.

        `grace`: seconds for requests that are under way when the server ends.
        """
        trusted = list(trusted_proxies)
        super().__init__(
            uvicorn.Config(
                application,
                loop="uvloop",
                http=GuardedProtocol,
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=bool(trusted),
                forwarded_allow_ips=trusted,
                timeout_keep_alive=limits.idle,
                timeout_graceful_shutdown=grace,
                backlog=BACKLOG,
            )
        )
        self.guarded = Connections(limits, trusted)
        self.server_state = State(self.guarded)

    async def on_tick(self, counter: int) -> bool:
        """Close what is overdue, twice a second."""
        if counter % _SWEEP_TICKS == 0:
            self.guarded.sweep(asyncio.get_running_loop().time())
        return await super().on_tick(counter)

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """End at SIGINT and SIGTERM; uvicorn itself would raise them again afterwards."""
        if threading.current_thread() is not threading.main_thread():
            yield  # signals arrive at the main thread only
            return
        before = {
            number: signal.signal(number, self.handle_exit)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to end; a second Ctrl-C waits for nobody."""
        if self.should_exit and sig == signal.SIGINT:
            self.force_exit = True
        self.should_exit = True


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens there. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


def raise_file_limit(wanted: int) -> int:
    """Let this process have up to `wanted` connections open; return how many it may have.

    The usual soft limit of 1,024 open files is there for programs that use select().
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    needed = wanted + RESERVE
    if soft != resource.RLIM_INFINITY and soft < needed:
        soft = needed if hard == resource.RLIM_INFINITY else min(needed, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return wanted
    return max(1, min(wanted, soft - RESERVE))
