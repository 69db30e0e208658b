"""SMPP: parts, settings, and what several answers mean together."""

from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.smpp.fixtures import CASE, make
from clarion.channels import sms_text
from clarion.channels.contract import Accepted, Outgoing, Refusal, Refused, Unsendable
from clarion.channels.smpp.errors import BINDS, STATUSES
from clarion.channels.smpp.requests import validity
from clarion.transport.messages import SmppReply
from clarion.transport.smpp_pdu import (
    Command,
    Party,
    Pdu,
    ShortMessage,
    Tag,
    described,
    parse_message,
)

TO = "4915112345678"


def messages(text: str, **settings: object) -> list[ShortMessage]:
    """The submit_sm of a text."""
    request = make(**settings).request(Outgoing("abc-17", 3, TO, text))
    return [parse_message(Pdu(Command.SUBMIT_SM, 0, 1, part)) for part in request.parts]


def test_a_short_text_is_one_part_of_the_gsm_alphabet() -> None:
    (message,) = messages("Hello {Anna} @ 5 €")
    assert message == ShortMessage(
        Party(5, 0, "NEWS"),
        Party(1, 1, TO),
        b"Hello \x1b(Anna\x1b) \x00 5 \x1be",
        registered_delivery=1,
    )


def test_other_letters_make_it_ucs2() -> None:
    (message,) = messages("Привет 😀")
    assert message.data_coding == 8
    assert message.content == "Привет 😀".encode("utf-16-be")


def test_a_long_text_has_headers_with_the_same_reference() -> None:
    parts = messages("x" * 400)
    assert [message.esm_class for message in parts] == [0x40] * 3
    assert [len(message.content) for message in parts] == [6 + 153, 6 + 153, 6 + 94]
    headers = [message.content[:6] for message in parts]
    assert [header[4:] for header in headers] == [bytes((3, n)) for n in (1, 2, 3)]
    assert {header[:3] for header in headers} == {b"\x05\x00\x03"}
    assert len({header[3] for header in headers}) == 1
    assert messages("x" * 400) == parts  # an attempt that is repeated has the same reference


def test_a_long_text_with_sar_parameters() -> None:
    parts = messages("x" * 400, long_messages="sar")
    assert [message.esm_class for message in parts] == [0] * 3
    assert [message.option(Tag.SAR_NUMBER) for message in parts] == [b"\1", b"\2", b"\3"]
    assert {message.option(Tag.SAR_TOTAL) for message in parts} == {b"\3"}
    assert len({message.option(Tag.SAR_REFERENCE) for message in parts}) == 1
    assert b"".join(message.content for message in parts) == b"x" * 400


def test_a_long_text_as_a_payload() -> None:
    (message,) = messages("x" * 400, long_messages="payload")
    assert (message.content, message.octets) == (b"", b"x" * 400)
    (short,) = messages("x", long_messages="payload")
    assert (short.content, short.optional) == (b"x", ())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=700))
def test_the_parts_of_any_text_are_the_text(text: str) -> None:
    coding: sms_text.Encoding = "gsm7" if sms_text.encoding_of(text) == "gsm7" else "ucs2"
    parts = messages(text)
    cut = 6 if len(parts) > 1 else 0
    assert sms_text.decode(b"".join(part.content[cut:] for part in parts), coding) == text
    assert all(len(part.content) <= (159 if coding == "gsm7" else 140) + 1 for part in parts)


def test_an_sms_is_measured_as_it_is_sent() -> None:
    kind = make(smart_encoding=True, currency="EUR", price="0.05")
    message = Outgoing("abc-17", 3, TO, "“" + "x" * 159)
    measured = kind.measure(message)
    assert (measured.units, measured.price) == (1, Decimal("0.05"))
    (part,) = messages(message.text, smart_encoding=True)
    assert (part.data_coding, part.content[:2]) == (0, b'"x')
    assert make().measure(message).units == 3


@pytest.mark.parametrize("text", ["", "x" * 1531])
def test_what_is_no_sms_is_refused(text: str) -> None:
    with pytest.raises(Unsendable, match=r"\.$"):
        make().request(Outgoing("abc-17", 3, TO, text))


@pytest.mark.parametrize("to", ["4" * 21, "491ü", "49\0"])
def test_what_is_no_number_is_refused(to: str) -> None:
    with pytest.raises(Unsendable, match="not a phone number"):
        make().request(Outgoing("abc-17", 3, to, "Hello"))


@pytest.mark.parametrize(
    ("sender", "party"),
    [
        ("", Party(0, 0, "")),
        ("NEWS", Party(5, 0, "NEWS")),
        ("12345", Party(3, 0, "12345")),
        ("+4915112345678", Party(1, 1, "4915112345678")),
    ],
)
def test_the_type_of_the_sender_follows_from_it(sender: str, party: Party) -> None:
    assert messages("Hello", sender=sender)[0].source == party


def test_types_can_be_set() -> None:
    (message,) = messages(
        "Hello", sender_ton="2", sender_npi="8", recipient_ton="0", recipient_npi="0"
    )
    assert (message.source, message.destination) == (Party(2, 8, "NEWS"), Party(0, 0, TO))


def test_other_settings_of_a_message() -> None:
    (message,) = messages("Hello", receipts="failures", service_type="CMT", validity_hours=50)
    assert message.registered_delivery == 2
    assert (message.service_type, message.validity) == ("CMT", "000002020000000R")
    assert messages("Hello", receipts="none")[0].registered_delivery == 0
    assert validity(0) == ""


@pytest.mark.parametrize(
    "wrong",
    [
        {"host": "smpp://example.org"}, {"system_id": "two words"}, {"sender": "TwelveLetters"},
        {"sender": "Ünïcode"}, {"country": "XX"}, {"window": 0}, {"service_type": "LONGER"},
        {"password": "pass word"}, {"password": "x" * 65}, {"system_id": "x" * 65},
    ],
)  # fmt: skip
def test_wrong_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        make(**wrong)


def test_the_settings_of_the_connection() -> None:
    kind = make(bind="separate", connections=3, window=5, enquire_link=60, system_type="VMA")
    account = kind.connection()
    assert (account.separate, account.window, account.enquire) == (True, 5, 60.0)
    assert (account.system_type, account.allow_private) == ("VMA", False)
    assert kind.most_connections() == 3


def test_numbers_without_their_country_code() -> None:
    assert make(country="de").read_id("0151 12345678") == TO


def test_every_status_has_a_sentence_without_its_full_stop() -> None:
    for meaning in (*STATUSES.values(), *BINDS.values()):
        assert not meaning.sentence.endswith(".")
        assert (meaning.wait is not None) is (meaning.refusal is Refusal.THROTTLED)
    assert all(before < after for before, after in pairwise(sorted(STATUSES)))


# several parts


def test_all_parts_accepted() -> None:
    outcome = make().outcome(SmppReply("submit", 0, ("0A", "0b", "0C"), 3))
    assert outcome == Accepted("a", parts=("a", "b", "c"))


@pytest.mark.parametrize(
    ("ids", "outcome"),
    [
        (("1", ""), Accepted()),  # of one part nothing would ever be heard
        (("1", "1"), Accepted("1")),  # one id for the whole message
        (("1",), Accepted("1")),
    ],
)
def test_ids_that_say_less(ids: tuple[str, ...], outcome: Accepted) -> None:
    assert make().outcome(SmppReply("submit", 0, ids, len(ids))) == outcome


def test_a_refused_later_part_fails_the_message_and_says_how_far_it_came() -> None:
    outcome = make().outcome(SmppReply("submit", 0x58, ("1", "2"), 3))
    assert outcome == Refused(
        Refusal.REJECTED,
        "2 of 3 parts of the message were accepted, then: The provider asks to send more slowly.",
        "0x58",
    )


@pytest.mark.parametrize(
    ("form", "answer", "kept"),
    [
        ("same", "0A1B", "a1b"),
        ("same", "msg-00X", "msg-00x"),
        ("decimal", "BC614E", "12345678"),
        ("hex", "12345678", "12345678"),
        ("hex", "uuid-1", "uuid-1"),
    ],
)
def test_ids_are_kept_in_one_form(form: str, answer: str, kept: str) -> None:
    assert make(receipt_ids=form).outcome(SmppReply("submit", 0, (answer,), 1)) == Accepted(kept)


def test_a_check_of_an_account_that_a_worker_uses() -> None:
    assert "connected already" in make().checked(SmppReply("bind", 0x05))
    with pytest.raises(ValueError, match="refused the login"):
        make().checked(SmppReply("bind", 0x0E))
    with pytest.raises(ValueError, match="can't be understood"):
        make().checked(SmppReply("check", 3))


def test_a_request_is_shown_to_people() -> None:
    (part,) = CASE.make().request(CASE.message).parts  # type: ignore[union-attr]
    assert described(part).splitlines() == [
        "submit_sm",
        "source: NEWS (TON 5, NPI 0)",
        f"destination: {TO} (TON 1, NPI 1)",
        "esm_class: 0x00",
        "registered_delivery: 1",
        "data_coding: 0x00",
        f"short_message: {b'Hello Anna'.hex()}",
    ]
