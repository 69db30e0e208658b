"""One logged-in SMTP connection, on aiosmtplib, telling at every step what has become of a message.

aiosmtplib's own `sendmail` can't say whether the final dot was written, and its `login` tries a
wrong password once for every mechanism; so its single commands are used here.
"""

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable
from typing import TypeVar, cast

import aiosmtplib

from clarion.transport import guard
from clarion.transport.errors import (
    CantReceive,
    MaybeSent,
    NotSent,
    TransportError,
    Unavailable,
    WrongSettings,
    describe,
    not_connected,
)
from clarion.transport.messages import SmtpReply, SmtpRequest, Stage

T = TypeVar("T")

_LINE_END = re.compile(rb"\r\n|\r|\n")
# One bare address. "Name <address>", a route or a list would be parsed once more by the server, and
# two parsers seldom agree about those.
_ADDRESS = re.compile(r'[^\s\x00-\x1f\x7f<>(),:;\\"\[\]@]+@[^\s\x00-\x1f\x7f<>(),:;\\"\[\]@]+')
_LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)
_HOST_NAME = re.compile(r"[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+")
_TEXT_MAX = 1000  # characters of a server's reply that are passed on
_FAREWELL = 1.0  # seconds that a server gets to answer QUIT
_NAMING = 2.0  # seconds that the resolver gets to tell this machine's own name
# RFC 4954 4 and 6: not this mechanism; another one may do. A wrong password is 535.
_OTHER_MECHANISM = frozenset((500, 501, 502, 504, 534, 538))

_own_name: str | None = None


class Refused(Exception):  # noqa: N818 - it is the server's answer, not an error of ours
    """Carries a 4xx or 5xx reply from where it came to where it is returned."""

    def __init__(self, stage: Stage, code: int, text: str) -> None:
        super().__init__(code)
        self.reply = SmtpReply(stage, code, _readable(text))


class Fate:
    """How far a message has come, and so which error the loss of a reply is."""

    def __init__(self, server: str) -> None:
        self.server = server
        self.stage: Stage = "connect"
        self.transmitted = False

    def because(self, reason: str, problem: BaseException | None = None) -> TransportError:
        """Make the error with a sentence around `reason` (lower case, no full stop).

        Until the recipient is named a failure is about the server or the account. After that it may
        be about this message: a server that hangs up on one would do so for ever.
        """
        if self.transmitted:
            return MaybeSent(
                f"The message was sent to {{server}}, but its answer is missing: {reason}.",
                self.server,
            )
        if self.stage in ("rcpt", "data"):
            return NotSent(f"{{server}} did not get the message: {reason}.", self.server)
        sentence = f"{{server}} can't be used: {reason}."
        if problem is None:
            return Unavailable(sentence, self.server)
        return not_connected(sentence, self.server, problem)

    def wrong(self, reason: str) -> WrongSettings:
        """Make the error of settings that this server can't be used with."""
        return WrongSettings(f"{{server}} can't be used: {reason}.", self.server)


class _Client(aiosmtplib.SMTP):
    def close(self) -> None:
        # A polite TLS farewell would keep the socket for as long as a dead peer does not answer.
        transport = self.transport
        super().close()
        if transport is not None:
            # A cast, because uvloop's transports are of no class of asyncio's.
            cast(asyncio.Transport, transport).abort()


class Session:
    """A connection to one server for one account.

    Its methods raise Refused for a 4xx or 5xx reply, else NotSent or MaybeSent as `fate` says.
    `messages` counts the messages begun on it; `since` is when it was last used, on the loop's
    clock.
    """

    def __init__(self, request: SmtpRequest, tls: ssl.SSLContext | None, fate: Fate) -> None:
        self.fate = fate
        self.messages = 0
        self.since = 0.0
        self._request = request
        self._client = _Client(
            hostname=request.host,
            timeout=None,  # the pool has one deadline over all steps together
            use_tls=request.security == "tls",
            start_tls=False,  # done below, where its failures can be told apart
            tls_context=tls,
        )
        self._ready = False
        self._unfinished = False

    @property
    def usable(self) -> bool:
        """Whether it is logged in and, as far as is known, still open."""
        return self._ready and self._client.is_connected

    async def open(self, deadline: float) -> None:
        """Connect, secure the connection as asked, and log in if there is a user name."""
        request, client = self._request, self._client
        name = request.ehlo or await _name_of_this_machine()
        client.sock = await guard.connect(
            request.host, request.port, allow_private=request.allow_private, deadline=deadline
        )
        client.local_hostname = name or _literal(client.sock)
        owned = guard.Owned(client.sock)
        try:
            await self._guarded("connect", client.connect())
        except BaseException:
            # Not closed here: aiosmtplib's transport does that, and still listens to it till then.
            owned.disown(close=False)
            raise
        await self._greet()
        if request.security == "starttls":
            if not client.supports_extension("starttls"):
                raise self.fate.wrong(
                    "it does not offer STARTTLS; choose another encryption or another port"
                )
            await self._guarded("connect", client.starttls())
            await self._greet()
        if request.username:
            await self._log_in()
        self._ready = True

    async def begin(self, request: SmtpRequest) -> None:
        """Name the sender (MAIL), after clearing away a transaction that was refused before."""
        sender, _, international = _envelope(request)
        if international and not self._client.supports_extension("smtputf8"):
            raise self._not_international(request)
        if self._unfinished:
            try:
                await self._command("mail", b"RSET")
            except Refused as refused:
                raise self.fate.because("it could not begin a new message") from refused
            self._unfinished = False
        self.messages += 1
        client, options = self._client, list[bytes]()
        if client.supports_extension("size"):
            options.append(b"SIZE=%d" % (len(request.message) + len(request.tail)))
        if client.supports_extension("8bitmime") and not request.message.isascii():
            options.append(b"BODY=8BITMIME")
        if international:
            options.append(b"SMTPUTF8")
        await self._command("mail", b"MAIL", b"FROM:" + sender, *options)
        self._unfinished = True

    def _not_international(self, request: SmtpRequest) -> NotSent:
        """RFC 6531 3.2: such an address must not be sent to a server without SMTPUTF8."""
        if not request.sender.isascii():
            return self.fate.wrong(
                "it accepts no sender with letters outside a to z before the @ (no SMTPUTF8)"
            )
        return CantReceive(
            "This address has letters outside a to z before the @, which the mail server does not "
            "accept (no SMTPUTF8)."
        )

    async def finish(self, request: SmtpRequest) -> SmtpReply:
        """Name the recipient and transmit the message (RCPT, DATA); returns stage "sent"."""
        _, recipient, _ = _envelope(request)
        await self._command("rcpt", b"RCPT", b"TO:" + recipient)
        await self._command("data", b"DATA", expected=3)
        protocol = self._client.protocol
        if protocol is None:
            raise self.fate.because("the other side closed the connection")
        message = _LINE_END.sub(b"\r\n", request.message)
        message = _LEADING_DOT.sub(b"..", message)
        if not message.endswith(b"\r\n"):
            message += b"\r\n"
        try:
            protocol.write(b"".join((message, request.tail, b".\r\n")))
        except aiosmtplib.SMTPServerDisconnected as problem:
            raise self.fate.because(describe(problem)) from problem
        self.fate.transmitted = True
        answer = await self._guarded("data", protocol.read_response())
        self._judge("data", answer, 2)
        self._unfinished = False
        return SmtpReply("sent", answer.code, _readable(answer.message))

    async def check(self) -> SmtpReply:
        """Ask for nothing (NOOP); returns stage "check"."""
        answer = await self._command("check", b"NOOP")
        return SmtpReply("check", answer.code, _readable(answer.message))

    async def quit(self) -> None:
        """Say goodbye and wait for the answer, but not for long."""
        try:
            async with asyncio.timeout(_FAREWELL):
                await self._client.quit()
        except (aiosmtplib.SMTPException, OSError):
            pass  # it is over either way
        finally:
            self.abort()

    def retire(self) -> None:
        """Say goodbye without waiting for the answer."""
        protocol = self._client.protocol
        if not self.usable or protocol is None or protocol.transport is None:
            self.abort()
            return
        protocol.write(b"QUIT\r\n")
        protocol.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._client.close()

    async def _greet(self) -> None:
        try:
            await self._guarded("connect", self._client.ehlo())
        except Refused:
            if not self._client.is_connected:
                raise
            await self._guarded("connect", self._client.helo())

    async def _log_in(self) -> None:
        client, request = self._client, self._request
        mechanisms = {
            "plain": client.auth_plain,
            "login": client.auth_login,
            "cram-md5": client.auth_crammd5,
        }
        if request.oauth is not None:
            # Sent though it may not be listed: the server says best what it has against it.
            log_in = client.auth_xoauth2(request.username, request.password)
            await self._guarded("auth", log_in)
            return
        offered = [name for name in mechanisms if name in client.server_auth_methods]
        if request.security == "none":
            offered.sort(key="cram-md5".__ne__)  # the one that does not show the password is first
        if not offered:
            raise self.fate.wrong(
                "it offers no login with a password here; use TLS or STARTTLS, or leave out the "
                "user name"
            )
        for name in offered:
            log_in = mechanisms[name](request.username, request.password)
            try:
                await self._guarded("auth", log_in)
                return
            except Refused as refused:
                if refused.reply.code not in _OTHER_MECHANISM or name == offered[-1]:
                    raise

    async def _command(
        self, stage: Stage, *words: bytes, expected: int = 2
    ) -> aiosmtplib.SMTPResponse:
        answer = await self._guarded(stage, self._client.execute_command(*words))
        self._judge(stage, answer, expected)
        return answer

    def _judge(self, stage: Stage, answer: aiosmtplib.SMTPResponse, expected: int) -> None:
        if 400 <= answer.code <= 599:
            raise Refused(stage, answer.code, answer.message)
        if answer.code // 100 != expected:
            raise self.fate.because("its answer makes no sense here")

    async def _guarded(self, stage: Stage, step: Awaitable[T]) -> T:
        self.fate.stage = stage
        try:
            return await step
        except aiosmtplib.SMTPResponseException as problem:
            if 400 <= problem.code <= 599:
                raise Refused(stage, problem.code, problem.message) from None
            raise self.fate.because("its answer is not valid SMTP") from problem
        except (aiosmtplib.SMTPException, OSError, ValueError) as problem:
            # aiosmtplib wraps what happened, and its own text names host and port once more.
            cause = problem.__cause__ if isinstance(problem.__cause__, OSError) else problem
            raise self.fate.because(describe(cause), cause) from problem


def check_envelope(request: SmtpRequest) -> None:
    """Raise WrongSettings or CantReceive when sender or recipient can't be written into an SMTP
    command safely."""
    if request.sender and not _ADDRESS.fullmatch(request.sender):
        raise WrongSettings("The sender's e-mail address is not a valid one.")
    if request.recipient and not _ADDRESS.fullmatch(request.recipient):
        raise CantReceive("This is not a valid e-mail address.")


def _envelope(request: SmtpRequest) -> tuple[bytes, bytes, bool]:
    sender, recipient = f"<{request.sender}>", f"<{request.recipient}>"
    international = not (sender.isascii() and recipient.isascii())
    return sender.encode("utf-8"), recipient.encode("utf-8"), international


def _readable(text: str) -> str:
    """A server's text, fit for a database: no NUL, no half characters, not endless."""
    raw = text[:_TEXT_MAX].encode("utf-8", "surrogateescape")
    return raw.decode("utf-8", "replace").replace("\0", "")


async def _name_of_this_machine() -> str:
    """Find the name for EHLO once; empty when there is none."""
    global _own_name
    if _own_name is None:
        try:
            async with asyncio.timeout(_NAMING):
                name = await asyncio.to_thread(socket.getfqdn)
        except TimeoutError:
            name = ""
        _own_name = name if _HOST_NAME.fullmatch(name) else ""
    return _own_name


def _literal(connected: socket.socket) -> str:
    """Our address as the server sees it, unless something translates it (RFC 5321 4.1.3)."""
    address = str(connected.getsockname()[0]).partition("%")[0]
    return f"[IPv6:{address}]" if ":" in address else f"[{address}]"
