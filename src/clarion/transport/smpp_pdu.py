"""SMPP 3.4 packets (PDUs): reading and writing them. Pure.

Source: Short Message Peer to Peer Protocol Specification v3.4, issue 1.2: layout in chapter 3,
packets in 4, codes and optional parameters in 5.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from struct import Struct
from typing import Final, NamedTuple

VERSION: Final = 0x34
HEAD: Final = 16  # octets: length, command, status, sequence number
# A message_payload has up to 65,535 octets (5.3.2.32), and nothing else is as large.
MOST: Final = 70_000
LAST_SEQUENCE: Final = 0x7FFFFFFF  # 3.2; the next one is 1
RESPONSE: Final = 0x80000000  # the bit that makes a response of a request's command
_HEADER: Final = Struct(">IIII")
_TAG: Final = Struct(">HH")
_MOST_CONTENT: Final = 254  # octets that fit into short_message


class Command(IntEnum):
    """The commands that are used here (5.1.2.1)."""

    BIND_RECEIVER = 0x01
    BIND_TRANSMITTER = 0x02
    SUBMIT_SM = 0x04
    DELIVER_SM = 0x05
    UNBIND = 0x06
    BIND_TRANSCEIVER = 0x09
    ENQUIRE_LINK = 0x15
    DATA_SM = 0x103
    GENERIC_NACK = 0x80000000


class Status(IntEnum):
    """The statuses that the transport itself reads or answers with (5.1.3)."""

    OK = 0x00
    INVALID_LENGTH = 0x02
    INVALID_COMMAND = 0x03
    QUEUE_FULL = 0x14
    THROTTLED = 0x58
    TRY_AGAIN = 0x64  # ESME_RX_T_APPN: the SMSC is to deliver it again later


class Tag(IntEnum):
    """The optional parameters that are used here (5.3.2)."""

    STATUS_TEXT = 0x001D  # additional_status_info_text
    RECEIPTED_ID = 0x001E  # receipted_message_id
    SAR_REFERENCE = 0x020C  # sar_msg_ref_num
    SAR_TOTAL = 0x020E  # sar_total_segments
    SAR_NUMBER = 0x020F  # sar_segment_seqnum
    PAYLOAD = 0x0424  # message_payload
    MESSAGE_STATE = 0x0427


class BadPdu(ValueError):  # noqa: N818 - says what is the case
    """Octets that are no packet."""


class Pdu(NamedTuple):
    """One packet."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def pack(self) -> bytes:
        """The packet as it is sent."""
        head = _HEADER.pack(HEAD + len(self.body), self.command, self.status, self.sequence)
        return head + self.body


class PduReader:
    """Cuts a stream into packets. A wrong length is the end of the stream: no packet can be found
    behind it any more."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Pdu]:
        """The packets that are complete with this. Raises BadPdu after those before a bad one."""
        buffer = self._buffer
        buffer += data
        while len(buffer) >= HEAD:
            length, command, status, sequence = _HEADER.unpack_from(buffer)
            if not HEAD <= length <= MOST:
                raise BadPdu("a packet has a wrong length")
            if len(buffer) < length:
                return
            body = bytes(buffer[HEAD:length])
            del buffer[:length]
            yield Pdu(command, status, sequence, body)


@dataclass(frozen=True, slots=True)
class Party:
    """A sender or receiver: type of number, numbering plan (5.2.5, 5.2.6), and the address."""

    ton: int = 0
    npi: int = 0
    address: str = ""


NOBODY: Final = Party()


@dataclass(frozen=True, slots=True)
class ShortMessage:
    """What submit_sm, deliver_sm and data_sm say (4.4.1, 4.6.1, 4.7.1)."""

    source: Party = NOBODY
    destination: Party = NOBODY
    content: bytes = b""  # short_message
    service_type: str = ""
    esm_class: int = 0
    validity: str = ""  # validity_period, as in 7.1.1
    registered_delivery: int = 0
    data_coding: int = 0
    optional: tuple[tuple[int, bytes], ...] = ()  # tag and value, in their order

    def option(self, tag: int) -> bytes | None:
        """The value of an optional parameter, None where it is missing."""
        return next((value for each, value in self.optional if each == tag), None)

    @property
    def octets(self) -> bytes:
        """The content, wherever it is."""
        return self.content or self.option(Tag.PAYLOAD) or b""


def pack_message(message: ShortMessage) -> bytes:
    """The body of submit_sm or deliver_sm. Raises ValueError for what does not fit into one."""
    if len(message.content) > _MOST_CONTENT:
        raise ValueError("a short_message has at most 254 octets")
    return b"".join(
        (
            _text(message.service_type, 6),
            _party(message.source),
            _party(message.destination),
            bytes((message.esm_class, 0, 0)),  # protocol_id, priority_flag
            b"\0",  # schedule_delivery_time: at once
            _text(message.validity, 17),
            # replace_if_present_flag and sm_default_msg_id are not used
            bytes((message.registered_delivery, 0, message.data_coding, 0)),
            bytes((len(message.content),)),
            message.content,
            *(_TAG.pack(tag, len(value)) + value for tag, value in message.optional),
        )
    )


def parse_message(pdu: Pdu) -> ShortMessage:
    """What a submit_sm, deliver_sm or data_sm says. Raises BadPdu.

    Unknown optional parameters are kept; octets at the end that are none are left out.
    """
    cursor = _Cursor(pdu.body)
    if pdu.command == Command.DATA_SM:
        service = cursor.text()
        source, destination = cursor.party(), cursor.party()
        esm_class, registered, coding = cursor.octet(), cursor.octet(), cursor.octet()
        return ShortMessage(
            source, destination, b"", service, esm_class, "", registered, coding, cursor.options()
        )
    service = cursor.text()
    source, destination = cursor.party(), cursor.party()
    esm_class, _protocol, _priority = cursor.octet(), cursor.octet(), cursor.octet()
    _schedule, validity = cursor.text(), cursor.text()
    registered, _replace, coding, _default = (cursor.octet() for _ in range(4))
    content = cursor.take(cursor.octet())
    return ShortMessage(
        source, destination, content, service, esm_class, validity, registered, coding,
        cursor.options(),
    )  # fmt: skip


def described(body: bytes) -> str:
    """The body of a submit_sm, in lines for people. Raises BadPdu."""
    message = parse_message(Pdu(Command.SUBMIT_SM, 0, 0, body))
    parties = {"source": message.source, "destination": message.destination}
    fields = {
        name: f"{party.address} (TON {party.ton}, NPI {party.npi})"
        for name, party in parties.items()
    }
    fields |= {
        "service_type": message.service_type,
        "esm_class": f"0x{message.esm_class:02X}",
        "validity_period": message.validity,
        "registered_delivery": str(message.registered_delivery),
        "data_coding": f"0x{message.data_coding:02X}",
        "short_message": message.content.hex(),
    }
    fields |= {f"parameter 0x{tag:04X}": value.hex() for tag, value in message.optional}
    return "\n".join(
        ["submit_sm", *(f"{name}: {value}" for name, value in fields.items() if value)]
    )


def parse_pdu(data: bytes) -> Pdu:
    """The one packet that these octets are. Raises BadPdu."""
    pdus = list(PduReader().feed(data))
    if len(pdus) != 1 or pdus[0].pack() != data:
        raise BadPdu("it is not one whole packet")
    return pdus[0]


def pack_bind(system_id: str, password: str, system_type: str, address: Party = NOBODY) -> bytes:
    """The body of a bind request (4.1). ``address``: address_range. Raises ValueError."""
    return b"".join(
        (
            _text(system_id, 16),
            _text(password, 9),
            _text(system_type, 13),
            bytes((VERSION, address.ton, address.npi)),
            _text(address.address, 41),
        )
    )


def parse_id(body: bytes) -> str:
    """The message_id of a submit_sm_resp, "" where there is none (4.4.2)."""
    raw = body.partition(b"\0")[0][:65]
    text = raw.decode("latin-1").strip()
    return text if text.isprintable() else ""


def status_text(pdu: Pdu) -> str:
    """What a response says beside its status (additional_status_info_text), else ""."""
    value = None
    for start in (pdu.body.find(b"\0") + 1, 0):  # behind the message_id, if there is one
        value = value or dict(_Cursor(pdu.body[start:]).options()).get(Tag.STATUS_TEXT)
    return (value or b"").partition(b"\0")[0].decode("utf-8", "replace")


def _text(value: str, most: int) -> bytes:
    """A C-octet string; ``most`` counts its end. Raises ValueError."""
    octets = value.encode("ascii", "strict")
    if len(octets) >= most or b"\0" in octets:
        raise ValueError(f"a text has at most {most - 1} characters here")
    return octets + b"\0"


def _party(party: Party) -> bytes:
    return bytes((party.ton, party.npi)) + _text(party.address, 21)


class _Cursor:
    """Reads a body from its beginning to its end."""

    __slots__ = ("_at", "_body")

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def octet(self) -> int:
        return self.take(1)[0]

    def take(self, size: int) -> bytes:
        octets = self._body[self._at : self._at + size]
        if len(octets) < size:
            raise BadPdu("a packet ends too early")
        self._at += size
        return octets

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise BadPdu("a text in a packet has no end")
        value = self._body[self._at : end].decode("latin-1")
        self._at = end + 1
        return value

    def party(self) -> Party:
        return Party(self.octet(), self.octet(), self.text())

    def options(self) -> tuple[tuple[int, bytes], ...]:
        options = []
        while self._at + _TAG.size <= len(self._body):
            tag, size = _TAG.unpack_from(self._body, self._at)
            start = self._at + _TAG.size
            if start + size > len(self._body):
                break
            options.append((tag, self._body[start : start + size]))
            self._at = start + size
        return tuple(options)
