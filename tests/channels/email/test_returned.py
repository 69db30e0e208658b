"""What comes back by mail: bounces in the forms in use, complaints, automatic replies, answers."""

from contextlib import suppress
from email.message import Message
from email.mime.text import MIMEText

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email.fixtures import OWN, Writer, answer, mail, make, received, sent_mail
from clarion.channels.contract import (
    AboutMessage,
    AddressReport,
    Event,
    Ignored,
    Inbound,
    OptOut,
    Outgoing,
    Receipt,
)
from clarion.channels.email import returned
from clarion.channels.email.codes import HEADER
from clarion.channels.email.returned import is_report
from clarion_simulator.bounces import WRITERS, Failure, automatic

EACH = pytest.mark.parametrize("write", WRITERS, ids=lambda write: write.__name__)


def event_of(raw: bytes) -> Event:
    """What one e-mail reports."""
    (event,) = make(**OWN).events(received(raw))
    return event


def about(raw: bytes) -> AboutMessage:
    """The same, where it is about a message of ours."""
    event = event_of(raw)
    assert isinstance(event, AboutMessage), event
    return event


@EACH
def test_a_mailbox_that_does_not_exist_is_a_failure_and_a_hard_bounce(write: Writer) -> None:
    event = about(mail("bounce", write=write))
    assert (event.message_id, event.proven) == ("abc-17", True)
    receipt, report = event.events
    assert isinstance(receipt, Receipt)
    assert isinstance(report, AddressReport)
    assert (receipt.status, receipt.unreachable) == ("failed", True)
    assert receipt.reason == "The message came back. There is no such mailbox."
    assert receipt.code.startswith("550 5.1.1")
    assert (report.cause, report.message_id) == ("hard_bounce", "abc-17")


@EACH
def test_a_full_mailbox_is_a_failure_of_this_message_alone(write: Writer) -> None:
    (receipt,) = about(mail("failed", write=write)).events
    assert isinstance(receipt, Receipt)
    assert (receipt.status, receipt.unreachable) == ("failed", False)
    assert receipt.reason == "The message came back. The recipient's mailbox is full."


@EACH
def test_what_is_still_tried_has_not_failed(write: Writer) -> None:
    assert event_of(mail("delayed", write=write)) == returned.DELAYED


@EACH
@pytest.mark.parametrize(
    ("status", "said", "reason", "is_hard"),
    [
        ("5.7.1", "554 5.7.1 Message looks like spam", "looks like spam", False),
        ("5.3.4", "552 5.3.4 Message too big", "too big", False),
        ("5.4.4", "550 5.4.4 Host or domain name not found", "domain of this address", True),
        ("5.2.1", "550 5.2.1 Mailbox disabled", "mailbox is disabled", True),
        ("5.1.8", "550 5.1.8 Sender address rejected", "could not deliver it", False),
        ("5.7.1", "550 5.7.1 Relay access denied", "could not deliver it", False),
        ("4.4.7", "451 4.4.7 Message expired", "could not deliver it", False),
        ("4.4.7", "550 4.4.7 User unknown for now", "could not deliver it", False),
    ],
)
def test_only_what_is_about_the_address_makes_it_a_hard_bounce(
    write: Writer, status: str, said: str, reason: str, is_hard: bool
) -> None:
    message = sent_mail()
    raw = write(Failure(status, said), "anna@example.org", message.message, 1)
    receipt, *reports = about(raw).events
    assert isinstance(receipt, Receipt)
    assert reason in receipt.reason
    assert bool(reports) is receipt.unreachable is is_hard


def of_qmail(answer_of_server: bytes, text: str = "Hello") -> bytes:
    """A bounce that is one text, with our message at its end."""
    outgoing = Outgoing("abc-17", 3, "anna@example.org", text, "Spring")
    message = make(**OWN).request(outgoing)
    return (
        b"From: MAILER-DAEMON@mail.example\r\nTo: " + message.sender.encode() + b"\r\n"
        b"Subject: failure notice\r\n\r\nHi. This is the qmail-send program at mail.example.\r\n"
        b"I'm afraid I wasn't able to deliver your message to the following addresses.\r\n"
        b"This is a permanent error; I've given up. Sorry it didn't work out.\r\n\r\n"
        b"<anna@example.org>:\r\n" + answer_of_server + b"\r\n\r\n"
        b"--- Below this line is a copy of the message.\r\n\r\n" + message.message
    )


def test_a_bounce_in_a_form_of_its_own_is_recognised_too() -> None:
    event = about(of_qmail(b"550 5.1.1 No such user here"))
    assert (event.message_id, event.proven) == ("abc-17", True)
    assert event.named == ("anna@example.org",)
    assert [type(each) for each in event.events] == [Receipt, AddressReport]


def test_what_our_own_message_says_makes_no_hard_bounce() -> None:
    (receipt,) = about(of_qmail(b"554 Too busy", "550 5.1.1 No such user")).events
    assert isinstance(receipt, Receipt)
    assert receipt.reason == "The message came back. A mail server could not deliver it: Too busy."


def without_codes(raw: bytes, *, of: str = "abc-17") -> bytes:
    """The same e-mail where the code is nowhere, as where servers leave headers out."""
    message = sent_mail(of)
    local = message.sender.partition("@")[0].encode()
    return raw.replace(local, b"bounces").replace(f"{HEADER}:".encode(), b"X-Other:")


def test_without_a_code_it_counts_for_the_address_that_it_names_only() -> None:
    event = about(without_codes(mail("bounce")))
    assert (event.message_id, event.proven) == ("abc-17", False)
    assert event.named == ("anna@example.org",)


def test_a_code_of_another_message_proves_nothing_for_this_one() -> None:
    forged = mail("bounce").replace(b"abc-17-", b"abc-18-")
    event = about(forged)
    assert (event.message_id, event.proven) == ("abc-17", False)  # by the Message-ID alone


def test_what_names_no_message_of_ours_reports_nothing() -> None:
    raw = without_codes(mail("bounce")).replace(b"<abc-17@", b"<something@")
    assert event_of(raw) == returned.NAMELESS


def test_a_code_in_small_or_large_letters_is_the_same() -> None:
    message = sent_mail()
    head = b"To: " + message.sender.upper().encode() + b"\r\n"
    assert about(head + without_codes(mail("bounce"))).proven


def test_a_complaint_is_one_whether_or_not_the_address_is_left_out() -> None:
    raw = mail("complaint")
    (report,) = about(raw).events
    assert isinstance(report, AddressReport)
    assert (report.cause, report.detail) == ("complaint", "Feedback report: abuse")
    redacted = raw.replace(b"Original-Rcpt-To: <anna@example.org>", b"Original-Rcpt-To: redacted")
    assert about(redacted).proven
    not_spam = raw.replace(b"Feedback-Type: abuse", b"Feedback-Type: not-spam")
    assert event_of(not_spam) == returned.NO_SPAM


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (automatic("anna@example.org", "news@example.org", 1), returned.AUTOMATIC),
        (
            b"Return-Path: <>\r\n" + automatic("anna@example.org", "news@example.org", 1),
            returned.AUTOMATIC,
        ),
        (answer(sender="postmaster@mx.example"), returned.UNREADABLE),
        (answer(of="<no-id@example.org>"), returned.OTHER),
        (answer(of="<abc-17@elsewhere.example>"), returned.OTHER),
        (
            b"From: anna@example.org\r\nContent-Type: message/disposition-notification\r\n\r\n",
            returned.READ,
        ),
        (
            mail("bounce").replace(b"Action: failed", b"Action: relayed"),
            returned.ARRIVED,
        ),
    ],
)
def test_what_means_nothing_is_dropped_with_a_reason(raw: bytes, reason: Ignored) -> None:
    assert event_of(raw) == reason


def test_an_answer_to_our_message_is_what_its_recipient_wrote() -> None:
    quoted = "Thank you!\r\n\r\nOn Sun, 22 Nov 2026, News wrote:\r\n> Hello\r\n> Anna"
    event = about(answer(quoted))
    (inbound,) = event.events
    assert isinstance(inbound, Inbound)
    assert (inbound.sender, inbound.text, inbound.name) == (
        "anna@example.org", "Thank you!", "Anna",
    )  # fmt: skip
    assert (event.proven, event.named) == (False, ("anna@example.org",))


def test_stop_as_an_answer_opts_out() -> None:
    inbound, opt_out = about(answer("Stop")).events
    assert isinstance(inbound, Inbound)
    assert isinstance(opt_out, OptOut)
    assert (opt_out.sender, opt_out.state) == ("anna@example.org", "opted_out")


def test_of_a_page_the_text_is_kept() -> None:
    page = MIMEText("<style>p {}</style><p>Thank <b>you</b> &amp; bye</p>", "html", "utf-8")
    page["From"] = "anna@example.org"
    page["In-Reply-To"] = "<abc-17@example.org>"
    page["Message-ID"] = "<page-1@mail.example>"
    (inbound,) = about(page.as_bytes()).events
    assert isinstance(inbound, Inbound)
    assert inbound.text == "Thank you & bye"


def test_only_what_nobody_needs_to_read_counts_as_a_report() -> None:
    assert is_report(mail("bounce"))
    assert is_report(mail("complaint"))
    assert is_report(automatic("anna@example.org", "news@example.org", 1))
    assert not is_report(answer())
    assert not is_report(b"hello")


@pytest.mark.parametrize(
    "deep",
    [
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n',
        b"Content-Type: message/rfc822\r\nX-Number: %d %d\r\n\r\n",
    ],
)
def test_parts_within_parts_without_end_are_refused_at_once(deep: bytes) -> None:
    raw = b"From: a@example.org\r\n" + b"".join(deep % (n, n) for n in range(1_000))
    with pytest.raises(ValueError, match="too many parts"):
        event_of(raw)


def test_patterns_of_others_see_short_lines_only_and_always_a_sender(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[Message] = []

    def recognise(mail: Message) -> tuple[frozenset[bytes], frozenset[bytes]]:
        shown.append(mail)
        return frozenset(), frozenset()

    monkeypatch.setattr(returned, "all_failures", recognise)
    event_of(b"Return-Path: <>\r\n\r\n" + b"x" * 100_000 + b"\r\n" + b"y\r\n" * 10_000)
    (mail,) = shown
    text = mail.as_string()
    assert max(map(len, text.splitlines())) <= 300
    assert len(text) < 40_000
    assert mail["From"] == "MAILER-DAEMON"


@pytest.mark.parametrize("sign", [b"(", b'"<', b"<", b"@,"])
def test_an_address_within_an_address_without_end_is_none(sign: bytes) -> None:
    raw = b"Return-Path: <>\r\nFrom: " + sign * 30_000 + b"\r\nDate: " + sign * 900 + b"\r\n\r\nx"
    assert event_of(raw) == returned.AUTOMATIC
    assert not is_report(raw)


def test_what_can_not_be_read_is_no_report(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise RecursionError

    monkeypatch.setattr(returned, "status_blocks", broken)
    assert not is_report(mail("bounce"))


def test_a_header_without_end_is_cut() -> None:
    raw = answer().replace(b"In-Reply-To:", b"In-Reply-To: " + b"=?a?q?" * 20_000 + b"\r\nX:")
    assert event_of(raw) == returned.OTHER


def test_a_detector_that_fails_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        raise IndexError("list index out of range")

    monkeypatch.setattr(returned, "all_failures", broken)
    raw = b"Return-Path: <>\r\n" + answer(sender="MAILER-DAEMON@mx.example")
    assert event_of(raw) == returned.UNREADABLE


@settings(max_examples=25)
@given(data=st.data())
def test_no_damage_makes_it_raise_anything_but_a_sentence(data: st.DataObject) -> None:
    raw = bytearray(data.draw(st.sampled_from(SAMPLES)))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(raw) - 1))
        end = start + data.draw(st.integers(0, 30))
        raw[start:end] = data.draw(st.binary(max_size=8) | st.sampled_from(PIECES))
    is_report(bytes(raw))
    with suppress(ValueError):
        event_of(bytes(raw))


SAMPLES = [mail("bounce", write=write) for write in WRITERS] + [mail("complaint"), answer()]
PIECES = [
    b"\r\n\r\n", b"\n", b"=?utf-8?b?////?=", b"=?x-unknown?q?=E4?=", b"--=_bounce_of_simulator",
    b'charset="no\x00ne"', b"Content-Transfer-Encoding: base64\r\n", b"\xff\xfe", b"; ; =",
    b"Content-Type: message/rfc822\r\n", b"Status: ", b"Final-Recipient: rfc822; \xfc@\xfc",
]  # fmt: skip
