"""A mail server: what it answers."""

import re
from collections.abc import Callable
from typing import Any

from channels.fixtures import JUST_BEFORE, NOW, Case
from channels.rehearsal import Rehearsal
from clarion.channels.contract import (
    AboutMessage,
    AddressReport,
    HookRequest,
    Outgoing,
    Receipt,
    Refusal,
)
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.kind import EmailKind
from clarion.transport.messages import HttpReply, SmtpReply, SmtpRequest
from clarion_simulator.bounces import FAILURES, Failure, complaint, postfix

Writer = Callable[[Failure, str, bytes, int], bytes]
PASSWORD = "correct horse battery staple 4711"
BOUNCED = "The message came back. There is no such mailbox."
OWN = {
    "bounce_address": "bounces@example.org",
    "bounce_host": "imap.example.org",
    "bounce_username": "bounces-user",
    "bounce_password": "another horse 4712",
}


def mail(kind: str = "bounce", *, message_id: str = "abc-17", write: Writer = postfix) -> bytes:
    """What comes back of our message, as the simulator's mail servers write it."""
    to, sent = "anna@example.org", sent_mail(message_id)
    if kind == "complaint":
        return complaint(to, sent.sender, sent.message, 1)
    head = f"Return-Path: <>\r\nDelivered-To: {sent.sender}\r\n".encode()
    return head + write(FAILURES[kind], to, sent.message, 1)


def sent_mail(message_id: str = "abc-17") -> SmtpRequest:
    """Our message on its way."""
    return make(**OWN).request(Outgoing(message_id, 3, "anna@example.org", "Hello", "Spring"))


def answer(
    text: str = "Thank you!", *, sender: str = "Anna <anna@example.org>", of: str = ""
) -> bytes:
    """An e-mail that answers ours, or the one with the Message-ID ``of``."""
    lines = [
        f"From: {sender}", "To: news@example.org", "Subject: Re: Spring",
        "Date: Sun, 22 Nov 2026 11:59:55 +0000", "Message-ID: <answer-1@mail.example>",
        f"In-Reply-To: {of or '<abc-17@example.org>'}", "", text, "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def dated(raw: bytes) -> bytes:
    """The same e-mail with the date of the fixtures."""
    return re.sub(rb"(?m)^Date: .*\r$", b"Date: Sun, 22 Nov 2026 11:59:55 +0000\r", raw, count=1)


def received(raw: bytes) -> HookRequest:
    """An e-mail as it is kept once it has been fetched."""
    return HookRequest({}, "", raw, NOW)


CASE = Case(
    kind="email",
    settings={
        "host": "smtp.example.org",
        "username": "clarion-user",
        "password": PASSWORD,
        "sender": "News <news@example.org>",
        **OWN,
    },
    secrets=(PASSWORD, "clarion-user", OWN["bounce_password"]),
    message=Outgoing("abc-17", 3, "anna@example.org", "Hello Anna", "Spring", "Anna"),
    accepted=SmtpReply("sent", 250, "2.0.0 Ok: queued as 4XyZ"),
    user_ids={
        "anna@example.org": "anna@example.org",
        "Ada.L+x@Example.ORG": "ada.l+x@example.org",
        " MUSTER@example.org ": "muster@example.org",
        "Ü@müller.example": "ü@müller.example",
        "ü@müller.example": "ü@müller.example",
    },
    bad_user_ids={"no e-mail address": ("no-at", "a@b", "a..b@c.example")},
    id_columns={"id,name,Email": "Email", "Mail,phone": "Mail"},
    replies={
        "empty": (SmtpReply("data", 0, ""), Refusal.UNKNOWN),
        "temporary": (SmtpReply("rcpt", 451, "4.3.0 Try again later"), Refusal.RETRY),
        "after the dot": (SmtpReply("data", 451, "4.3.0 Try again later"), Refusal.RETRY),
        "throttled": (
            SmtpReply("data", 454, "Throttling failure: Maximum sending rate exceeded"),
            Refusal.THROTTLED,
        ),
        "log-in": (
            SmtpReply("auth", 535, "5.7.8 Authentication credentials invalid"),
            Refusal.MISCONFIGURED,
        ),
        "nobody": (SmtpReply("rcpt", 550, "5.1.1 No such user"), Refusal.UNREACHABLE),
        "policy": (SmtpReply("data", 550, "5.7.1 Message looks like spam"), Refusal.REJECTED),
        "nonsense": (SmtpReply("data", 999, "?"), Refusal.UNKNOWN),
        "another protocol": (HttpReply(200, {}, b"ok"), Refusal.UNKNOWN),
    },
    heard=lambda: received(dated(mail())),
    told=(
        AboutMessage(
            "abc-17",
            (
                Receipt(
                    "failed", JUST_BEFORE, None, "abc-17", BOUNCED, "550 5.1.1", unreachable=True
                ),
                AddressReport("", "hard_bounce", JUST_BEFORE, BOUNCED, "abc-17"),
            ),
            proven=True,
            named=("anna@example.org",),
        ),
    ),
    others=(lambda: received(answer()), lambda: received(mail("complaint"))),
    unknown=(answer(of="<somebody@elsewhere.example>"), answer(sender="MAILER-DAEMON@mx.example")),
    forged={"anything": lambda: HookRequest({}, "", b"{}", NOW)},
    rehearsal=Rehearsal(
        kind="email",
        settings=lambda simulator: {
            "host": "127.0.0.1",
            "port": simulator.smtp_port,
            "security": "none",
            "username": "news",
            "password": "good",
            "sender": "News <news@example.org>",
            "bounce_address": "bounces@example.org",
            "bounce_host": "127.0.0.1",
            "bounce_port": simulator.imap_port,
            "bounce_security": "none",
            "bounce_username": "bounces",
            "bounce_password": "good",
            "bounce_interval": 1,
        },
        recipient="anna@example.org",
        faulty="anna+{fault}@example.org",
        person=lambda number: f"person{number}@example.org",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "retry",
            "400": "unreachable",
            "blocked": "rejected",
            "deactivated": "unreachable",
            "429": "throttled",
            "html502": "retry",
            "empty": "maybe sent",
            "cut": "maybe sent",
            "cut-json": "maybe sent",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "not sent",
        },
        wait=1.0,
        good="mailbox for bounces can be read",
        wrong={"password": "wrong"},
        bad="refused the login",
        key="<abc-17@example.org>",
        logs_source=True,
    ),
)


def make(**changes: Any) -> EmailKind:
    """The kind with the settings of its Case, or with these instead."""
    return EmailKind(EmailConfig.model_validate({**CASE.settings, **changes}))
