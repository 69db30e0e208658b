"""Reading a mailbox by IMAP (RFC 3501): one connection for each request.

``imaplib`` of the standard library speaks the protocol, in a thread of its own, over a connection
that the guard has opened. What a server sends is bounded, and so is the time that it takes: at the
deadline the connection is cut, which ends the thread.
"""

import asyncio
import imaplib
import re
import socket
import ssl
import time
from base64 import b64encode
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final

from clarion.transport import guard
from clarion.transport.errors import TransportError, Unavailable, describe, not_connected
from clarion.transport.messages import ImapReply, ImapRequest

_THREADS: Final = 4  # mailboxes that are read at the same time
_WINDOW: Final = 1_000  # UIDs that are looked through with one command
_SEARCHED: Final = 20_000  # messages that one search by day looks through, at 11 characters each
_WINDOWS: Final = 1_000  # of one request; UIDs are given out once, so a folder may have large gaps
_AT_ONCE: Final = 1_048_576  # bytes of the messages of one reply
_MOST_BYTES: Final = 8 * _AT_ONCE  # of all that a server says to one request
_TEXT: Final = 300  # characters of what a server says that are kept
_UNENCODED: Final = re.compile(r"[\x20-\x25\x27-\x7e]+|&|[^\x20-\x7e]+")


class ImapClient:
    """Sends ImapRequests. Belongs to the event loop it was first used in."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        """Make a client; nothing is opened yet. ``tls`` replaces the system's authorities."""
        self._tls = tls
        # Not the loop's own threads: names are looked up in those, and a mailbox may be slow.
        self._threads: ThreadPoolExecutor | None = None
        self._open: set[_Line] = set()

    async def send(self, request: ImapRequest) -> ImapReply:
        """Log in, do what the request asks for, log out.

        What the server refuses is a reply. Raises NotSent (Unavailable, WrongSettings) where there
        is no connection or the server breaks off: reading again doubles nothing.
        """
        where = f"{request.host} port {request.port}"
        deadline = asyncio.get_running_loop().time() + request.timeout
        sock = await guard.connect(
            request.host, request.port, allow_private=request.allow_private, deadline=deadline
        )
        sock.settimeout(request.timeout)
        line = _Line(sock)
        self._open.add(line)
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_THREADS, "imap")
        if self._tls is None and request.security != "none":
            self._tls = ssl.create_default_context()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout_at(deadline):
                return await loop.run_in_executor(
                    self._threads, _talk, line, request, self._tls, where
                )
        except TimeoutError:
            sentence = f"{{server}} did not answer for {request.timeout:g} s."
            raise Unavailable(sentence, where) from None
        finally:
            self._open.discard(line)
            line.cut()

    def close(self) -> None:
        """Cut all connections."""
        for line in list(self._open):
            line.cut()
        if self._threads is not None:
            self._threads.shutdown(wait=False, cancel_futures=True)
            self._threads = None


class _Line:
    """A connection that another thread may cut."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock

    def cut(self) -> None:
        """End it, whatever is being read: the plain way, for TLS may be in use by its thread."""
        with suppress(OSError):
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)


class _Session(imaplib.IMAP4):
    """imaplib over a connection that is open already, with a limit to what is read."""

    def __init__(self, line: _Line, host: str) -> None:
        self._line = line
        self._room = _MOST_BYTES
        super().__init__(host)

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._line.sock

    def read(self, size: int) -> bytes:
        """As imaplib does. Raises abort where the server says too much."""
        self._use(size)
        return super().read(size)

    def readline(self) -> bytes:
        """As imaplib does. Raises abort where the server says too much."""
        text = super().readline()
        self._use(len(text))
        return text

    def _use(self, size: int) -> None:
        self._room -= size
        if self._room < 0:
            raise self.abort("too much")

    def secure(self, tls: ssl.SSLContext) -> None:
        """STARTTLS. Raises error where the server has none."""
        if "STARTTLS" not in self.capabilities:
            raise self.error("The server has no STARTTLS.")
        self.starttls(tls)
        self._line.sock = self.sock


def _talk(line: _Line, request: ImapRequest, tls: ssl.SSLContext | None, where: str) -> ImapReply:
    """All of a request, in a thread."""
    try:
        if request.security == "tls":
            assert tls is not None
            try:
                line.sock = tls.wrap_socket(line.sock, server_hostname=request.host)
            except OSError as problem:
                raise _unsecured(where, problem) from problem
        try:
            session = _Session(line, request.host)
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as refusal:
            return ImapReply("connect", _said(refusal))
        try:
            return _read(session, request, tls, where)
        finally:
            with suppress(imaplib.IMAP4.error, OSError):
                session.logout()
    except TransportError:
        raise
    except imaplib.IMAP4.abort as problem:
        sentence = "{server} broke off the connection, or its answer is not valid IMAP."
        raise Unavailable(sentence, where) from problem
    except (OSError, ValueError) as problem:
        raise Unavailable(f"No answer of {{server}}: {describe(problem)}.", where) from problem
    finally:
        with suppress(OSError):
            line.sock.close()


def _unsecured(where: str, problem: OSError) -> TransportError:
    sentence = f"No secure connection to {{server}}: {describe(problem)}."
    return not_connected(sentence, where, problem)


def _read(
    session: _Session, request: ImapRequest, tls: ssl.SSLContext | None, where: str
) -> ImapReply:
    stage: Any = "connect"
    try:
        if request.security == "starttls":
            assert tls is not None
            try:
                session.secure(tls)
            except OSError as problem:
                raise _unsecured(where, problem) from problem
        stage = "login"
        _log_in(session, request)
        stage = "folder"
        _, count = _ok(session.select(_mailbox(request.folder), readonly=not request.delete))
        validity = _number(session, "UIDVALIDITY")
        stage = "read"
        if request.delete:
            if validity == request.validity:
                _delete(session, request.delete)
            return ImapReply("done", validity=validity)
        last = _last(session)
        if validity != request.validity:
            if request.validity and request.since:
                last = _before(session, request.since, last, int(count[-1] or 0))
            return ImapReply("done", validity=validity, last=last, more=bool(request.validity))
        return _messages(session, request, last)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as refusal:
        return ImapReply(stage, _said(refusal))


def _log_in(session: _Session, request: ImapRequest) -> None:
    """With AUTHENTICATE PLAIN (RFC 4616), which takes any letters, else with LOGIN; an access token
    with XOAUTH2 (developers.google.com/workspace/gmail/imap/xoauth2-protocol)."""
    if request.oauth is not None:
        steps = iter([f"user={request.username}\1auth=Bearer {request.password}\1\1".encode()])
        # A refusal comes as one more challenge, which has to be answered with nothing.
        session.authenticate("XOAUTH2", lambda _: next(steps, b""))
        return
    if "AUTH=PLAIN" in session.capabilities:
        proof = f"\0{request.username}\0{request.password}".encode()
        session.authenticate("PLAIN", lambda _: proof)
        return
    if "LOGINDISABLED" in session.capabilities:
        raise session.error("The server offers no login without encryption.")
    # Written out: imaplib puts the user name into the command as it is.
    _ok(session.xatom("LOGIN", _quoted(request.username), _quoted(request.password)))
    session.state = "AUTH"


def _last(session: _Session) -> int:
    """The highest UID that the folder has given out so far (RFC 3501 2.3.1.1)."""
    if following := _number(session, "UIDNEXT"):
        return following - 1
    status, data = session.uid("FETCH", "*", "(UID)")
    if status != "OK":  # there are no messages
        return 0
    numbers = [int(match[1]) for each in data if (match := re.search(rb"UID (\d+)", each or b""))]
    return max(numbers, default=0)


def _before(session: _Session, day: str, last: int, count: int) -> int:
    """The UID before the first message since a day, of ``count`` in the folder.

    The newest are looked at first, not all at once: imaplib reads no line of a million characters.
    A part without any ends the search, as messages are numbered in the order in which they arrive.
    """
    first = last + 1
    for end in range(count, 0, -_SEARCHED):
        part = f"{max(1, end - _SEARCHED + 1)}:{end}"
        _, data = _ok(session.uid("SEARCH", f"{part} SINCE {day}"))
        uids = [int(uid) for uid in b" ".join(each or b"" for each in data).split()]
        if not uids:
            break
        first = min(first, *uids)
    return first - 1


def _messages(session: _Session, request: ImapRequest, last: int) -> ImapReply:
    """The next messages behind ``request.after``, and how far that is."""
    done, room = request.after, _AT_ONCE
    # With time left to return what there is: a slow server would be asked for the same for good.
    enough = time.monotonic() + request.timeout / 2
    messages: list[tuple[int, bytes]] = []
    for _ in range(_WINDOWS):
        end = min(done + _WINDOW, last)
        if messages or end <= done:
            break
        _, data = _ok(session.uid("SEARCH", f"UID {done + 1}:{end}"))
        uids = sorted(
            number
            for number in map(int, b" ".join(each or b"" for each in data).split())
            if done < number <= end
        )
        refusal: imaplib.IMAP4.error | None = None
        for uid in uids:
            is_late = bool(messages) and time.monotonic() > enough
            if len(messages) >= request.most or room <= 0 or is_late:
                return ImapReply("done", "", request.validity, done, tuple(messages), more=True)
            try:
                content = _content(session, uid, request.most_bytes)
            except imaplib.IMAP4.abort:
                raise
            except imaplib.IMAP4.error as error:  # by itself no reason to stop for good
                refusal = error
                continue
            # A message behind can be read, so only those before it are broken: they are left out.
            refusal = None
            room -= len(content)
            messages += [(uid, content)] if content else []
            done = uid
        if refusal is not None and messages:
            return ImapReply("done", "", request.validity, done, tuple(messages))
        if refusal is not None:
            raise refusal
        done = end
    return ImapReply("done", "", request.validity, done, tuple(messages), more=done < last)


def _content(session: _Session, uid: int, most: int) -> bytes:
    """The beginning of a message; nothing where it has been deleted meanwhile."""
    _, data = _ok(session.uid("FETCH", str(uid), f"(UID BODY.PEEK[]<0.{most}>)"))
    pieces = [each[1] for each in data if isinstance(each, tuple) and b"BODY[" in each[0]]
    return bytes(pieces[0][:most]) if pieces else b""


def _delete(session: _Session, uids: Sequence[int]) -> None:
    """Delete these alone: without UIDPLUS (RFC 4315) they are only marked, for EXPUNGE would take
    what others have marked as well."""
    listed = ",".join(map(str, uids))
    _ok(session.uid("STORE", listed, "+FLAGS.SILENT", r"(\Deleted)"))
    _, data = session.capability()
    if b"UIDPLUS" in b" ".join(each or b"" for each in data).upper().split():
        _ok(session.uid("EXPUNGE", listed))


def _ok(answer: tuple[str, Any]) -> tuple[str, Any]:
    status, data = answer
    if status != "OK":
        raise imaplib.IMAP4.error(data[-1] if data and isinstance(data[-1], bytes) else status)
    return answer


def _number(session: _Session, name: str) -> int:
    _, data = session.response(name)
    text = data[-1] if data else None
    return int(text) if isinstance(text, bytes) and text.isdigit() else 0


def _said(refusal: imaplib.IMAP4.error) -> str:
    words = refusal.args[0] if refusal.args else ""
    text = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
    return "".join(each if each.isprintable() else " " for each in text[:_TEXT]).strip()


def _quoted(text: str) -> str:
    """A quoted string. What has other letters or controls fits into no LOGIN command."""
    if not (text.isascii() and text.isprintable()):
        raise imaplib.IMAP4.error("The server takes a user name and password in plain ASCII only.")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _mailbox(folder: str) -> str:
    """The name of a folder as IMAP writes it: in modified UTF-7 (RFC 3501 5.1.3)."""
    return _quoted("".join(map(_encoded, _UNENCODED.findall(folder))))


def _encoded(piece: str) -> str:
    if piece == "&":
        return "&-"
    if piece.isascii() and piece.isprintable():
        return piece
    raw = b64encode(piece.encode("utf-16-be", "replace")).rstrip(b"=").replace(b"/", b",")
    return f"&{raw.decode()}-"
