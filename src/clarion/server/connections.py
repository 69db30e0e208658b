"""Which connections may stay: limits per client and in all, and what is closed first."""

import ipaddress
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

_IPV6_SITE = 64  # bits; whoever has one IPv6 address has the whole /64


@dataclass(frozen=True, slots=True)
class Limits:
    """How many connections, and for how long each may keep the server waiting (seconds)."""

    in_all: int = 4096
    per_client: int = 100
    head: float = 10.0  # from the connection's start, or a request's first byte, to the blank line
    head_bytes: int = 65_536
    body: float = 20.0  # for a body of any size, plus a second for each `body_rate` bytes
    body_rate: int = 2_000
    idle: int = 65  # between two requests; above the 60 s for which nginx keeps its connections
    stall: float = 30.0  # while a client takes nothing of its answer
    pipelined: int = 16  # requests that may wait behind one that is being answered


class Connection(Protocol):
    """What the registry needs of a connection."""

    peer: str  # the IP address of the other side

    def drop(self) -> None:
        """Close at once, whatever is still to be read or written."""

    def overdue(self, now: float) -> bool:
        """Whether it has kept the server waiting too long; `now` is on the loop's clock."""

    def expire(self) -> None:
        """Close it because it is overdue."""


class Connections:
    """All open connections of one server.

    Where there are too many, the one is closed that has kept the server waiting longest: for a
    request, its rest, or the next one. So a newcomer who sends a request gets in even when somebody
    holds every place with connections that say nothing. A connection whose request is being
    answered is never closed for another one.
    """

    def __init__(self, limits: Limits, trusted: Iterable[str] = ()) -> None:
        """`trusted`: addresses and networks of proxies, which speak for many clients."""
        self.limits = limits
        self._trusted = tuple(ipaddress.ip_network(network, strict=False) for network in trusted)
        self._open: dict[Connection, str] = {}
        self._of_client: dict[str, dict[Connection, None]] = {}
        self._waiting: OrderedDict[Connection, None] = OrderedDict()  # longest first

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection) -> None:
        """Register a new connection, which waits for its client; make room if there is none."""
        client = "" if self._is_trusted(connection.peer) else client_of(connection.peer)
        self._open[connection] = client
        self._waiting[connection] = None
        if client:
            siblings = self._of_client.setdefault(client, {})
            siblings[connection] = None
            if len(siblings) > self.limits.per_client:
                self._longest_waiting(siblings, connection).drop()
        if len(self._open) > self.limits.in_all:
            next(iter(self._waiting)).drop()

    def discard(self, connection: Connection) -> None:
        """Forget a connection; one that is not registered is no mistake."""
        client = self._open.pop(connection, None)
        self._waiting.pop(connection, None)
        if client and (siblings := self._of_client.get(client)) is not None:
            siblings.pop(connection, None)
            if not siblings:
                del self._of_client[client]

    def waits(self, connection: Connection) -> None:
        """From now on the server waits for this client; a connection that waits stays in place."""
        if connection in self._open:
            self._waiting.setdefault(connection)

    def works(self, connection: Connection) -> None:
        """The client has done its part."""
        self._waiting.pop(connection, None)

    def sweep(self, now: float) -> None:
        """Close what is overdue."""
        for connection in [connection for connection in self._open if connection.overdue(now)]:
            connection.expire()

    def _longest_waiting(self, siblings: dict[Connection, None], newest: Connection) -> Connection:
        waiting = (connection for connection in siblings if connection in self._waiting)
        return next(waiting, newest)

    def _is_trusted(self, peer: str) -> bool:
        return _within(peer, self._trusted) if self._trusted else False


@lru_cache(maxsize=1024)
def client_of(peer: str) -> str:
    """What counts as one client: an IPv4 address, an IPv6 /64; other peers for themselves."""
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return peer
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            return str(address.ipv4_mapped)
        return str(ipaddress.ip_network((address, _IPV6_SITE), strict=False))
    return str(address)


@lru_cache(maxsize=1024)
def _within(peer: str, networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]) -> bool:
    try:
        address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    return any(address in network for network in networks)
