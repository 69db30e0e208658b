"""Postmark: what its API answers, and its callbacks."""

import json
from base64 import b64encode
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, without
from channels.rehearsal import SECRET, Rehearsal
from clarion.channels.contract import (
    AddressReport,
    HookRequest,
    OptOut,
    Outgoing,
    Receipt,
    Refusal,
)
from clarion.channels.postmark.config import PostmarkConfig
from clarion.channels.postmark.kind import PostmarkKind
from clarion.transport.messages import HttpReply, SmtpReply

TOKEN = "0a7e4a3c-5b2c-4b6e-9a1b-testonly0001"
PASSWORD = "webhook-password-of-this-test"
MESSAGE_ID = "883953f4-6105-42a2-a16a-77a8eac79483"


def signed(record: dict[str, Any], password: str = PASSWORD) -> HookRequest:
    """A callback with this record, with the user name and password of the webhook."""
    login = b64encode(f"clarion:{password}".encode()).decode()
    return HookRequest({"authorization": f"Basic {login}"}, "", json.dumps(record).encode(), NOW)


def record(kind: str, **more: Any) -> dict[str, Any]:
    """A record of that RecordType about our message, as Postmark's documentation shows them."""
    return {
        "RecordType": kind,
        "MessageStream": "broadcast",
        "ServerID": 23,
        "MessageID": MESSAGE_ID,
        "Metadata": {"clarion_id": "abc-17"},
        "Tag": "",
        **more,
    }


def bounce(kind: str, **more: Any) -> dict[str, Any]:
    """A bounce of that type."""
    about: dict[str, Any] = {
        "ID": 42,
        "Type": kind,
        "TypeCode": 1,
        "Name": "Hard bounce",
        "Description": "The server was unable to deliver your message (ex: unknown user).",
        "Details": "smtp;550 5.1.1 The email account that you tried to reach does not exist.",
        "Email": "Anna@example.org",
        "From": "news@example.org",
        "BouncedAt": "2026-11-22T11:59:55.0000000Z",
        "DumpAvailable": True,
        "Inactive": True,
        "CanActivate": True,
        "Subject": "Spring",
    }
    return record("Bounce", **{**about, **more})


def subscription(**more: Any) -> dict[str, Any]:
    """A change of Postmark's own list."""
    about: dict[str, Any] = {
        "ChangedAt": "2026-11-22T11:59:55Z",
        "Recipient": "anna@example.org",
        "Origin": "Recipient",
        "SuppressSending": True,
        "SuppressionReason": "ManualSuppression",
    }
    return record("SubscriptionChange", **{**about, **more})


def error(code: int, message: str = "words", status: int = 422) -> HttpReply:
    """An error as Postmark answers it."""
    return reply(status, {"ErrorCode": code, "Message": message})


BOUNCED = (
    "The message bounced (HardBounce): smtp;550 5.1.1 The email account that you tried to reach "
    "does not exist."
)
ACCEPTED = {
    "To": "anna@example.org",
    "SubmittedAt": "2026-11-22T07:00:00.0000000-05:00",
    "MessageID": MESSAGE_ID,
    "ErrorCode": 0,
    "Message": "OK",
}
CASE = Case(
    kind="postmark",
    settings={
        "token": TOKEN,
        "webhook_secret": PASSWORD,
        "sender": "News <news@example.org>",
    },
    secrets=(TOKEN, PASSWORD),
    message=Outgoing("abc-17", 3, "anna@example.org", "Hello Anna", "Spring", "Anna"),
    accepted=reply(200, ACCEPTED),
    user_ids={
        "anna@example.org": "anna@example.org",
        "Ada.L+x@Example.ORG": "ada.l+x@example.org",
    },
    bad_user_ids={"no e-mail address": ("no-at", "a@b")},
    id_columns={"id,name,Email": "Email", "Mail,phone": "Mail"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"ErrorCode":0,"Mess'), Refusal.UNKNOWN),
        "200 without an id": (reply(200, {"ErrorCode": 0}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(0, status=500), Refusal.UNKNOWN),
        "maintenance": (error(100, status=503), Refusal.UNAVAILABLE),
        "503": (reply(503), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
        "429 of the code": (error(429), Refusal.THROTTLED),
        "401": (error(10, status=401), Refusal.MISCONFIGURED),
        "401 alone": (reply(401), Refusal.MISCONFIGURED),
        "invalid": (error(300, "Zero recipients specified"), Refusal.REJECTED),
        "invalid From": (
            error(300, "Invalid 'From' address: 'sender@example.com'."),
            Refusal.MISCONFIGURED,
        ),
        "invalid To": (error(300, "Invalid 'To' address: 'a@b'."), Refusal.UNREACHABLE),
        "no signature": (error(400), Refusal.MISCONFIGURED),
        "not confirmed": (error(401), Refusal.MISCONFIGURED),
        "no credits": (error(405), Refusal.MISCONFIGURED),
        "inactive": (error(406), Refusal.UNREACHABLE),
        "attachment": (error(411), Refusal.REJECTED),
        "pending": (error(412), Refusal.MISCONFIGURED),
        "may not send": (error(413), Refusal.MISCONFIGURED),
        "no stream": (error(1235), Refusal.MISCONFIGURED),
        "an unknown code": (error(999), Refusal.REJECTED),
        "too large": (reply(413), Refusal.REJECTED),
        "not Postmark": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: signed(bounce("HardBounce")),
    told=(
        Receipt(
            "failed", JUST_BEFORE, MESSAGE_ID, "abc-17", BOUNCED, "HardBounce", unreachable=True
        ),
        AddressReport("anna@example.org", "hard_bounce", JUST_BEFORE, BOUNCED, "abc-17"),
    ),
    others=(
        lambda: signed(
            record(
                "Delivery",
                Recipient="anna@example.org",
                DeliveredAt="2026-11-22T11:59:55Z",
                Details="250 2.0.0 OK",
            )
        ),
        lambda: signed(subscription()),
    ),
    forged={
        "another password": lambda: signed(bounce("HardBounce"), "another-password-entirely"),
        "the empty password": lambda: signed(bounce("HardBounce"), ""),
        "no password": lambda: without(signed(bounce("HardBounce")), "authorization"),
    },
    unknown=(
        json.dumps(record("Open")).encode(),
        json.dumps(bounce("AutoResponder")).encode(),
        json.dumps(bounce("Transient")).encode(),
        json.dumps(record("Delivery", MessageID=None, Metadata=None)).encode(),
        json.dumps(bounce("SpamComplaint", Email="?")).encode(),
        json.dumps(subscription(Recipient="")).encode(),
        json.dumps(subscription(Origin="Admin")).encode(),
        json.dumps(subscription(Origin="Admin", SuppressSending=False)).encode(),
    ),
    rehearsal=Rehearsal(
        kind="postmark",
        settings=lambda simulator: {
            "token": "simulated-token",
            "webhook_secret": SECRET,
            "sender": "News <news@example.org>",
            "api_root": f"{simulator.http_url}/postmark",
            "allow_private": True,
        },
        recipient="anna@example.org",
        faulty="anna+{fault}@example.org",
        person=lambda number: f"person{number}@example.org",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "unknown",
            "400": "unreachable",
            "blocked": "unreachable",
            "deactivated": "unreachable",
            "429": "throttled",
            "html502": "unknown",
            "empty": "unknown",
            "cut": "maybe sent",
            "cut-json": "unknown",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",
        },
        wait=7.0,
        good="token is valid",
        wrong={"token": "a-revoked-token"},
        bad="server token",
        keeps_external_id=True,
    ),
)
OPTED_OUT = OptOut("anna@example.org", "opted_out", JUST_BEFORE)


def make(**changes: Any) -> PostmarkKind:
    """The kind with the settings of its Case, or with these instead."""
    return PostmarkKind(PostmarkConfig.model_validate({**CASE.settings, **changes}))
