"""The SMPP client: one bound connection to an account (or two), over which everything goes.

A message of several parts is sent part by part. What has become of it is told for all of them: no
answer to one of them leaves it in doubt, and if the first one is refused, nothing was sent.
"""

import asyncio
import ssl
from collections.abc import Callable
from typing import Final

from clarion.transport.errors import MaybeSent, NotSent, Unavailable
from clarion.transport.messages import SmppAccount, SmppReply, SmppRequest
from clarion.transport.smpp_pdu import Command, Status, parse_id, status_text
from clarion.transport.smpp_session import BindRefused, Hear, Lost, SmppSession, Written

Trouble = BindRefused | NotSent
Troubled = Callable[[Trouble, float], None]
_CLOSED: Final = "Clarion is closing its connection to the server."
_CONNECTING: Final = 15.0  # seconds to connect and bind
_RESTING: Final = 1.0  # seconds after a failure in which nobody connects to the account
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 60.0  # seconds before a kept connection is opened again
_AGAIN: Final = frozenset({Status.THROTTLED, Status.QUEUE_FULL})
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 5.0  # seconds before a later part is sent again


class SmppClient:
    """Sends SmppRequests. Belongs to the event loop it was first used in."""

    def __init__(self, *, tls: ssl.SSLContext | None = None) -> None:
        """Make a client; nothing is opened yet. `tls` replaces the system's authorities."""
        self._tls = tls
        self._closed = False
        self._links: dict[SmppAccount, _Link] = {}
        # What still waits to be sent must not open a connection that nobody would close.
        self._released: set[SmppAccount] = set()

    async def send(self, request: SmppRequest) -> SmppReply:
        """Send one message and return the SMSC's deciding answer; refusals are answers too.

        Raises NotSent when the SMSC certainly got no part of it, MaybeSent when it may have got all
        of it.
        """
        if self._closed or request.account in self._released:
            raise Unavailable(_CLOSED)
        link = self._link(request.account)
        fate = _Fate(link.server, len(request.parts))
        try:
            async with asyncio.timeout(request.timeout):
                if not request.parts:
                    return await _check(link)
                for part in request.parts:
                    reply = await _submit(link, part, fate)
                    if reply is not None:
                        return reply
        except TimeoutError as problem:
            return fate.ended(f"no answer for {request.timeout:g} s", problem)
        return SmppReply("submit", Status.OK, tuple(fate.ids), fate.parts)

    def keep(self, account: SmppAccount, hear: Hear, troubled: Troubled) -> None:
        """Hold the account's connection open from now on, and open it again when it is lost.

        `hear` is given each deliver_sm and data_sm as it came; the SMSC repeats those that are not
        kept. `troubled` is told each time why the connection can't be opened, and in how many
        seconds it is tried again.
        """
        self._released.discard(account)
        link = self._link(account)
        link.hear = hear
        if link.keeping is None:
            link.keeping = asyncio.create_task(link.keep(troubled))

    async def release(self, account: SmppAccount) -> None:
        """Unbind, and hold the account's connection open no longer. Nothing more is sent on it
        until it is kept again."""
        self._released.add(account)
        if link := self._links.pop(account, None):
            await link.close()

    async def close(self) -> None:
        """Unbind everywhere. A message that is on its way is waited for a moment."""
        self._closed = True
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(link.close() for link in links))
        await asyncio.sleep(0)  # the loop closes sockets at its next turns
        await asyncio.sleep(0)

    def _link(self, account: SmppAccount) -> "_Link":
        link = self._links.get(account)
        if link is None:
            if account.security == "tls" and self._tls is None:
                self._tls = ssl.create_default_context()
            tls = self._tls if account.security == "tls" else None
            link = self._links[account] = _Link(account, tls)
        return link


class _Fate:
    """How far a message has come."""

    def __init__(self, server: str, parts: int) -> None:
        self.parts = parts
        self.ids: list[str] = []  # of the parts that were accepted
        self.written = Written()  # of the part that is being sent
        self.refused: SmppReply | None = None  # the last refusal of that part
        self._server = server

    def ended(self, reason: str, problem: BaseException | None = None) -> SmppReply:
        """What it means that the part being sent gets no answer. Raises NotSent or MaybeSent."""
        if self.written.yes:
            part = f" part {len(self.ids) + 1} of {self.parts} of" if self.parts > 1 else ""
            raise MaybeSent(
                f"The answer to{part} the message is missing: {reason}."
                if part
                else f"The message was sent to {{server}}, but its answer is missing: {reason}.",
                self._server,
            ) from problem
        if not self.ids:
            raise Unavailable(f"{{server}} can't be used: {reason}.", self._server) from problem
        return self.refused or SmppReply(
            "submit", None, tuple(self.ids), self.parts, problem=reason
        )


async def _check(link: "_Link") -> SmppReply:
    try:
        for command in link.commands:
            session = await link.session(command)
            answer = await session.enquire()
    except BindRefused as refused:
        return refused.reply
    except Lost as lost:
        raise Unavailable(f"{{server}} can't be used: {lost}.", link.server) from lost
    return SmppReply("check", answer.status, text=status_text(answer))


async def _submit(link: "_Link", part: bytes, fate: _Fate) -> SmppReply | None:
    """Send a part; None when it was accepted, else what is to be answered.

    A later part that is certainly not accepted is sent again for as long as there is time: the
    parts before it are there already, and nobody can read them without it.
    """
    fate.refused = None
    lost_before = False
    pause = _FIRST_PAUSE
    while True:
        fate.written = Written()
        try:
            session = await link.session(link.commands[-1])
            answer = await session.submit(part, fate.written)
        except BindRefused as refused:
            if not fate.ids:
                return refused.reply
        except NotSent:
            if not fate.ids:
                raise
        except Lost as lost:
            if fate.written.yes or (lost_before and not fate.ids):
                return fate.ended(str(lost), lost)
            lost_before = True  # nothing was sent on it: a fresh one is as good
            if not fate.ids:
                continue
        else:
            fate.written = Written()
            if answer.status == Status.OK:
                fate.ids.append(parse_id(answer.body))
                return None
            ids = tuple(fate.ids)
            fate.refused = SmppReply("submit", answer.status, ids, fate.parts, status_text(answer))
            if not ids or answer.status not in _AGAIN:
                return fate.refused
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)


class _Link:
    """The connections to one account."""

    def __init__(self, account: SmppAccount, tls: ssl.SSLContext | None) -> None:
        self.server = f"{account.host} port {account.port}"
        # The last one is sent on.
        self.commands: tuple[Command, ...] = (
            (Command.BIND_RECEIVER, Command.BIND_TRANSMITTER)
            if account.separate
            else (Command.BIND_TRANSCEIVER,)
        )
        self.hear: Hear | None = None
        self.keeping: asyncio.Task[None] | None = None
        self._account = account
        self._tls = tls
        self._sessions: dict[Command, SmppSession] = {}
        self._opening = asyncio.Lock()
        self._closed = False
        self._trouble: Trouble | None = None  # why the last attempt failed …
        self._rests_until = 0.0  # … and until when none is made, on the loop's clock

    async def session(self, command: Command) -> SmppSession:
        """A bound connection. Raises NotSent, or BindRefused with the SMSC's answer."""
        async with self._opening:
            if self._closed:
                raise Unavailable(_CLOSED)
            session = self._sessions.get(command)
            if session is not None and session.usable:
                return session
            return await self._open(command)

    async def keep(self, troubled: Troubled) -> None:
        """Keep all connections open until it is cancelled."""
        loop, wait = asyncio.get_running_loop(), _FIRST_WAIT
        while True:
            began = loop.time()
            try:
                sessions = [await self.session(command) for command in self.commands]
            except (BindRefused, NotSent) as trouble:
                troubled(trouble, wait)
            else:
                await _any_ended(sessions)
                if loop.time() - began > _LONGEST_WAIT:
                    wait = _FIRST_WAIT
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)

    async def unbind(self) -> None:
        """Say goodbye on all connections."""
        sessions, self._sessions = list(self._sessions.values()), {}
        await asyncio.gather(*(session.unbind() for session in sessions))

    async def close(self) -> None:
        """Open nothing any more, and close what is open."""
        self._closed = True
        keeping, self.keeping = self.keeping, None
        if keeping is not None:
            keeping.cancel()
            await asyncio.gather(keeping, return_exceptions=True)
        await self.unbind()

    async def _open(self, command: Command) -> SmppSession:
        loop = asyncio.get_running_loop()
        if self._trouble is not None and loop.time() < self._rests_until:
            raise _once_more(self._trouble)
        session = SmppSession(self._account, command, self._hear)
        try:
            await session.open(self._tls, loop.time() + _CONNECTING)
        except (BindRefused, NotSent) as trouble:
            self._trouble, self._rests_until = trouble, loop.time() + _RESTING
            raise
        self._trouble = None
        if self._closed:  # meanwhile
            await session.unbind()
            raise Unavailable(_CLOSED)
        self._sessions[command] = session
        return session

    async def _hear(self, packet: bytes) -> bool:
        return self.hear is not None and await self.hear(packet)


def _once_more(trouble: Trouble) -> Trouble:
    """The same error for somebody else."""
    if isinstance(trouble, BindRefused):
        return BindRefused(trouble.reply)
    return trouble.again()


async def _any_ended(sessions: list[SmppSession]) -> None:
    waits = [asyncio.ensure_future(session.ended.wait()) for session in sessions]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
