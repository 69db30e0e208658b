"""Reaching an origin through an HTTP proxy with CONNECT (RFC 9110 9.3.6)."""

import asyncio
import base64
import ipaddress
import re
import socket
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from clarion.transport import guard
from clarion.transport.errors import Unavailable
from clarion.transport.head import Origin

_MAX_HEAD = 16_384
_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})[ \r]")


class Proxy(NamedTuple):
    """Where the proxy is, and what to show it (a Basic credential, or nothing)."""

    host: str
    port: int
    credential: str


def parse_proxy(url: str) -> Proxy:
    """Read "http://[user:password@]host[:port]"; raises ValueError, without repeating it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or parts.scheme != "http" or parts.path not in ("", "/"):
        raise ValueError("The proxy must be given as http://[user:password@]host:port")
    credential = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        credential = base64.b64encode(pair.encode()).decode("ascii")
    return Proxy(host, port or 8080, credential)


async def connect(proxy: Proxy, origin: Origin, deadline: float) -> socket.socket:
    """Open a tunnel to `origin`; the returned socket talks to it.

    Raises Unavailable, NotAllowed or OSError.

    The proxy resolves the name. Refused here are addresses written as numbers, localhost, and names
    that lead to a private address as far as this machine's resolver knows; what only the proxy's
    resolver knows, the proxy has to refuse. The proxy itself may be on a private address, its
    operator chose it.
    """
    if not origin.allow_private:
        _refuse_written_address(origin.host)
        await guard.refuse_known_private(origin.host, deadline)
    sock = await guard.connect(proxy.host, proxy.port, allow_private=True, deadline=deadline)
    try:
        async with asyncio.timeout_at(deadline):
            await _ask(sock, proxy, origin)
    except BaseException:
        sock.close()
        raise
    return sock


def _refuse_written_address(host: str) -> None:
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        guard.refuse_private(host, "127.0.0.1")
    try:
        # As lenient as the proxy's resolver may be: 127.1, 0x7f000001 and 2130706433 as well.
        written = name if ":" in name else socket.inet_ntoa(socket.inet_aton(name))
        ipaddress.ip_address(written)
    except (OSError, ValueError):
        return
    guard.refuse_private(host, written)


async def _ask(sock: socket.socket, proxy: Proxy, origin: Origin) -> None:
    loop = asyncio.get_running_loop()
    host = f"[{origin.host}]" if ":" in origin.host else origin.host
    lines = [f"CONNECT {host}:{origin.port} HTTP/1.1", f"Host: {host}:{origin.port}"]
    if proxy.credential:
        lines.append(f"Proxy-Authorization: Basic {proxy.credential}")
    await loop.sock_sendall(sock, "\r\n".join([*lines, "", ""]).encode("ascii"))
    head = b""
    while b"\r\n\r\n" not in head:
        piece = await loop.sock_recv(sock, 4096)
        head += piece
        if not piece or len(head) > _MAX_HEAD:
            raise Unavailable("The proxy gave no valid answer to CONNECT.")
    status = _STATUS.match(head)
    if status is None or not status[1].startswith(b"2"):
        code = status[1].decode() if status else "no status"
        raise Unavailable(
            f"The proxy refused a connection to {{server}} ({code}).", origin.authority
        )
    if not head.endswith(b"\r\n\r\n") or head.count(b"\r\n\r\n") > 1:
        raise Unavailable("The proxy sent something of its own into the connection.")
