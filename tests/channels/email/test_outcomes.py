"""What SMTP replies mean, with the texts of real servers."""

import pytest

from clarion.channels.contract import Accepted, Refusal, Refused
from clarion.channels.email.outcomes import outcome_of
from clarion.channels.email.statuses import STATUSES, listed_statuses
from clarion.transport.messages import SmtpReply, Stage

RETRY, THROTTLED, REJECTED = Refusal.RETRY, Refusal.THROTTLED, Refusal.REJECTED
UNREACHABLE, MISCONFIGURED = Refusal.UNREACHABLE, Refusal.MISCONFIGURED
UNAVAILABLE = Refusal.UNAVAILABLE


def refused(stage: Stage, code: int, text: str) -> Refused:
    outcome = outcome_of(SmtpReply(stage, code, text))
    assert isinstance(outcome, Refused)
    return outcome


def test_sent_is_accepted() -> None:
    assert outcome_of(SmtpReply("sent", 250, "2.0.0 Ok: queued as 4XyZ")) == Accepted()


@pytest.mark.parametrize(
    ("stage", "code", "text", "refusal"),
    [
        # Temporary, and about the account or the server.
        ("connect", 421, "4.3.2 Service not available, closing channel", UNAVAILABLE),
        ("connect", 450, "4.3.2 try again later", UNAVAILABLE),
        ("auth", 454, "4.7.0 Temporary authentication failure", UNAVAILABLE),
        ("mail", 451, "4.3.0 Mail server temporarily rejected message", UNAVAILABLE),
        ("rcpt", 450, "4.1.8 <n@x>: Sender address rejected: Domain not found", UNAVAILABLE),
        ("mail", 450, "4.1.8 <n@x>: Sender address rejected: Domain not found", UNAVAILABLE),
        ("rcpt", 451, "4.1.7 Bad sender's mailbox", UNAVAILABLE),
        ("data", 452, "4.3.1 Insufficient system storage", UNAVAILABLE),
        # Temporary, maybe about this person.
        ("rcpt", 451, "4.3.0 <a@b.example>: Temporary lookup failure", RETRY),
        ("rcpt", 450, "4.2.0 mailbox busy", RETRY),
        ("rcpt", 452, "4.2.2 The email account that you tried to reach is over quota", RETRY),
        ("data", 421, "4.3.2 Service not available, closing channel", RETRY),
        ("data", 451, "4.4.2 Timeout - closing connection", RETRY),
        ("data", 421, "4.7.32 Your email has been temporarily deferred: not aligned", RETRY),
        # Slower, please.
        ("data", 454, "Throttling failure: Maximum sending rate exceeded.", THROTTLED),
        ("data", 454, "Throttling failure: Daily message quota exceeded.", THROTTLED),
        ("connect", 421, "4.7.0 Too many connections from your IP", THROTTLED),
        ("connect", 421, "4.3.2 Concurrent connections limit exceeded", THROTTLED),
        ("rcpt", 451, "4.7.500 Server busy. Please try again later (S77719)", THROTTLED),
        ("rcpt", 451, "4.7.652 It has exceeded the maximum number of connections", THROTTLED),
        ("mail", 450, "4.7.1 Error: too much mail from 192.0.2.1", THROTTLED),
        ("rcpt", 450, "4.2.1 Peak SMTP relay limit exceeded for customer.", THROTTLED),
        ("mail", 550, "5.4.5 Daily user sending limit exceeded.", THROTTLED),
        ("data", 554, "5.2.0 Submission quota exceeded", THROTTLED),
        # This message.
        ("data", 552, "5.3.4 Message size exceeds fixed limit", REJECTED),
        ("mail", 552, "5.3.4 Message size exceeds fixed limit", REJECTED),
        ("data", 554, "5.7.1 Spam message rejected", REJECTED),
        ("rcpt", 550, "5.7.1 Rejected: the recipient has blocked this sender", REJECTED),
        ("data", 550, "5.7.26 This mail has been blocked because it is unauthenticated", REJECTED),
        ("data", 554, "Transaction failed", REJECTED),
        ("rcpt", 550, "Requested action not taken", REJECTED),
        ("rcpt", 552, "5.2.2 Mailbox full", REJECTED),
        ("rcpt", 552, "Requested mail action aborted: exceeded storage allocation", REJECTED),
        # This address.
        ("rcpt", 550, "5.1.1 No such user", UNREACHABLE),
        ("rcpt", 550, "5.1.1 The account that you tried to reach does not exist.", UNREACHABLE),
        ("rcpt", 550, "<a@b.example>: Recipient address rejected: User unknown", UNREACHABLE),
        ("rcpt", 550, "5.1.2 Bad destination system", UNREACHABLE),
        ("rcpt", 556, "5.1.10 Domain does not accept mail (nullMX)", UNREACHABLE),
        ("rcpt", 550, "5.4.1 Recipient address rejected: Access denied", UNREACHABLE),
        ("rcpt", 550, "5.2.1 The email account that you tried to reach is disabled.", UNREACHABLE),
        ("data", 550, "5.1.1 User unknown", UNREACHABLE),
        ("rcpt", 553, "sorry, no mailbox here by that name", UNREACHABLE),
        # This channel.
        ("auth", 535, "5.7.8 Username and Password not accepted", MISCONFIGURED),
        ("auth", 534, "5.7.9 Application-specific password required", MISCONFIGURED),
        ("auth", 550, "5.7.1 disabled", MISCONFIGURED),
        ("mail", 530, "5.7.0 Authentication Required", MISCONFIGURED),
        ("rcpt", 530, "5.7.1 Authentication required", MISCONFIGURED),
        ("rcpt", 554, "5.7.1 <a@b.example>: Relay access denied", MISCONFIGURED),
        ("rcpt", 550, "5.7.1 Unable to relay", MISCONFIGURED),
        ("mail", 553, "5.7.1 Sender address rejected: not owned by user", MISCONFIGURED),
        ("rcpt", 550, "5.1.0 <n@x.example>: Sender address rejected: User unknown", MISCONFIGURED),
        ("rcpt", 550, "5.1.8 Sender domain not found", MISCONFIGURED),
        ("mail", 501, "5.1.7 Bad sender address syntax", MISCONFIGURED),
        ("mail", 550, "go away", MISCONFIGURED),
        ("data", 554, "Message rejected: Email address is not verified.", MISCONFIGURED),
        ("data", 550, "5.7.60 Client does not have permissions to send", REJECTED),
        ("connect", 554, "5.7.1 No SMTP service here", MISCONFIGURED),
    ],
)  # fmt: skip
def test_classes(stage: Stage, code: int, text: str, refusal: Refusal) -> None:
    assert refused(stage, code, text).refusal is refusal


@pytest.mark.parametrize(
    ("text", "wait", "whole_channel"),
    [
        ("Throttling failure: Maximum sending rate exceeded", 1.0, True),
        ("Throttling failure: Daily message quota exceeded", 600.0, True),
        ("4.7.0 Too many messages, try again in 2 minutes", 120.0, True),
        ("4.7.1 Greylisted, please try again in 60 seconds", 60.0, False),
        ("4.7.1 Recipient address rejected: Greylisted", 300.0, False),
        ("4.2.1 The user you are trying to contact is receiving mail too quickly.", 300.0, False),
        ("4.7.0 rate limited, wait 99999 hours", 86_400.0, True),
    ],
)
def test_how_long_and_for_whom_throttling_waits(
    text: str, wait: float, whole_channel: bool
) -> None:
    outcome = refused("rcpt", 450, text)
    assert outcome.refusal is THROTTLED
    assert outcome.retry_after == wait
    assert outcome.whole_channel is whole_channel


@pytest.mark.parametrize(
    ("text", "mark"),
    [
        ("5.2.1 disabled", "deactivated"),
        ("5.1.1 no", "unreachable"),
        ("5.1.10 null MX", "unreachable"),
    ],
)
def test_marks(text: str, mark: str) -> None:
    assert refused("rcpt", 550, text).mark == mark


def test_the_code_holds_both_codes() -> None:
    assert refused("rcpt", 550, "5.1.1 No such user").code == "550 5.1.1"
    assert refused("rcpt", 550, "No such user").code == "550"


def test_the_same_fault_has_the_same_words_for_everybody() -> None:
    text = (
        "4.3.0 <{0}@x.example>: queue file 4XyZ{1}abc write error\n4.3.0 see https://x.example/{0}"
    )
    reasons = {refused("data", 451, text.format(n, i)).reason for n, i in [("a", 71), ("bo", 38)]}
    assert reasons == {
        "The mail server can't accept the message at the moment: … queue file … write error see …."
    }


@pytest.mark.parametrize(
    ("stage", "code"), [("data", 250), ("rcpt", 354), ("mail", 0), ("check", 250)]
)
def test_an_answer_without_sense_is_in_doubt(stage: Stage, code: int) -> None:
    assert refused(stage, code, "?").refusal is Refusal.UNKNOWN


def test_listed_statuses_are_classed_as_replies_are() -> None:
    errors = {error.code: error for error in listed_statuses()}
    assert len(errors) == len(STATUSES), "none is listed twice"
    for code, error in errors.items():
        certain = {Refusal.REJECTED, Refusal.UNREACHABLE, Refusal.MISCONFIGURED}
        assert (error.refusal in certain) == code.startswith("5"), code
    nobody, disabled, login = (errors[code] for code in ("550 5.1.1", "550 5.2.1", "535 5.7.8"))
    assert (nobody.refusal, nobody.sentence) == (
        Refusal.UNREACHABLE, "There is no such mailbox."
    )  # fmt: skip
    assert disabled.mark == "deactivated"
    assert login.refusal is Refusal.MISCONFIGURED
    assert errors["550 5.7.23"].sentence == "The mail server refused the message: SPF failed."
