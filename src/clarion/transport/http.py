"""The HTTP/1.1 client: kept-alive connections per origin, one timer, no redirects, no cookies.

It does little on purpose: it is the hot path of the engine, and it must know at every moment
whether a request may have left.
"""

import asyncio
import ssl
from typing import NamedTuple

from clarion.transport import guard, tunnel
from clarion.transport.connection import Connection
from clarion.transport.errors import Unavailable, describe, not_connected
from clarion.transport.head import Origin, header_block, parse_url, request_line
from clarion.transport.messages import HttpReply, HttpRequest
from clarion.transport.pool import ConnectionPool

_TICK = 0.05  # seconds between two looks at the clock: how late a time-out may be noticed
_REMEMBERED = 1024  # addresses kept in the form in which they are sent
_FAREWELL = 1.0  # seconds that the loop gets to close what is aborted: shutting down must not hang
_CLOSED = "Clarion is shutting down."


class _Target(NamedTuple):
    pool: ConnectionPool[Connection]
    origin: Origin
    line: bytes


class HttpClient:
    """Sends HttpRequests. Belongs to the event loop it was first used in."""

    def __init__(
        self,
        *,
        per_origin: int = 64,
        max_reply: int = 1_048_576,
        proxy: str | None = None,
        tls: ssl.SSLContext | None = None,
        idle: float = 20.0,
    ) -> None:
        """Make a client; nothing is opened yet.

        `per_origin` connections at most to one (scheme, host, port, allow_private); reply bodies of
        at most `max_reply` bytes; `proxy` is "http://[user:password@]host:port" and gets a CONNECT
        for every connection; `tls` replaces the system's certificate authorities; an unused
        connection is closed after `idle` seconds. Raises ValueError for a proxy that can't be used.
        """
        self._per_origin = per_origin
        self._max_reply = max_reply
        self._proxy = tunnel.parse_proxy(proxy) if proxy else None
        self._tls = tls
        self._idle = idle
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._pools: dict[Origin, ConnectionPool[Connection]] = {}
        self._targets: dict[tuple[str, str, bool], _Target] = {}
        self._connections: set[Connection] = set()
        self._all_gone: asyncio.Future[None] | None = None

    async def send(self, request: HttpRequest) -> HttpReply:
        """Send one request and return its complete reply, whatever its status.

        Raises NotSent when the request certainly did not leave, MaybeSent when it may have.
        Cancelling it closes the connection that it was using.
        """
        method, body = request.method, request.body
        target = self._targets.get((method, request.url, request.allow_private))
        if target is None:
            target = self._remember_target(request)
        block = header_block(request.headers)
        if body or method in ("POST", "PUT", "PATCH"):  # RFC 9110 8.6
            head = b"%b%bContent-Length: %d\r\n\r\n" % (target.line, block, len(body))
        else:
            head = b"%b%b\r\n" % (target.line, block)
        loop = asyncio.get_running_loop()
        now = loop.time()
        deadline = now + request.timeout
        if self._timer is None:
            self._start_timer(loop)
        pool = target.pool
        if not pool.enter():
            await pool.wait(deadline)
            now = loop.time()
        connection = None
        try:
            while pool.idle:
                connection = pool.idle.pop()
                if connection.alive(now):
                    break
                connection.drop()
                connection = None
            if connection is None:
                connection = await self._open(target, deadline)
            connection.deadline = deadline
            return await connection.exchange(method, head, body, request.timeout)
        finally:
            if connection is not None:
                if connection.busy:  # cancelled
                    connection.drop()
                elif not connection.closed:
                    connection.since = loop.time()
                    pool.idle.append(connection)
            pool.leave()

    async def close(self) -> None:
        """Close every connection. Requests in flight end in MaybeSent, waiting ones in NotSent."""
        self._closed = True
        self._targets.clear()
        for pool in self._pools.values():
            pool.dismiss(_CLOSED)
        for connection in list(self._connections):
            connection.fail(f"The request was sent, but no reply was awaited. {_CLOSED}")
        if self._connections:
            self._all_gone = self._all_gone or asyncio.get_running_loop().create_future()
            await asyncio.wait([self._all_gone], timeout=_FAREWELL)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _remember_target(self, request: HttpRequest) -> _Target:
        if self._closed:
            raise Unavailable(_CLOSED)
        origin, path = parse_url(request.url, request.allow_private)
        line = request_line(request.method, origin, path)
        if len(self._targets) >= _REMEMBERED:
            self._targets.clear()
            self._pools = {key: pool for key, pool in self._pools.items() if not pool.unused}
        pool = self._pools.get(origin)
        if pool is None:
            pool = self._pools[origin] = ConnectionPool(origin.authority, self._per_origin)
        target = _Target(pool, origin, line)
        self._targets[request.method, request.url, request.allow_private] = target
        return target

    async def _open(self, target: _Target, deadline: float) -> Connection:
        if self._closed:
            raise Unavailable(_CLOSED)
        origin = target.origin
        connection = Connection(target.pool, self._max_reply, self._connections.add, self._forget)
        try:
            # Not the client's one timer, because this is once per connection, not per request.
            async with asyncio.timeout_at(deadline):
                await self._establish(connection, origin, deadline)
        except TimeoutError as problem:
            sentence = "{server} did not open a connection in time."
            raise Unavailable(sentence, origin.authority) from problem
        except (OSError, ValueError) as problem:
            sentence = f"No connection to {{server}}: {describe(problem)}."
            raise not_connected(sentence, origin.authority, problem) from problem
        if self._closed or connection.closed:
            connection.drop()
            raise Unavailable(
                _CLOSED if self._closed else "{server} closed the connection at once.",
                origin.authority,
            )
        return connection

    async def _establish(self, connection: Connection, origin: Origin, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        if self._proxy is None:
            sock = await guard.connect(
                origin.host, origin.port, allow_private=origin.allow_private, deadline=deadline
            )
        else:
            sock = await tunnel.connect(self._proxy, origin, deadline)
        owned = guard.Owned(sock)
        try:
            await loop.create_connection(
                lambda: connection,
                sock=sock,
                ssl=self._tls_context() if origin.secure else None,
                server_hostname=origin.host if origin.secure else None,
            )
        except BaseException:
            connection.drop()
            self._forget(connection)  # uvloop may not tell that it is lost
            owned.disown(close=True)
            raise

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:  # made when first needed: reading the authorities takes a while
            self._tls = ssl.create_default_context()
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls

    def _forget(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if self._all_gone is not None and not self._connections and not self._all_gone.done():
            self._all_gone.set_result(None)

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(_TICK, self._look_at_the_clock, loop)

    def _look_at_the_clock(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for pool in self._pools.values():
            pool.expire(now)
        for connection in list(self._connections):
            if connection.busy:
                if connection.deadline <= now:
                    connection.time_out()
            elif not connection.closed and connection.since + self._idle <= now:
                connection.drop()
        self._timer = None
        if self._connections or any(not pool.unused for pool in self._pools.values()):
            self._start_timer(loop)
