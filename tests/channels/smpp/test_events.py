"""What deliver_sm and data_sm tell."""

import pytest

from channels.fixtures import NOW
from channels.smpp.fixtures import PERSON, make, packet, receipt
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, InboundPart, Receipt
from clarion.transport.smpp_pdu import Command, Party, Pdu, Tag

# docs of OpenMarket, “Example delivery receipt for a failed delivery MT”:
# https://openmarket.com/docs/Content/apis/v4smpp/deliveryreceipt-examples.htm
OPENMARKET = (
    b"id:0118Z-0122I-2309U-57DGB sub:000 dlvrd:000 submitdate:180122230957 "
    b"donedate:000000000000 stat:REJECTED err:375 text:"
)


def events(hook: HookRequest, **settings: object) -> list[Event]:
    return list(make(**settings).events(hook))


@pytest.mark.parametrize(
    ("form", "kept"), [("same", "12345678"), ("decimal", "12345678"), ("hex", "305419896")]
)
def test_the_id_in_the_text_of_a_receipt(form: str, kept: str) -> None:
    assert events(receipt(), receipt_ids=form) == [Receipt("delivered", NOW, kept)]


def test_the_parameters_of_a_receipt_come_first() -> None:
    options = ((int(Tag.RECEIPTED_ID), b"BC614E\0"), (int(Tag.MESSAGE_STATE), b"\5"))
    hook = receipt(b"DELIVRD", b"1AF", optional=options)
    (event,) = events(hook, receipt_ids="decimal")
    assert isinstance(event, Receipt)
    assert (event.status, event.external_id) == ("failed", "12345678")
    assert (event.code, event.reason) == ("UNDELIV 1AF", "The message could not be delivered.")


def test_a_receipt_without_its_esm_class_is_known_by_its_parameters() -> None:
    options = ((int(Tag.RECEIPTED_ID), b"7\0"), (int(Tag.MESSAGE_STATE), b"\2"))
    assert events(packet(optional=options)) == [Receipt("delivered", NOW, "7")]


def test_what_a_person_writes_is_no_receipt_whatever_it_says() -> None:
    written = events(packet(content=b"id:7 stat:DELIVRD"))
    assert [type(event) for event in written] == [Inbound]


@pytest.mark.parametrize("state", ["EXPIRED", "DELETED", "UNDELIV", "REJECTD"])
def test_states_that_are_failures(state: str) -> None:
    (event,) = events(receipt(state.encode(), b"000"))
    assert isinstance(event, Receipt)
    assert (event.status, event.code) == ("failed", state)
    assert event.reason.endswith(".")


@pytest.mark.parametrize("state", ["ENROUTE", "ACCEPTD", "UNKNOWN", "SKIPPED"])
def test_states_that_are_not_the_last(state: str) -> None:
    assert isinstance(events(receipt(state.encode()))[0], Ignored)


def test_a_receipt_of_another_vendor() -> None:
    (event,) = events(packet(content=OPENMARKET, esm_class=4))
    assert isinstance(event, Receipt)
    assert (event.status, event.external_id) == ("failed", "0118z-0122i-2309u-57dgb")
    assert event.code.startswith("REJECTD")


@pytest.mark.parametrize(
    ("content", "coding", "text"),
    [
        (b"Hi \x00 \x1be", 0, "Hi @ €"),
        ("Grüße".encode("latin-1"), 3, "Grüße"),
        ("Привет 😀".encode("utf-16-be"), 8, "Привет 😀"),
        (b"Hi", 1, "Hi"),
        (b"Hi", 0xF0, "Hi"),
        (b"\0H\0i\0", 8, "Hi"),  # an octet too many
    ],
)
def test_texts(content: bytes, coding: int, text: str) -> None:
    written = events(packet(content=content, data_coding=coding))[0]
    assert isinstance(written, Inbound)
    assert (written.sender, written.text) == ("4915112345678", text)


def test_a_text_in_a_payload_or_a_data_sm() -> None:
    option = ((int(Tag.PAYLOAD), b"Hello"),)
    assert events(packet(optional=option))[0].text == "Hello"  # type: ignore[union-attr]
    body = b"\0\1\1" + PERSON.address.encode() + b"\0\0\x0012345\0\0\0\0\x04\x24\x00\x02Hi"
    data = Pdu(Command.DATA_SM, 0, 1, body).pack()
    assert events(HookRequest({}, "", data, NOW))[0].text == "Hi"  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("party", "country", "sender"),
    [
        (Party(1, 1, "4915112345678"), "", "4915112345678"),
        (Party(1, 1, "+4915112345678"), "", "4915112345678"),
        (Party(0, 0, "4915112345678"), "", "4915112345678"),
        (Party(2, 1, "015112345678"), "DE", "4915112345678"),
        (Party(5, 0, "INFO"), "", ""),
        (Party(0, 0, "12"), "", ""),
    ],
)
def test_senders(party: Party, country: str, sender: str) -> None:
    (event,) = events(packet(source=party, content=b"hi"), country=country)
    assert getattr(event, "sender", "") == sender


@pytest.mark.parametrize(
    ("header", "options", "reference"),
    [
        (b"\5\0\3\7\2\1", (), "12345 7 2"),
        (b"\6\x08\4\1\7\2\1", (), "12345 w263 2"),
        (b"\x09\x25\1\0\x00\3\7\2\1\0"[:10], (), "12345 7 2"),  # behind another element
        (
            b"",
            ((0x020C, b"\1\7"), (0x020E, b"\2"), (0x020F, b"\1")),
            "12345 sar263 2",
        ),
    ],
)
def test_parts_of_a_message(
    header: bytes, options: tuple[tuple[int, bytes], ...], reference: str
) -> None:
    hook = packet(content=header + b"STOP", esm_class=0x40 if header else 0, optional=options)
    (part,) = events(hook)
    assert isinstance(part, InboundPart)
    assert (part.reference, part.number, part.total) == (reference, 1, 2)
    assert part.content.decode("utf-16-be").removeprefix("@") == "STOP"


@pytest.mark.parametrize("header", [b"\5\0\3\7\1\1", b"\5\0\3\7\2\3", b"\5\0\3\7\2\0", b"\2\x70\0"])
def test_a_header_that_divides_nothing(header: bytes) -> None:
    assert events(packet(content=header + b"hi", esm_class=0x40))[0].text == "hi"  # type: ignore[union-attr]


def test_half_a_character_stays_for_the_next_part() -> None:
    first, second = "😀".encode("utf-16-be")[:2], "😀".encode("utf-16-be")[2:]
    parts = [
        events(
            packet(content=b"\5\0\3\7\2" + bytes((number,)) + half, esm_class=0x40, data_coding=8)
        )
        for number, half in ((1, first), (2, second))
    ]
    joined = b"".join(part[0].content for part in parts)  # type: ignore[union-attr]
    assert joined.decode("utf-16-be") == "😀"


def test_the_same_words_at_another_time_are_another_message() -> None:
    hook = packet(content=b"yes")
    again = HookRequest({}, "", hook.body, NOW.replace(second=1))
    ids = {events(each)[0].external_id for each in (hook, hook, again)}  # type: ignore[union-attr]
    assert len(ids) == 2
