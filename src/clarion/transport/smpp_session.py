"""One bound SMPP connection: many requests at a time, answers in any order, packets both ways.

A message is certainly not sent until its packet is handed to the kernel: while the socket takes
nothing, further packets wait here.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final, cast

import structlog

from clarion.transport import guard
from clarion.transport.errors import Unavailable, describe, not_connected
from clarion.transport.messages import SmppAccount, SmppReply
from clarion.transport.smpp_pdu import (
    LAST_SEQUENCE,
    RESPONSE,
    BadPdu,
    Command,
    Pdu,
    PduReader,
    Status,
    pack_bind,
    status_text,
)

log = structlog.get_logger()
MOST_HEARD: Final = 200  # packets of the SMSC that are being stored; it is asked to repeat others
_MOST_UNREAD: Final = 1_000_000  # octets that the other side does not read before it is given up
_PATIENCE: Final = 10.0  # seconds that the other side has for a sign of life
_FAREWELL: Final = 3.0  # seconds for the answer to unbind, and for answers after the SMSC's unbind

Hear = Callable[[bytes], Awaitable[bool]]  # keeps a packet of the SMSC; whether that is certain


class Lost(Exception):  # noqa: N818 - says what is the case
    """The connection ended before there was an answer; the reason in a few words."""


class BindRefused(Exception):  # noqa: N818 - it is the SMSC's answer, not an error of ours
    """Carries the answer to a bind from where it came to where it is returned."""

    def __init__(self, reply: SmppReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Written:
    """Whether the packet of a request was handed to the kernel."""

    __slots__ = ("yes",)

    def __init__(self) -> None:
        self.yes = False


class SmppSession(asyncio.Protocol):
    """A connection that was made with one bind request."""

    def __init__(self, account: SmppAccount, bind: Command, hear: Hear) -> None:
        self.ended = asyncio.Event()
        self._account = account
        self._bind = bind
        self._hear = hear
        self._loop = asyncio.get_running_loop()
        self._reader = PduReader()
        self._transport: asyncio.Transport | None = None
        self._bound = False
        self._leaving = False  # one side has said goodbye: no new requests
        self._abandoned = False  # it was the other side
        self._why = "the other side closed the connection"
        self._sequence = 0
        # By sequence number: what is expected, and who waits for it.
        self._pending: dict[int, tuple[int, asyncio.Future[Pdu]]] = {}
        self._window = asyncio.Semaphore(account.window)
        self._writable = asyncio.Event()
        self._storing: set[asyncio.Task[None]] = set()
        self._heard_at = self._asked_at = 0.0  # on the loop's clock
        self._timer: asyncio.TimerHandle | None = None

    @property
    def server(self) -> str:
        """The other side, for those who may know its address."""
        return f"{self._account.host} port {self._account.port}"

    @property
    def usable(self) -> bool:
        """Whether it is bound and, as far as is known, open."""
        return self._bound and not self._leaving and not self.ended.is_set()

    async def open(self, tls: ssl.SSLContext | None, deadline: float) -> None:
        """Connect and bind. Raises NotSent, or BindRefused with the SMSC's answer."""
        account = self._account
        try:
            async with asyncio.timeout_at(deadline):
                await self._connect(tls, deadline)
                body = pack_bind(account.system_id, account.password, account.system_type)
                answer = await self._ask(self._bind, body, Written())
        except TimeoutError as problem:
            self.end("no answer")
            sentence = "{server} did not answer the connection in time."
            raise Unavailable(sentence, self.server) from problem
        except Lost as problem:
            raise Unavailable(f"{{server}} can't be used: {problem}.", self.server) from problem
        except (OSError, ValueError) as problem:
            self.end("it could not be opened")
            sentence = f"No connection to {{server}}: {describe(problem)}."
            raise not_connected(sentence, self.server, problem) from problem
        except BaseException:
            self.end("it was given up")
            raise
        if answer.status != Status.OK:
            self.end("the bind was refused")
            raise BindRefused(SmppReply("bind", answer.status, text=status_text(answer)))
        self._bound = True
        self._timer = self._loop.call_later(account.enquire, self._look_at_the_clock)

    async def submit(self, body: bytes, written: Written) -> Pdu:
        """Send a submit_sm and return its response. Raises Lost; ``written`` tells what that means.

        Waits while the window is full and while the socket takes nothing.
        """
        async with self._window:
            await self._writable.wait()
            await self._hear_the_end()
            if not self.usable:
                raise Lost(self._why)
            return await self._ask(Command.SUBMIT_SM, body, written)

    async def enquire(self) -> Pdu:
        """Ask for a sign of life and return the answer. Raises Lost."""
        if not self.usable:
            raise Lost(self._why)
        return await self._ask(Command.ENQUIRE_LINK, b"", Written())

    async def unbind(self) -> None:
        """Wait a moment for answers that are due, say goodbye, and close. Nothing more is sent."""
        if self.usable:
            self._leaving, self._why = True, "it was closed here"
            due = [answer for _, answer in self._pending.values()]
            if due:
                await asyncio.wait(due, timeout=_FAREWELL)
            with suppress(Lost, TimeoutError):  # it is over either way
                async with asyncio.timeout(_FAREWELL):
                    await self._ask(Command.UNBIND, b"", Written())
        await asyncio.gather(*self._storing)
        self.end("it was closed here")

    def end(self, why: str) -> None:
        """Close at once; whoever waits for an answer is told that there is none."""
        if self.ended.is_set():
            return
        self._why = why
        self.ended.set()
        self._writable.set()
        if self._timer is not None:
            self._timer.cancel()
        if self._transport is not None:
            self._transport.abort()
        pending, self._pending = self._pending, {}
        for _, answer in pending.values():
            if not answer.done():
                answer.set_exception(Lost(why))
                answer.exception()  # seen, also when whoever waited is cancelled

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._account.security == "none":
            # Anything that the kernel does not take at once stops further messages. With TLS
            # uvloop would not tell when that is over, and some may wait behind it, in doubt.
            self._transport.set_write_buffer_limits(high=0)
        self._writable.set()
        if self.ended.is_set():
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.end(describe(exc) if exc else "the other side closed the connection")

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def data_received(self, data: bytes) -> None:
        self._heard_at = self._loop.time()
        try:
            for pdu in self._reader.feed(data):
                self._take(pdu)
        except BadPdu:
            self._write(Pdu(Command.GENERIC_NACK, Status.INVALID_LENGTH, 0))
            self.end("what it sent is not SMPP")

    # packets

    def _take(self, pdu: Pdu) -> None:
        if pdu.command & RESPONSE:
            self._answered(pdu)
        elif pdu.command == Command.ENQUIRE_LINK:
            self._answer(pdu, Status.OK)
        elif pdu.command in (Command.DELIVER_SM, Command.DATA_SM):
            self._keep(pdu)
        elif pdu.command == Command.UNBIND:
            self._leaving = True
            self._why = "the other side ended the session"
            self._answer(pdu, Status.OK)
            self._loop.call_later(_FAREWELL if self._pending else 0, self.end, self._why)
            self._abandoned = True
        elif pdu.command not in _UNANSWERED:
            self._write(Pdu(Command.GENERIC_NACK, Status.INVALID_COMMAND, pdu.sequence))

    def _answered(self, pdu: Pdu) -> None:
        expected, answer = self._pending.get(pdu.sequence, (0, None))
        if answer is None:
            if pdu.command == Command.GENERIC_NACK:  # nobody knows what it is about
                self.end("it did not understand what was sent")
            return
        if pdu.command not in (expected, Command.GENERIC_NACK):
            return
        del self._pending[pdu.sequence]
        if not answer.done():
            answer.set_result(pdu)
        if self._abandoned and not self._pending:
            self.end(self._why)

    def _keep(self, pdu: Pdu) -> None:
        if len(self._storing) >= MOST_HEARD:
            self._answer(pdu, Status.TRY_AGAIN)
            return
        task = self._loop.create_task(self._store(pdu))
        self._storing.add(task)
        task.add_done_callback(self._storing.discard)

    async def _store(self, pdu: Pdu) -> None:
        try:
            kept = await self._hear(pdu.pack())
        except Exception:
            log.exception("packet_not_kept")
            kept = False
        self._answer(pdu, Status.OK if kept else Status.TRY_AGAIN)

    def _answer(self, pdu: Pdu, status: Status) -> None:
        # deliver_sm_resp and data_sm_resp have a message_id, which is not used (4.6.2).
        body = b"\0" if pdu.command in (Command.DELIVER_SM, Command.DATA_SM) else b""
        self._write(Pdu(pdu.command | RESPONSE, status, pdu.sequence, body))

    async def _ask(self, command: Command, body: bytes, written: Written) -> Pdu:
        if self.ended.is_set():
            raise Lost(self._why)
        sequence = self._next_sequence()
        answer: asyncio.Future[Pdu] = self._loop.create_future()
        self._pending[sequence] = (command | RESPONSE, answer)
        try:
            written.yes = True
            self._write(Pdu(command, 0, sequence, body))
            return await answer
        finally:
            self._pending.pop(sequence, None)

    def _next_sequence(self) -> int:
        while True:
            self._sequence = self._sequence % LAST_SEQUENCE + 1
            if self._sequence not in self._pending:
                return self._sequence

    def _write(self, pdu: Pdu) -> None:
        transport = self._transport
        if transport is None or self.ended.is_set():
            return
        transport.write(pdu.pack())
        if transport.get_write_buffer_size() > _MOST_UNREAD:
            self.end("the other side reads nothing")

    async def _hear_the_end(self) -> None:
        """Let the loop tell what has happened to the connection, before a message is at stake."""
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def _connect(self, tls: ssl.SSLContext | None, deadline: float) -> None:
        account = self._account
        sock = await guard.connect(
            account.host, account.port, allow_private=account.allow_private, deadline=deadline
        )
        owned = guard.Owned(sock)
        try:
            await self._loop.create_connection(
                lambda: self,
                sock=sock,
                ssl=tls,
                server_hostname=account.host if tls is not None else None,
            )
        except BaseException:
            self.end("it could not be opened")
            owned.disown(close=True)
            raise

    def _look_at_the_clock(self) -> None:
        now = self._loop.time()
        waits = self._asked_at > self._heard_at
        if waits and now - self._asked_at >= _PATIENCE:
            self.end(f"no sign of life for {_PATIENCE:g} s")
            return
        quiet = now - self._heard_at
        if not waits and quiet >= self._account.enquire:
            self._asked_at = now
            self._write(Pdu(Command.ENQUIRE_LINK, 0, self._next_sequence()))
            waits = True
        enquire = self._account.enquire
        wait = min(_PATIENCE, enquire) if waits else enquire - quiet
        self._timer = self._loop.call_later(max(wait, 0.01), self._look_at_the_clock)


# alert_notification and outbind have no response (4.12.1, 4.1.7).
_UNANSWERED: Final = frozenset({0x102, 0x0B})
