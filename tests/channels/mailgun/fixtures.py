"""Mailgun: what its API answers, and its signed callbacks."""

import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, texts_of
from channels.rehearsal import SECRET, Rehearsal
from clarion.channels.contract import (
    AddressReport,
    HookRequest,
    OptOut,
    Outgoing,
    Receipt,
    Refusal,
)
from clarion.channels.mailgun.config import MailgunConfig
from clarion.channels.mailgun.kind import MailgunKind
from clarion.transport.messages import HttpReply, HttpRequest, SmtpReply
from clarion_simulator import multipart

KEY = "key-3ax6xnjp29jd6fds4gc373sgvjxteol0"
SIGNING_KEY = "0123456789abcdef-of-this-test"
MESSAGE_ID = "abc-17@example.org"
TOKEN = "651869375b9df3c98fc15c4889b102119add1235c38fc92824"


def signed(data: dict[str, Any], key: str = SIGNING_KEY, at: int = 0) -> HookRequest:
    """A callback with this event, signed by this test's own hand."""
    stamp = str(at or int(NOW.timestamp()))
    mac = hmac.new(key.encode(), f"{stamp}{TOKEN}".encode(), hashlib.sha256).hexdigest()
    signature = {"timestamp": stamp, "token": TOKEN, "signature": mac}
    body = json.dumps({"signature": signature, "event-data": data}).encode()
    return HookRequest({}, "", body, NOW)


def event(kind: str, **more: Any) -> dict[str, Any]:
    """An event about our message, as the documentation shows them."""
    return {
        "event": kind,
        "id": "CPgfbmQMTCKtHW6uIWtuVe",
        "timestamp": NOW.timestamp() - 4.5,
        "log-level": "info",
        "recipient": "Anna@example.org",
        "recipient-domain": "example.org",
        "tags": [],
        "user-variables": {"clarion-id": "abc-17"},
        "message": {"headers": {"message-id": MESSAGE_ID, "to": "anna@example.org"}, "size": 809},
        **more,
    }


def failed(reason: str, message: str = "5.1.1 No such user", **more: Any) -> dict[str, Any]:
    """A permanent failure."""
    status = {"code": 550, "message": message, "description": "", "attempt-no": 1}
    about: dict[str, Any] = {"severity": "permanent", "reason": reason, "delivery-status": status}
    return event("failed", **{**about, **more})


def said(status: int, message: str) -> HttpReply:
    """An answer with this message."""
    return reply(status, {"message": message})


BOUNCED = "The message bounced (bounce): 5.1.1 No such user."


def opened(request: HttpRequest) -> bytes:
    """The fields of a request's form, with the texts of its e-mail."""
    fields, files = multipart.read(dict(request.headers)["Content-Type"].encode(), request.body)
    texts = texts_of(files["message"].data)
    return json.dumps({**fields, "texts": texts}, ensure_ascii=False).encode("utf-8", "replace")


CASE = Case(
    opened=opened,
    kind="mailgun",
    settings={
        "api_key": KEY,
        "domain": "mg.example.org",
        "webhook_secret": SIGNING_KEY,
        "sender": "News <news@example.org>",
    },
    secrets=(KEY, SIGNING_KEY),
    message=Outgoing("abc-17", 3, "anna@example.org", "Hello Anna", "Spring", "Anna"),
    accepted=reply(200, {"id": f"<{MESSAGE_ID}>", "message": "Queued. Thank you."}),
    user_ids={
        "anna@example.org": "anna@example.org",
        "Ada.L+x@Example.ORG": "ada.l+x@example.org",
    },
    bad_user_ids={"no e-mail address": ("no-at", "a@b")},
    id_columns={"id,name,Email": "Email", "Mail,phone": "Mail"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"id":"<abc'), Refusal.UNKNOWN),
        "200 without an id": (said(200, "Queued"), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (said(500, "Internal Server Error"), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
        "limit": (said(403, "Domain example.org hourly limit exceeded"), Refusal.THROTTLED),
        "401": (reply(401, b"Forbidden"), Refusal.MISCONFIGURED),
        "403": (said(403, "Forbidden"), Refusal.MISCONFIGURED),
        "sandbox": (
            said(403, "Sandbox subdomains are for test purposes only."),
            Refusal.MISCONFIGURED,
        ),
        "not allowed": (
            said(403, "Domain mg.example.org is not allowed to send: unverified."),
            Refusal.MISCONFIGURED,
        ),
        "from": (
            said(400, "'from' parameter is not a valid address."),
            Refusal.MISCONFIGURED,
        ),
        "to": (
            said(400, "'to' parameter is not a valid address. please check documentation"),
            Refusal.UNREACHABLE,
        ),
        "400": (said(400, "Need at least one of 'text' or 'html'"), Refusal.REJECTED),
        "no domain": (said(404, "Domain not found: mg.example.org"), Refusal.MISCONFIGURED),
        "too large": (reply(413), Refusal.REJECTED),
        "not Mailgun": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: signed(failed("bounce")),
    told=(
        Receipt("failed", JUST_BEFORE, MESSAGE_ID, "abc-17", BOUNCED, "550", unreachable=True),
        AddressReport("anna@example.org", "hard_bounce", JUST_BEFORE, BOUNCED, "abc-17"),
    ),
    others=(
        lambda: signed(event("delivered")),
        lambda: signed(event("unsubscribed")),
        lambda: signed(event("delivered"), at=int(NOW.timestamp()) - 8 * 3_600),  # the last retry
    ),
    forged={
        "another key": lambda: signed(failed("bounce"), "another-key"),
        "the empty key": lambda: signed(failed("bounce"), ""),
        "too old": lambda: signed(failed("bounce"), at=int(NOW.timestamp()) - 13 * 3_600),
        "from the future": lambda: signed(failed("bounce"), at=int(NOW.timestamp()) + 50_000),
        "no time": lambda: replace(
            signed(failed("bounce")), body=json.dumps({"event-data": failed("bounce")}).encode()
        ),
    },
    unknown=tuple(
        json.dumps({"event-data": data}).encode()
        for data in (
            event("opened"),
            event("accepted"),
            failed("generic", severity="temporary"),
            event("delivered", message={}, **{"user-variables": {}}),
            event("complained", recipient="?"),
            event("unsubscribed", recipient=None),
        )
    ),
    rehearsal=Rehearsal(
        kind="mailgun",
        settings=lambda simulator: {
            "api_key": "simulated-key",
            "domain": "mg.example.org",
            "webhook_secret": SECRET,
            "sender": "News <news@example.org>",
            "api_root": f"{simulator.http_url}/mailgun",
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
            "blocked": "rejected",
            "deactivated": "rejected",
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
        good="domain is verified",
        wrong={"api_key": "a-revoked-key"},
        bad="API key",
        keeps_external_id=True,
        logs_source=True,
    ),
)
OPTED_OUT = OptOut("anna@example.org", "opted_out", JUST_BEFORE)


def make(**changes: Any) -> MailgunKind:
    """The kind with the settings of its Case, or with these instead."""
    return MailgunKind(MailgunConfig.model_validate({**CASE.settings, **changes}))
