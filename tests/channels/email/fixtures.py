"""A mail server: what it answers."""

from typing import Any

from channels.fixtures import NOW, Case
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Outgoing, Refusal
from clarion.channels.email.config import EmailConfig
from clarion.channels.email.kind import EmailKind
from clarion.transport.messages import HttpReply, SmtpReply

PASSWORD = "correct horse battery staple 4711"
CASE = Case(
    kind="email",
    settings={
        "host": "smtp.example.org",
        "username": "clarion-user",
        "password": PASSWORD,
        "sender": "News <news@example.org>",
    },
    secrets=(PASSWORD, "clarion-user"),
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
        good="login works",
        wrong={"password": "wrong"},
        bad="refused the login",
        key="<abc-17@example.org>",
        logs_source=True,
    ),
)


def make(**changes: Any) -> EmailKind:
    """The kind with the settings of its Case, or with these instead."""
    return EmailKind(EmailConfig.model_validate({**CASE.settings, **changes}))
