"""Ports on loopback that nobody listens on."""

import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

# Below those that systems give out by themselves, to outgoing connections and for port 0: else
# anybody may get a port between the moment it is found free and the moment it is used.
LOWEST, HIGHEST = 20_000, 32_000


def free_port() -> int:
    """Return a TCP port of 127.0.0.1 that was free a moment ago."""
    while True:
        # Not from random, whose seed several test processes may share.
        port = LOWEST + secrets.randbelow(HIGHEST - LOWEST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


@contextmanager
def closed_port() -> Iterator[int]:
    """Yield a TCP port of 127.0.0.1 that refuses connections, and that nobody else is given.

    A server with SO_REUSEADDR, as asyncio's have it, may take it over before the block ends.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        port: int = holder.getsockname()[1]
        if sys.platform != "linux":  # elsewhere it would stand in that server's way
            holder.close()
        yield port
