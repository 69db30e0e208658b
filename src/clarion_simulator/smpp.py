"""A small SMSC: SMPP 3.4 over TCP, with binds, submit_sm, enquire_link, unbind and deliver_sm.

All faults strike at submit_sm: a recipient is known only when the whole message is here. Receipts
and people's messages go to a connection of the account that receives; they are kept until one
acknowledges them.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, NamedTuple, cast

from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import reset

_HEAD = Struct(">IIII")
_TAG = Struct(">HH")
_MOST = 70_000  # octets of a packet
_RESPONSE = 0x80000000
_RECEIVER, _TRANSMITTER, _TRANSCEIVER = 0x01, 0x02, 0x09
_SUBMIT, _DELIVER, _UNBIND, _ENQUIRE, _NACK = 0x04, 0x05, 0x06, 0x15, 0x80000000
_BINDS = frozenset({_RECEIVER, _TRANSMITTER, _TRANSCEIVER})
_SAR_REFERENCE, _SAR_TOTAL, _SAR_NUMBER, _PAYLOAD = 0x020C, 0x020E, 0x020F, 0x0424
_RECEIPTED_ID, _MESSAGE_STATE = 0x001E, 0x0427
_WINDOW = 10  # deliver_sm without an answer, to one account
_REPEAT = 0.2  # seconds before a packet that was not acknowledged is sent again
# What is answered instead of an id (5.1.3).
_REFUSALS = {
    "500": 0x08, "400": 0x0B, "blocked": 0x66, "deactivated": 0x0B, "429": 0x58,
    "rate_limit": 0x58, "html502": 0x14,
}  # fmt: skip
_ALREADY_BOUND, _WRONG_PASSWORD, _NOT_BOUND, _UNKNOWN = 0x05, 0x0E, 0x04, 0x03
_STATES = {"DELIVRD": 2, "EXPIRED": 3, "UNDELIV": 5}
_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENDED = dict(zip(b"\x0a\x14\x28\x29\x2f\x3c\x3d\x3e\x40\x65", "\f^{}\\[~]|€", strict=True))


class Submitted(NamedTuple):
    """What a submit_sm says."""

    source: str
    to: str
    receipts: int  # registered_delivery
    text: str
    part: tuple[str, int] | None  # the reference of a message of several parts, and how many


@dataclass(slots=True)
class Account:
    """An account, by its system_id."""

    channel: Channel
    links: list["Smsc"] = field(default_factory=list)
    waiting: deque[bytes] = field(default_factory=deque)  # bodies of deliver_sm
    unanswered: int = 0
    parts: dict[str, list[str]] = field(default_factory=dict)  # of messages that are incomplete


class Smpp:
    """The SMSC."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.links: set[Smsc] = set()
        self.accounts: dict[str, Account] = {}

    def account(self, system_id: str) -> Account:
        """The account of this name, made when new."""
        account = self.accounts.get(system_id)
        if account is None:
            channel = self.desk.log.channel("smpp", system_id)
            account = self.accounts[system_id] = Account(channel)
        return account

    def forget(self) -> None:
        """Drop what is to be delivered, and parts of messages."""
        for account in self.accounts.values():
            account.waiting.clear()
            account.parts.clear()

    def write(self, system_id: str, sender: str, text: str, parts: int) -> None:
        """A person writes, in so many parts."""
        size = -(-len(text) // parts) if parts > 1 else len(text)
        for number in range(parts):
            piece = text[number * size : (number + 1) * size]
            content = piece.encode("utf-16-be")
            header = bytes((5, 0, 3, len(text) & 0xFF, parts, number + 1)) if parts > 1 else b""
            body = _deliver(sender, "", header + content, 0x40 if header else 0, 8)
            self.deliver(self.account(system_id), body)

    def deliver(self, account: Account, body: bytes) -> None:
        """Send a deliver_sm as soon as a connection receives."""
        account.waiting.append(body)
        self.pump(account)

    def pump(self, account: Account) -> None:
        """Send what may be sent."""
        link = next((each for each in account.links if each.receives), None)
        while link is not None and account.waiting and account.unanswered < _WINDOW:
            account.unanswered += 1
            link.send_deliver(account.waiting.popleft())


class Smsc(asyncio.Protocol):
    """One connection."""

    transport: asyncio.Transport

    def __init__(self, smpp: Smpp) -> None:
        self._smpp = smpp
        self._loop = asyncio.get_running_loop()
        self._buffer = bytearray()
        self._account: Account | None = None
        self._bound = 0
        self._sequence = 0
        self._delivering: dict[int, bytes] = {}

    @property
    def receives(self) -> bool:
        """Whether deliver_sm may be sent on it."""
        return self._bound in (_RECEIVER, _TRANSCEIVER) and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._smpp.links.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._smpp.links.discard(self)
        if account := self._account:
            if self in account.links:
                account.links.remove(self)
            account.unanswered -= len(self._delivering)
            account.waiting.extendleft(reversed(self._delivering.values()))
            self._smpp.pump(account)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= _HEAD.size and not self.transport.is_closing():
            length, command, status, sequence = _HEAD.unpack_from(self._buffer)
            if not _HEAD.size <= length <= _MOST:
                self._send(_NACK, 0x02, 0)
                self.transport.close()
                return
            if len(self._buffer) < length:
                return
            body = bytes(self._buffer[_HEAD.size : length])
            del self._buffer[:length]
            self._take(command, status, sequence, body)

    def send_deliver(self, body: bytes) -> None:
        """Send a deliver_sm; its answer is waited for."""
        self._sequence += 1
        self._delivering[self._sequence] = body
        self._send(_DELIVER, 0, self._sequence, body)

    def _take(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command in _BINDS:
            self._bind(command, sequence, body)
        elif command == _ENQUIRE:
            self._send(_ENQUIRE | _RESPONSE, 0, sequence)
        elif command == _UNBIND:
            self._bound = 0
            self._send(_UNBIND | _RESPONSE, 0, sequence)
        elif command == _DELIVER | _RESPONSE:
            self._acknowledged(status, sequence)
        elif command == _SUBMIT:
            self._submit(sequence, body)
        elif not command & _RESPONSE:
            self._send(_NACK, _UNKNOWN, sequence)

    def _bind(self, command: int, sequence: int, body: bytes) -> None:
        system_id, password, *_ = body.decode("latin-1").split("\0")
        account = self._smpp.account(system_id)
        limit = self._smpp.desk.behaviour.smpp_binds
        status = 0
        if password == "wrong":  # noqa: S105 - the one that is refused
            status = _WRONG_PASSWORD
        elif self._bound or (limit is not None and len(account.links) >= limit):
            status = _ALREADY_BOUND
        if status:
            self._send(command | _RESPONSE, status, sequence)
            return
        self._account, self._bound = account, command
        account.links.append(self)
        self._send(command | _RESPONSE, 0, sequence, b"simulator\0")
        self._smpp.pump(account)

    def _acknowledged(self, status: int, sequence: int) -> None:
        account, body = self._account, self._delivering.pop(sequence, None)
        if account is None or body is None:
            return
        account.unanswered -= 1
        if status:
            self._loop.call_later(_REPEAT, self._smpp.deliver, account, body)
        self._smpp.pump(account)

    def _submit(self, sequence: int, body: bytes) -> None:
        account = self._account
        if account is None or self._bound not in (_TRANSMITTER, _TRANSCEIVER):
            self._send(_SUBMIT | _RESPONSE, _NOT_BOUND, sequence)
            return
        try:
            message = _parse(body)
        except (ValueError, IndexError):
            self._send(_SUBMIT | _RESPONSE, 0x02, sequence)
            return
        received = time.monotonic_ns()
        fate = self._smpp.desk.judge.decide(account.channel, message.to, received)
        number = self._log(account, message, fate, received)
        if number and message.receipts:
            self._plan(account, message, fate.do, number)
        self._answer(fate, sequence, number)

    def _log(self, account: Account, message: Submitted, fate: Fate, received: int) -> int:
        """Log a message, of several parts with the last of them; the number that it has or will
        have, 0 where it is not accepted."""
        log, doing = self._smpp.desk.log, DOINGS[fate.do]
        text = message.text
        if doing[0] == "accepted" and message.part:
            reference, total = message.part
            texts = account.parts.setdefault(f"{message.to} {reference}", [])
            texts.append(text)
            if len(texts) < total:
                return log.add(account.channel, ("part", doing[1]), received, message.to)
            text = "".join(account.parts.pop(f"{message.to} {reference}"))
        number = log.add(account.channel, doing, received, message.to, "", text)
        return number if doing[0] == "accepted" else 0

    def _plan(self, account: Account, message: Submitted, do: str, number: int) -> None:
        """The receipts of an accepted part. There are none about reading a message."""
        for receipt in self._smpp.desk.judge.receipts(message.to, str(number), do):
            failed = receipt.kind == "message.failed"
            if receipt.kind == "message.read" or (message.receipts & 3 == 2 and not failed):
                continue
            state = ("UNDELIV", "EXPIRED")[number % 2] if failed else "DELIVRD"
            body = _receipt(message, number, state)
            self._loop.call_later(receipt.delay, self._smpp.deliver, account, body)

    def _answer(self, fate: Fate, sequence: int, number: int) -> None:
        do = fate.do
        good = _packet(_SUBMIT | _RESPONSE, 0, sequence, f"{number:08X}\0".encode())
        if do in _REFUSALS:
            refusal = _packet(_SUBMIT | _RESPONSE, _REFUSALS[do], sequence)
            self._later(fate.delay, self._put, refusal)
        elif do in ("reset-before", "reset-after"):
            self._later(fate.delay, lambda _: reset(self.transport), b"")
        elif do in ("ok", "failed"):
            self._later(fate.delay, self._put, good)
        elif do == "slow":
            self._later(fate.delay + self._smpp.desk.behaviour.slow_seconds, self._put, good)
        elif do != "hang":
            spoilt = {"empty": b"", "garbage": b"\xff this is not SMPP \xff\xff"}
            self._later(fate.delay, self._put_and_close, spoilt.get(do, good[:7]))

    def _later(self, delay: float, work: Callable[[bytes], None], octets: bytes) -> None:
        if delay:
            self._loop.call_later(delay, work, octets)
        else:
            work(octets)

    def _put(self, octets: bytes) -> None:
        if not self.transport.is_closing():
            self.transport.write(octets)

    def _put_and_close(self, octets: bytes) -> None:
        self._put(octets)
        self.transport.close()

    def _send(self, command: int, status: int, sequence: int, body: bytes = b"") -> None:
        self._put(_packet(command, status, sequence, body))


def _packet(command: int, status: int, sequence: int, body: bytes = b"") -> bytes:
    return _HEAD.pack(_HEAD.size + len(body), command, status, sequence) + body


def _parse(body: bytes) -> Submitted:
    """A submit_sm. Raises ValueError, IndexError."""
    rest = body
    strings: list[bytes] = []
    for skipped in (0, 2, 2, 3, 0):  # service_type, source, destination, schedule, validity
        value, end, rest = rest[skipped:].partition(b"\0")
        if not end:
            raise ValueError("a text has no end")
        strings.append(value)
    esm_class = body[len(strings[0]) + len(strings[1]) + len(strings[2]) + 7]
    receipts, coding, size = rest[0], rest[2], rest[4]
    content, optional = rest[5 : 5 + size], _options(rest[5 + size :])
    part: tuple[str, int] | None = None
    if esm_class & 0x40:
        header, content = content[1 : 1 + content[0]], content[1 + content[0] :]
        part = f"udh{header[2]}", header[3]
    elif _SAR_TOTAL in optional:
        part = f"sar{optional[_SAR_REFERENCE].hex()}", optional[_SAR_TOTAL][0]
    content = content or optional.get(_PAYLOAD, b"")
    text = content.decode("utf-16-be", "replace") if coding == 8 else _gsm7(content)
    return Submitted(
        strings[1].decode("latin-1"), strings[2].decode("latin-1"), receipts, text, part
    )


def _options(octets: bytes) -> dict[int, bytes]:
    options = {}
    while len(octets) >= _TAG.size:
        tag, size = _TAG.unpack_from(octets)
        options[tag] = octets[_TAG.size : _TAG.size + size]
        octets = octets[_TAG.size + size :]
    return options


def _gsm7(octets: bytes) -> str:
    text, escaped = [], False
    for code in octets:
        if code == 0x1B and not escaped:
            escaped = True
            continue
        text.append(_EXTENDED.get(code, "?") if escaped else (_BASIC + "?" * 128)[code])
        escaped = False
    return "".join(text)


def _deliver(
    source: str, to: str, content: bytes, esm_class: int, coding: int, optional: bytes = b""
) -> bytes:
    parties = b"\1\1" + source.encode() + b"\0\1\1" + to.encode() + b"\0"
    fixed = bytes((esm_class, 0, 0)) + b"\0\0" + bytes((0, 0, coding, 0, len(content)))
    return b"\0" + parties + fixed + content + optional


def _receipt(message: Submitted, number: int, state: str) -> bytes:
    name = f"{number:08X}"
    now = time.strftime("%y%m%d%H%M", time.gmtime())
    arrived = state == "DELIVRD"
    text = (
        f"id:{name} sub:001 dlvrd:{int(arrived):03} submit date:{now} done date:{now} "
        f"stat:{state} err:{0 if arrived else 1:03} text:{message.text[:20]}"
    )
    optional = _TAG.pack(_RECEIPTED_ID, len(name) + 1) + name.encode() + b"\0"
    optional += _TAG.pack(_MESSAGE_STATE, 1) + bytes((_STATES[state],))
    content = text.encode("ascii", "replace")[:254]
    return _deliver(message.to, message.source, content, 0x04, 0, optional)


def from_person(fields: dict[str, Any]) -> tuple[str, str, str, int]:
    """system_id, sender, text and number of parts of an order. Raises ValueError."""
    system_id, sender = fields.get("smpp"), fields.get("from")
    text, parts = fields.get("text", ""), fields.get("parts", 1)
    if not all(isinstance(each, str) for each in (system_id, sender, text)) or not sender:
        raise ValueError("smpp must be a system id; from and text must be texts.")
    if not isinstance(parts, int) or not 1 <= parts <= 10 or -(-len(text) // parts) > 60:
        raise ValueError("parts must be 1 to 10, and a part has at most 60 characters.")
    return str(system_id), str(sender), str(text), parts
