"""A small SMTP server: EHLO, AUTH PLAIN/LOGIN, MAIL, RCPT, DATA, RSET, NOOP, QUIT, pipelining.

Where the faults strike: what concerns one recipient at RCPT (400, 500, blocked, reset-before),
what concerns the transfer after the final dot (429, reset-after, hang, slow, broken replies),
because there a sender learns the difference between refused, accepted and in doubt.
"""

import asyncio
import base64
import binascii
import re
import time
from collections.abc import Callable
from typing import NamedTuple, cast

from clarion_simulator import bounces
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.imap import Inbox
from clarion_simulator.log import Channel
from clarion_simulator.mail_files import files_in, parts_of
from clarion_simulator.wire import CLOSE, KEEP, RESET, SLOW_PIECES, reset

MAX_LINE = 4096
MAX_RECIPIENTS = 1000
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>]*)>", re.IGNORECASE)
_MESSAGE_ID = re.compile(rb"(?im)^message-id:[ \t]*(?:\r?\n[ \t]+)?([^\r\n]*)")
_DOT = re.compile(rb"(?:^|\r\n)\.\r\n")
_GARBAGE = b"\x00\x1f\x8b this is not SMTP\r\n"

# Refused at RCPT. 454 after DATA is how SES throttles; the other texts are ordinary ones.
_AT_RCPT = {
    "500": "451 4.3.0 Temporary failure, try again later",
    "400": "550 5.1.1 No such user",
    "blocked": "550 5.7.1 Rejected: the recipient has blocked this sender",
    "deactivated": "550 5.2.1 Mailbox disabled",
}
_THROTTLED = "454 Throttling failure: Maximum sending rate exceeded"


class Recipient(NamedTuple):
    """One accepted RCPT and what was decided for it."""

    address: str
    fate: Fate


class Mail(asyncio.Protocol):
    """One SMTP connection."""

    transport: asyncio.Transport

    def __init__(self, desk: Desk, connections: "set[Mail]", inbox: Inbox) -> None:
        self.desk = desk
        self._inbox = inbox
        self.connections = connections
        self.loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._busy = False  # a reply is due later: commands wait behind it
        self._in_data = False
        self._searched = 0
        self._auth: Callable[[str], None] | None = None
        self._clear()
        self._commands: dict[str, Callable[[str], None]] = {
            "EHLO": self._ehlo,
            "HELO": lambda rest: self._say("250 clarion-simulator"),
            "AUTH": self._authenticate,
            "MAIL": self._mail,
            "RCPT": self._rcpt,
            "DATA": self._data,
            "RSET": self._rset,
            "NOOP": lambda rest: self._say("250 2.0.0 Ok"),
            "VRFY": lambda rest: self._say("252 2.5.0 Cannot verify"),
            "QUIT": self._quit,
        }

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self.connections.add(self)
        self._say("220 clarion-simulator ESMTP")

    def connection_lost(self, exc: Exception | None) -> None:
        self.connections.discard(self)
        self._busy = True
        self._commands.clear()
        self._auth = None

    def pause_writing(self) -> None:
        self.transport.pause_reading()

    def resume_writing(self) -> None:
        self.transport.resume_reading()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        self._work()

    def _work(self) -> None:
        while not self._busy and not self.transport.is_closing():
            if not (self._take_message() if self._in_data else self._take_line()):
                return
        if len(self._buffer) > MAX_LINE + self.desk.behaviour.max_body:
            self.transport.abort()

    def _take_line(self) -> bool:
        end = self._buffer.find(b"\n")
        if end > MAX_LINE or (end < 0 and len(self._buffer) > MAX_LINE):
            self._say("500 5.5.2 Line too long", CLOSE)
            return False
        if end < 0:
            return False
        line = self._buffer[:end].rstrip(b"\r").decode("utf-8", "replace")
        del self._buffer[: end + 1]
        if self._auth:
            step, self._auth = self._auth, None
            step(line)
            return True
        verb, _, rest = line.partition(" ")
        command = self._commands.get(verb.upper())
        if command is None:
            self._say("500 5.5.1 Command not recognised")
        else:
            command(rest.strip())
        return True

    def _take_message(self) -> bool:
        limit = self.desk.behaviour.max_body
        end_of_data = _DOT.search(self._buffer, max(0, self._searched))
        if end_of_data is None:
            if len(self._buffer) > limit + MAX_LINE:
                self._say("552 5.3.4 Message too large", CLOSE)
            # The dot line may be cut between two reads: look at the last bytes again.
            self._searched = len(self._buffer) - 4
            return False
        content = bytes(self._buffer[: end_of_data.end() - 3])
        del self._buffer[: end_of_data.end()]
        self._in_data = False
        if len(content) > limit:
            self._say("552 5.3.4 Message too large")
        else:
            self._receive(content)
        self._clear()
        return True

    def _clear(self) -> None:
        self._channel: Channel | None = None
        self._sender = ""
        self._recipients: list[Recipient] = []
        self._begun = 0

    # Commands.

    def _ehlo(self, rest: str) -> None:
        self._clear()
        size = self.desk.behaviour.max_body
        lines = ["clarion-simulator", f"SIZE {size}", "PIPELINING", "8BITMIME", "SMTPUTF8"]
        lines += ["ENHANCEDSTATUSCODES", "AUTH PLAIN LOGIN"]
        self._say("\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"]))

    def _authenticate(self, rest: str) -> None:
        method, _, initial = rest.partition(" ")
        if method.upper() == "PLAIN":
            if initial:
                self._plain(initial)
            else:
                self._ask("", self._plain)
        elif method.upper() == "LOGIN":
            if initial:
                self._ask("UGFzc3dvcmQ6", self._password)
            else:
                self._ask("VXNlcm5hbWU6", lambda user: self._ask("UGFzc3dvcmQ6", self._password))
        else:
            self._say("504 5.5.4 Unrecognised authentication type")

    def _ask(self, prompt: str, step: Callable[[str], None]) -> None:
        self._auth = step
        self._say(f"334 {prompt}")

    def _plain(self, line: str) -> None:
        try:
            password = base64.b64decode(line, validate=True).split(b"\0")[2]
        except (binascii.Error, ValueError, IndexError):
            self._say("501 5.5.2 Cannot decode")
            return
        self._admit(password)

    def _password(self, line: str) -> None:
        try:
            self._admit(base64.b64decode(line, validate=True))
        except (binascii.Error, ValueError):
            self._say("501 5.5.2 Cannot decode")

    def _admit(self, password: bytes) -> None:
        if password == b"wrong":
            self._say("535 5.7.8 Authentication credentials invalid")
        else:
            self._say("235 2.7.0 Authentication successful")

    def _mail(self, rest: str) -> None:
        match = _PATH.match(rest)
        if self._channel is not None:
            self._say("503 5.5.1 Nested MAIL command")
        elif match is None or not rest.upper().startswith("FROM"):
            self._say("501 5.1.7 Syntax: MAIL FROM:<address>")
        else:
            self._begun = time.monotonic_ns()
            self._sender = match[1]
            # Bounce addresses with codes are one sender.
            name = re.sub(r"\+[^@]*(?=@)", "", match[1])
            self._channel = self.desk.log.channel("smtp", name)
            self._say("250 2.1.0 Ok")

    def _rcpt(self, rest: str) -> None:
        match = _PATH.match(rest)
        if self._channel is None:
            self._say("503 5.5.1 Need MAIL command")
        elif match is None or not match[1] or not rest.upper().startswith("TO"):
            self._say("501 5.1.3 Syntax: RCPT TO:<address>")
        elif len(self._recipients) >= MAX_RECIPIENTS:
            self._say("452 4.5.3 Too many recipients")
        else:
            self._judge(self._channel, match[1])

    def _judge(self, channel: Channel, address: str) -> None:
        fate = self.desk.judge.decide(channel, address, self._begun)
        if fate.do in _AT_RCPT or fate.do == "reset-before":
            self.desk.log.add(channel, DOINGS[fate.do], self._begun, address)
            if fate.do == "reset-before":
                self._say("", RESET)
            else:
                self._say(_AT_RCPT[fate.do], KEEP, fate.delay)
        else:
            self._recipients.append(Recipient(address, fate))
            self._say("250 2.1.5 Ok")

    def _data(self, rest: str) -> None:
        if not self._recipients:
            self._say("503 5.5.1 Need RCPT command")
            return
        self._in_data = True
        self._searched = 0
        self._say("354 End data with <CR><LF>.<CR><LF>")

    def _rset(self, rest: str) -> None:
        self._clear()
        self._say("250 2.0.0 Ok")

    def _quit(self, rest: str) -> None:
        self._say("221 2.0.0 Bye", CLOSE)

    def _receive(self, content: bytes) -> None:
        # One message may have many recipients but gets one reply: the first fault decides it.
        fates = [recipient.fate for recipient in self._recipients]
        fate = next((fate for fate in fates if fate.do != "ok"), fates[0])
        content = content.removeprefix(b".") if content.startswith(b"..") else content
        content = content.replace(b"\r\n..", b"\r\n.")
        match = _MESSAGE_ID.search(content.partition(b"\r\n\r\n")[0])
        key = match[1].decode("utf-8", "replace").strip() if match else ""
        text = content[: 4 * self.desk.behaviour.keep_text].decode("utf-8", "replace")
        parts = parts_of(files_in(content))
        number = 0
        for recipient in self._recipients:
            number = self.desk.log.add(
                cast(Channel, self._channel),
                DOINGS[fate.do],
                self._begun,
                recipient.address,
                key,
                text,
                parts,
            )
            if DOINGS[fate.do][0] == "accepted" and self._sender:
                self._return_later(recipient.address, content, number, fate)
        self._reply(fate, f"250 2.0.0 Ok: queued as sim-{number}")

    def _return_later(self, to: str, content: bytes, number: int, fate: Fate) -> None:
        """Plan what comes back to the sender, into the mailbox that IMAP shows."""
        kinds = [
            (receipt.kind.partition(".")[2], fate.delay + receipt.delay)
            for receipt in self.desk.judge.receipts(to, str(number), fate.do)
            if receipt.kind == "message.failed"
        ]
        for word in ("bounce", "delayed", "complaint", "away"):
            if f"+{word}@" in to:
                kinds = [(word, fate.delay)]
        for kind, delay in kinds:
            self.loop.call_later(delay, self._return, kind, to, self._sender, content, number)

    def _return(self, kind: str, to: str, sender: str, content: bytes, number: int) -> None:
        if kind == "complaint":
            mail = bounces.complaint(to, sender, content, number)
        elif kind == "away":
            mail = bounces.automatic(to, sender, number)
        else:
            write = bounces.WRITERS[number % len(bounces.WRITERS)]
            mail = write(bounces.FAILURES[kind], to, content, number)
        way = f"Return-Path: <>\r\nDelivered-To: {sender}\r\nTo: {sender}\r\n"
        self._inbox.add(way.encode() + mail)

    def _reply(self, fate: Fate, good: str) -> None:
        do, delay = fate
        if do in ("ok", "failed"):
            self._say(good, KEEP, delay)
        elif do in ("429", "rate_limit"):
            self._say(_THROTTLED, KEEP, delay)
        elif do == "html502":
            self._say("421 4.3.2 Service not available, closing channel", CLOSE, delay)
        elif do == "hang":
            self._busy = True
        elif do == "reset-after":
            self._say("", RESET, delay)
        elif do == "slow":
            self._busy = True
            self._piece((good + "\r\n").encode(), delay)
        else:
            spoilt = {"empty": b"", "garbage": _GARBAGE}.get(do, good.encode()[:2])
            self._later(delay, spoilt, CLOSE)

    def _piece(self, data: bytes, delay: float) -> None:
        size = -(-len(data) // SLOW_PIECES)
        pause = self.desk.behaviour.slow_seconds / SLOW_PIECES
        for number in range(SLOW_PIECES):
            piece = data[number * size : (number + 1) * size]
            last = number == SLOW_PIECES - 1
            due = delay + pause * (number + 1)
            self.loop.call_later(due, self._finish if last else self._put, piece)

    def _put(self, piece: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(piece)

    def _say(self, line: str, then: int = KEEP, delay: float = 0.0) -> None:
        self._later(delay, f"{line}\r\n".encode() if line else b"", then)

    def _later(self, delay: float, data: bytes, then: int) -> None:
        if delay:
            self._busy = True
            self.loop.call_later(delay, self._finish, data, then)
            return
        self._put(data)
        if then == RESET:
            reset(self.transport)
        elif then == CLOSE:
            self.transport.close()

    def _finish(self, data: bytes, then: int = KEEP) -> None:
        if self.transport.is_closing():
            return
        self._busy = False
        self._later(0.0, data, then)
        self._work()
