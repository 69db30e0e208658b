"""Opening a TCP connection, and refusing addresses that are not on the public internet.

The address that is checked is the one that is connected to, so a name that resolves to something
else a moment later (DNS rebinding) gains nothing. The blocks are those of the IANA special-purpose
address registries (RFC 6890 and its updates); they are listed here because the `ipaddress` module
changed its mind about several of them between Python releases.
"""

import asyncio
import ipaddress
import os
import socket
from typing import Any

from clarion.transport.errors import NotAllowed, NotSent, Unavailable, describe

_IPV4 = {
    ipaddress.IPv4Network(block): kind
    for block, kind in {
        "0.0.0.0/8": "unspecified",
        "10.0.0.0/8": "private",
        "100.64.0.0/10": "carrier-internal",
        "127.0.0.0/8": "loopback",
        "168.63.129.16/32": "cloud metadata",
        "169.254.0.0/16": "link-local",
        "172.16.0.0/12": "private",
        "192.0.0.0/24": "reserved",
        "192.0.2.0/24": "documentation",
        "192.88.99.0/24": "reserved",
        "192.168.0.0/16": "private",
        "198.18.0.0/15": "benchmark",
        "198.51.100.0/24": "documentation",
        "203.0.113.0/24": "documentation",
        "224.0.0.0/4": "multicast",
        "240.0.0.0/4": "reserved",
    }.items()
}
_IPV6_PUBLIC = ipaddress.IPv6Network("2000::/3")
_IPV6 = {
    ipaddress.IPv6Network(block): kind
    for block, kind in {
        "::/128": "unspecified",
        "::1/128": "loopback",
        "2001::/23": "reserved",  # Teredo, ORCHID, benchmarks
        "2001:db8::/32": "documentation",
        "2002::/16": "6to4",
        "3fff::/20": "documentation",
        "fc00::/7": "private",
        "fe80::/10": "link-local",
        "ff00::/8": "multicast",
    }.items()
}
_LOOKUP = 1.0  # seconds for a look at a name that a proxy resolves itself
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


def kind_of_private(address: str) -> str | None:
    """Name the kind of a non-public IP address ("loopback", "private" …); None for a public one.

    An IPv6 address that stands for an IPv4 one (mapped, NAT64) is judged by the latter.
    Raises ValueError for something that is not an IP address.
    """
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped
        elif ip in _NAT64:
            ip = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    if isinstance(ip, ipaddress.IPv4Address):
        return next((kind for block, kind in _IPV4.items() if ip in block), None)
    kind = next((kind for block, kind in _IPV6.items() if ip in block), None)
    return kind or (None if ip in _IPV6_PUBLIC else "reserved")


def refuse_private(host: str, address: str) -> None:
    """Raise NotAllowed, with what to do about it, when `address` is not a public one.

    The address itself is never named: people who may not look into this network read the sentence.
    """
    if kind_of_private(address) is not None:
        raise NotAllowed(
            "{server} is not on the public internet. Use a public address. If this one is meant, a "
            "manager can allow private addresses.",
            host,
        )


async def look_up(host: str, port: int | None) -> list[tuple[Any, ...]]:
    """What this machine's resolver says of a name. Raises OSError, ValueError."""
    loop = asyncio.get_running_loop()
    return list(await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM))


async def refuse_known_private(host: str, deadline: float) -> None:
    """Raise NotAllowed when a name that somebody else will resolve is private as far as we know.

    Where the name can't be resolved here, or not within a second, nothing is known.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(min(deadline, loop.time() + _LOOKUP)):
            addresses = await look_up(host, None)
    except (OSError, ValueError):
        return
    for *_, address in addresses:
        refuse_private(host, str(address[0]))


async def connect(host: str, port: int, *, allow_private: bool, deadline: float) -> socket.socket:
    """Open a non-blocking TCP connection to the first address of `host` that accepts one.

    `deadline` is in seconds on the loop's clock. Addresses are tried one after the other, each for
    its fair share of the time that is left, so a dead IPv6 route does not use up all of it.
    Raises Unavailable when every address fails, NotAllowed when the last one is refused.
    """
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout_at(deadline):
            addresses = await look_up(host, port)
    except (OSError, ValueError) as problem:
        raise Unavailable(f"{{server}} was not found: {describe(problem)}.", host) from problem
    last: NotSent = Unavailable("{server} has no address.", host)
    for index, (family, kind, protocol, _, address) in enumerate(addresses):
        share = (deadline - loop.time()) / (len(addresses) - index)
        try:
            if not allow_private:
                refuse_private(host, str(address[0]))
            return await _connect_one(family, kind, protocol, address, loop.time() + share)
        except NotSent as refused:
            last = refused
        except OSError as problem:
            sentence = f"No connection to {{server}}: {describe(problem)}."
            last = Unavailable(sentence, f"{host} port {port}")
            last.__cause__ = problem
    raise last


class Owned:
    """A socket that was handed to an event loop, and may have been closed behind its own back.

    When `create_connection(sock=…)` is cancelled in its first step, uvloop closes the descriptor
    but leaves the socket object thinking that it is open; closing that, now or when it is collected
    as garbage, would close whatever has been given the same number since.
    """

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._inode = os.fstat(sock.fileno()).st_ino

    def disown(self, *, close: bool) -> None:
        """Make the object harmless if its descriptor is no longer its own, else `close` it."""
        try:
            own = os.fstat(self.sock.fileno()).st_ino == self._inode
        except OSError:
            own = False
        if not own:
            self.sock.detach()
        elif close:
            self.sock.close()


async def _connect_one(
    family: int, kind: int, protocol: int, address: tuple[object, ...], deadline: float
) -> socket.socket:
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        async with asyncio.timeout_at(deadline):
            await asyncio.get_running_loop().sock_connect(sock, address)
    except BaseException:
        sock.close()
        raise
    return sock
