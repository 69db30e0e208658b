"""What is sent over SMPP, read by an implementation of somebody else: smpplib.

It knows the fields of SMPP 3.4, their sizes and their order, and refuses what it doesn't know.
"""

from typing import Any

import pytest
from smpplib.smpp import parse_pdu

from channels.smpp.fixtures import make
from clarion.channels.contract import Outgoing
from clarion.transport.smpp_pdu import Command, Pdu, pack_bind

TEXTS = {
    "one part": "Hello {Anna} @ 5 €",
    "other letters": "Привет 😀",
    "several parts": "x" * 400,
    "several parts of other letters": "Ж😀" * 100,
}
SETTINGS: dict[str, dict[str, object]] = {
    "headers": {},
    "parameters": {"long_messages": "sar"},
    "payload": {"long_messages": "payload"},
    "everything set": {
        "sender": "12345", "service_type": "CMT", "validity_hours": 30, "receipts": "failures",
        "recipient_ton": "2", "recipient_npi": "8", "sender_ton": "6", "sender_npi": "18",
    },
}  # fmt: skip


class Client:
    """What smpplib asks for the number of a request that it makes itself."""

    sequence = 0

    def next_sequence(self) -> int:
        return self.sequence


def read(pdu: Pdu) -> Any:
    return parse_pdu(pdu.pack(), client=Client())


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_a_message_is_read_alike(text: str, settings: dict[str, object]) -> None:
    kind = make(**settings)
    parts = kind.request(Outgoing("abc-17", 3, "4915112345678", text)).parts
    whole = b""
    for number, part in enumerate(parts, 1):
        pdu = read(Pdu(Command.SUBMIT_SM, 0, number, part))
        assert (pdu.command, pdu.status, pdu.sequence) == ("submit_sm", 0, number)
        assert pdu.destination_addr == b"4915112345678"
        assert pdu.source_addr == str(settings.get("sender", "NEWS")).encode()
        assert pdu.service_type == str(settings.get("service_type", "")).encode()
        assert pdu.registered_delivery == (2 if "receipts" in settings else 1)
        assert pdu.validity_period == (b"000001060000000R" if "validity_hours" in settings else b"")
        assert pdu.data_coding == (0 if text.isascii() or "€" in text else 8)
        if pdu.esm_class & 0x40:
            header, content = pdu.short_message[:6], pdu.short_message[6:]
            assert header[:3] + header[4:] == bytes((5, 0, 3, len(parts), number))
        else:
            content = pdu.short_message or pdu.message_payload
        if len(parts) > 1 and settings.get("long_messages") == "sar":
            assert (pdu.sar_total_segments, pdu.sar_segment_seqnum) == (len(parts), number)
        whole += content
    assert whole == (
        text.encode("utf-16-be")
        if pdu.data_coding
        else text.replace("@", "\0")
        .replace("€", "\x1be")
        .replace("{", "\x1b(")
        .replace("}", "\x1b)")
        .encode()
    )


@pytest.mark.parametrize("command", ["bind_transceiver", "bind_transmitter", "bind_receiver"])
def test_a_bind_is_read_alike(command: str) -> None:
    body = pack_bind("clarion-user", "s3cr3t", "VMA")
    pdu = read(Pdu(Command[command.upper()], 0, 1, body))
    assert pdu.command == command
    assert (pdu.system_id, pdu.password, pdu.system_type) == (b"clarion-user", b"s3cr3t", b"VMA")
    assert (pdu.interface_version, pdu.addr_ton, pdu.addr_npi) == (0x34, 0, 0)


@pytest.mark.parametrize("command", ["enquire_link", "unbind", "deliver_sm_resp", "generic_nack"])
def test_what_keeps_a_connection_is_read_alike(command: str) -> None:
    number = Command.DELIVER_SM | 0x80000000 if "resp" in command else Command[command.upper()]
    pdu = read(Pdu(number, 0, 7, b"\0" if "resp" in command else b""))
    assert (pdu.command, pdu.sequence) == (command, 7)
