"""The packets of SMPP 3.4: against other implementations, and against octets that are none."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clarion.transport.smpp_pdu import (
    MOST,
    BadPdu,
    Command,
    Party,
    Pdu,
    PduReader,
    ShortMessage,
    Tag,
    pack_bind,
    pack_message,
    parse_id,
    parse_message,
    parse_pdu,
    status_text,
)

# Made with smpplib 2.2.4 (github.com/python-smpplib/python-smpplib).
BIND = bytes.fromhex("00000026000000090000000000000001636c6172696f6e007365637265743038000034000000")
SUBMIT = bytes.fromhex(
    "000000470000000400000000000000070005004e45575300010134393135313132333435363738"
    "00000000003030303030313030303030303030305200010000000548656c6c6f"
)
SAR = bytes.fromhex(
    "000000440000000400000000000000070005004e45575300010134393135313132333435363738"
    "00000000000001000800020048020c00020201020e000102020f000101"
)
# Made with smpp34 1.5.0 (github.com/Real-Time-Telecom-B-V/smpp34).
RECEIPT = bytes.fromhex(
    "000000510000000500000000000000010001013439313531313233343536373800000031323334350004"
    "00000000000000001269643a343220737461743a44454c49565244001e00033432000427000102"
)
# The example of the specification (3.2.4), whose version is 0 and whose address is 1, 1, "".
EXAMPLE = bytes.fromhex(
    "0000002f000000020000000000000001534d50503354455354007365637265743038005355424d4954310000010100"
)

texts = st.text(st.characters(min_codepoint=1, max_codepoint=127), max_size=20)
octet = st.integers(0, 255)
parties = st.builds(Party, octet, octet, texts)
messages = st.builds(
    ShortMessage, parties, parties, st.binary(max_size=254), texts.map(lambda t: t[:5]), octet,
    texts.map(lambda t: t[:16]), octet, octet,
    st.lists(st.tuples(st.integers(0, 65535), st.binary(max_size=300)), max_size=4).map(tuple),
)  # fmt: skip


def test_a_bind_is_that_of_the_specification_but_for_the_version():
    body = pack_bind("SMPP3TEST", "secret08", "SUBMIT1", Party(1, 1, ""))
    packed = Pdu(Command.BIND_TRANSMITTER, 0, 1, body).pack()
    assert packed == EXAMPLE[:-4] + b"\x34" + EXAMPLE[-3:]


def test_packets_are_those_of_another_implementation():
    assert Pdu(9, 0, 1, pack_bind("clarion", "secret08", "")).pack() == BIND
    to, source = Party(1, 1, "4915112345678"), Party(5, 0, "NEWS")
    plain = ShortMessage(source, to, b"Hello", validity="000001000000000R", registered_delivery=1)
    assert Pdu(4, 0, 7, pack_message(plain)).pack() == SUBMIT
    sar = ((Tag.SAR_REFERENCE, b"\2\1"), (Tag.SAR_TOTAL, b"\2"), (Tag.SAR_NUMBER, b"\1"))
    part = ShortMessage(source, to, b"\0H", registered_delivery=1, data_coding=8, optional=sar)
    assert Pdu(4, 0, 7, pack_message(part)).pack() == SAR


def test_a_receipt_of_another_implementation_is_read():
    message = parse_message(parse_pdu(RECEIPT))
    assert (message.source, message.destination) == (
        Party(1, 1, "4915112345678"),
        Party(0, 0, "12345"),
    )
    assert message.esm_class == 4
    assert message.octets == b"id:42 stat:DELIVRD"
    assert message.option(Tag.RECEIPTED_ID) == b"42\0"
    assert message.option(Tag.MESSAGE_STATE) == b"\2"
    assert message.option(Tag.PAYLOAD) is None


def test_a_data_sm_is_read():
    body = b"\0\1\1" + b"4915112345678\0" + b"\0\0" + b"12345\0" + b"\0\1\x08"
    body += b"\x04\x24\x00\x02\x00H"
    message = parse_message(Pdu(Command.DATA_SM, 0, 1, body))
    assert (message.octets, message.data_coding, message.registered_delivery) == (b"\0H", 8, 1)


@given(messages)
def test_what_is_packed_is_read_again(message):
    assert parse_message(Pdu(Command.SUBMIT_SM, 0, 1, pack_message(message))) == message


@given(st.lists(st.builds(Pdu, octet, octet, octet, st.binary(max_size=50)), max_size=6), st.data())
def test_a_stream_is_cut_into_the_same_packets_wherever_it_is_cut(pdus, data):
    stream = b"".join(pdu.pack() for pdu in pdus)
    reader, seen = PduReader(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        seen += reader.feed(stream[:size])
        stream = stream[size:]
    assert seen == pdus


@pytest.mark.parametrize("length", [0, 15, MOST + 1, 0xFFFFFFFF])
def test_a_wrong_length_ends_the_stream_after_the_packets_before_it(length):
    good = Pdu(Command.ENQUIRE_LINK, 0, 1)
    reader = PduReader().feed(good.pack() + length.to_bytes(4, "big") + bytes(12))
    assert next(reader) == good
    with pytest.raises(BadPdu):
        next(reader)


@given(st.binary(max_size=400))
def test_octets_that_are_no_packet_raise_nothing_else(octets):
    for command in (Command.DELIVER_SM, Command.DATA_SM):
        with suppress(BadPdu):
            parse_message(Pdu(command, 0, 1, octets))
    with suppress(BadPdu):
        list(PduReader().feed(octets))
    with suppress(BadPdu):
        parse_pdu(octets)
    parse_id(octets).encode()
    status_text(Pdu(0, 0, 0, octets)).encode()


def test_octets_at_the_end_that_are_no_parameter_are_left_out():
    body = pack_message(ShortMessage(content=b"x", optional=((0x1403, b"vendor"),)))
    message = parse_message(Pdu(Command.DELIVER_SM, 0, 1, body + b"\x04\x24\x00\x09ab"))
    assert message.optional == ((0x1403, b"vendor"),)


@pytest.mark.parametrize(
    "message",
    [
        ShortMessage(content=bytes(255)),
        ShortMessage(destination=Party(1, 1, "4" * 21)),
        ShortMessage(destination=Party(1, 1, "4\0")),
        ShortMessage(destination=Party(1, 1, "ü")),
    ],
)
def test_what_does_not_fit_is_refused(message):
    with pytest.raises(ValueError, match=r"."):
        pack_message(message)


@pytest.mark.parametrize(
    ("body", "message_id"),
    [(b"", ""), (b"abc\0", "abc"), (b"abc", "abc"), (b" 7 \0", "7"), (b"\x01\0", "")],
)
def test_the_id_of_a_response(body, message_id):
    assert parse_id(body) == message_id


@pytest.mark.parametrize("start", [b"", b"id\0"])
def test_the_text_beside_a_status(start):
    assert status_text(Pdu(0, 0, 0, start + b"\x00\x1d\x00\x05quota")) == "quota"
