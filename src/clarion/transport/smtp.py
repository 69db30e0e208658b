"""The SMTP client: a few kept-open, logged-in connections per server and account."""

import asyncio
import math
import ssl

from clarion.transport.errors import CantReceive, NotSent, Unavailable
from clarion.transport.messages import Security, SmtpReply, SmtpRequest
from clarion.transport.pool import ConnectionPool
from clarion.transport.smtp_session import Fate, Refused, Session, check_envelope

_MESSAGES_PER_CONNECTION = 100  # Postfix and Exchange close at about this number by themselves
_CLOSED = "Clarion is shutting down."

_Key = tuple[str, int, Security, str, str, bool, str]


class SmtpPool:
    """Sends SmtpRequests. Belongs to the event loop it was first used in."""

    def __init__(
        self, *, per_server: int = 8, idle: float = 20.0, tls: ssl.SSLContext | None = None
    ) -> None:
        """Make a pool; nothing is opened yet.

        `per_server` connections at most for one (host, port, security, user, password); an unused
        one is closed after `idle` seconds; `tls` replaces the system's certificate authorities.
        """
        self.per_server = per_server
        self._idle = idle
        self._tls = tls
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._pools: dict[_Key, ConnectionPool[Session]] = {}
        self._sessions: set[Session] = set()

    async def send(self, request: SmtpRequest) -> SmtpReply:
        """Send one message and return the server's deciding reply; 4xx and 5xx are replies too.

        Raises NotSent when the server certainly did not get the whole message, as Unavailable,
        WrongSettings or CantReceive where it is known whom that is about, and MaybeSent when it
        may have got it. Cancelling it closes the connection that it was using.
        """
        if self._closed:
            raise Unavailable(_CLOSED)
        check_envelope(request)
        pool = self._pool(request)
        if self._timer is None:
            self._start_timer(asyncio.get_running_loop())
        fate = Fate(f"{request.host} port {request.port}")
        waiting = not pool.enter()
        try:
            async with asyncio.timeout(request.timeout):
                if waiting:
                    await pool.wait(math.inf)
                    waiting = False
                try:
                    return await self._deliver(request, pool, fate)
                finally:
                    pool.leave()
        except TimeoutError as problem:
            reason = f"all {pool.limit} connections were busy" if waiting else "no answer"
            raise fate.because(f"{reason} for {request.timeout:g} s") from problem

    async def close(self) -> None:
        """Say goodbye on idle connections, cut the others, and refuse what still waits."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        idle = []
        for pool in self._pools.values():
            pool.dismiss(_CLOSED)
            idle += pool.idle
            pool.idle.clear()
        await asyncio.gather(*(session.quit() for session in idle))
        for session in list(self._sessions):
            session.abort()
        self._sessions.clear()
        await asyncio.sleep(0)  # the loop closes sockets at its next turns
        await asyncio.sleep(0)

    def _pool(self, request: SmtpRequest) -> ConnectionPool[Session]:
        key = (
            request.host,
            request.port,
            request.security,
            request.username,
            request.password,
            # A connection that was allowed to a private address must not serve one that is not.
            request.allow_private,
            request.ehlo,
        )
        pool = self._pools.get(key)
        if pool is None:
            pool = self._pools[key] = ConnectionPool(
                f"{request.host}:{request.port}", self.per_server
            )
        return pool

    async def _deliver(
        self, request: SmtpRequest, pool: ConnectionPool[Session], fate: Fate
    ) -> SmtpReply:
        check = not request.recipient
        session: Session | None = None
        try:
            # A check is about the credentials as they are now, so it logs in anew.
            session = None if check else await self._begin_on_idle(request, pool, fate)
            if session is None:
                session = Session(request, self._tls_context(request), fate)
                self._sessions.add(session)
                await session.open(asyncio.get_running_loop().time() + request.timeout)
                if self._closed:
                    raise Unavailable(_CLOSED)
                if not check:
                    await session.begin(request)
            reply = await (session.check() if check else session.finish(request))
        except Refused as refused:
            reply = refused.reply
        except CantReceive:
            if session is not None:
                self._keep(session, pool)
            raise
        except BaseException:
            if session is not None:
                self._discard(session)
            raise
        if session is not None:
            self._keep(session, pool)
        return reply

    async def _begin_on_idle(
        self, request: SmtpRequest, pool: ConnectionPool[Session], fate: Fate
    ) -> Session | None:
        """Name the sender on a connection that was open already; None when there is none alive.

        One that turns out dead is given up at once for a fresh one: nothing was sent on it.
        """
        while pool.idle:
            session = pool.idle.pop()
            session.fate = fate
            if not session.usable:
                self._discard(session)
                continue
            try:
                await session.begin(request)
            except CantReceive:  # nothing was said: the connection is as good as before
                self._keep(session, pool)
                raise
            except NotSent:
                self._discard(session)
                return None
            except Refused as refused:
                if refused.reply.code == 421:  # RFC 5321 3.8: closing, whatever was asked
                    self._discard(session)
                    return None
                self._keep(session, pool)
                raise
            except BaseException:
                self._discard(session)
                raise
            return session
        return None

    def _keep(self, session: Session, pool: ConnectionPool[Session]) -> None:
        if self._closed or not session.usable or session.messages >= _MESSAGES_PER_CONNECTION:
            self._sessions.discard(session)
            session.retire()
        else:
            session.since = asyncio.get_running_loop().time()
            pool.idle.append(session)

    def _discard(self, session: Session) -> None:
        self._sessions.discard(session)
        session.abort()

    def _tls_context(self, request: SmtpRequest) -> ssl.SSLContext | None:
        if self._tls is None and request.security != "none":
            self._tls = ssl.create_default_context()
        return self._tls

    def _start_timer(self, loop: asyncio.AbstractEventLoop) -> None:
        self._timer = loop.call_later(self._idle / 4, self._look_at_the_clock, loop)

    def _look_at_the_clock(self, loop: asyncio.AbstractEventLoop) -> None:
        oldest = loop.time() - self._idle
        for pool in self._pools.values():
            pool.expire(loop.time())
            for session in [each for each in pool.idle if each.since <= oldest or not each.usable]:
                pool.idle.remove(session)
                self._sessions.discard(session)
                session.retire()
        self._pools = {key: pool for key, pool in self._pools.items() if not pool.unused}
        self._timer = None
        if self._pools:
            self._start_timer(loop)
