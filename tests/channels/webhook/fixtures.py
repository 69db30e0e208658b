"""A receiver of webhook messages: what it answers, and its signed callbacks."""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from channels import rehearsal
from channels.fixtures import HTML, NOW, Case, reply, without
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Outgoing, Receipt, Refusal
from clarion.channels.webhook.config import WebhookConfig
from clarion.channels.webhook.kind import WebhookKind
from clarion.transport.messages import SmtpReply

KEY = b"a key of this test and no other"
SECRET = "whsec_" + base64.b64encode(KEY).decode()


def signed(body: object, key: bytes = KEY, at: datetime = NOW) -> HookRequest:
    """A callback of the webhook kind, signed by this test's own hand."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(at.timestamp()))
    mac = hmac.new(key, f"msg_1.{stamp}.".encode() + raw, hashlib.sha256).digest()
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": stamp,
        "webhook-signature": "v1," + base64.b64encode(mac).decode(),
    }
    return HookRequest(headers, "", raw, NOW)


DELIVERED = {
    "type": "message.delivered",
    "timestamp": "2026-11-22T11:59:30Z",
    "data": {"id": "abc-17", "to": "anna", "sim_id": "sim-1"},
}
CASE = Case(
    kind="webhook",
    settings={"url": "https://receiver.example/messages", "secret": SECRET},
    secrets=(SECRET, KEY.decode()),
    message=Outgoing("abc-17", 3, "anna", "Hello Anna", "Spring", "Anna"),
    accepted=reply(200, {"id": "sim-1"}),
    user_ids={" anna ": "anna", "Ünal/7": "Ünal/7"},
    bad_user_ids={"empty": ("", " "), "longer than 320": ("x" * 321,), "invisible": ("a\u200bb",)},
    id_columns={"name,User ID,city": "User ID", "name,e-mail": "e-mail", "id,email,phone": "id"},
    replies={
        "empty 200": (reply(200), None),
        "204": (reply(204), None),
        "cut JSON": (reply(200, b'{"id": "sim-'), None),
        "HTML 200": (reply(200, HTML), None),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "504": (reply(504), Refusal.UNKNOWN),
        "500": (reply(500, {"error": "internal error"}), Refusal.RETRY),
        "503": (reply(503), Refusal.UNAVAILABLE),
        "503 with Retry-After": (reply(503, retry_after="7"), Refusal.THROTTLED),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
        "401": (reply(401), Refusal.MISCONFIGURED),
        "400": (reply(400, {"error": "no such person"}), Refusal.REJECTED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: signed(DELIVERED),
    told=(
        Receipt("delivered", datetime(2026, 11, 22, 11, 59, 30, tzinfo=UTC), message_id="abc-17"),
    ),
    pressed=lambda: signed(
        {
            "type": "message.received",
            "data": {"id": "9", "from": "anna", "text": "Yes, please", "button": "yes-7"},
        }
    ),
    others=(
        lambda: signed({"type": "message.read", "data": {"id": "abc-17"}}),
        lambda: signed({"type": "message.failed", "data": {"id": "abc-17", "reason": "gone"}}),
        lambda: signed({"type": "contact.opted_out", "data": {"from": "anna"}}),
    ),
    forged={
        "another key": lambda: signed(DELIVERED, b"another key"),
        "the empty key": lambda: signed(DELIVERED, b""),
        "another body": lambda: replace(signed(DELIVERED), body=b'{"type": "message.read"}'),
        "no signature": lambda: without(signed(DELIVERED), "webhook-signature"),
        "no timestamp": lambda: without(signed(DELIVERED), "webhook-timestamp"),
        "no id": lambda: without(signed(DELIVERED), "webhook-id"),
        "nothing": lambda: HookRequest({}, "", b"", NOW),
    },
    unknown=(
        b'{"type": "message.sent", "data": {"id": "abc-17"}}',
        b'{"type": "invoice.paid", "timestamp": "yesterday", "data": [1, 2]}',
    ),
    rehearsal=Rehearsal(
        kind="webhook",
        settings=lambda simulator: {
            "url": f"{simulator.http_url}/hook/main",
            "allow_private": True,
            "secret": rehearsal.SECRET,
        },
        recipient="anna",
        faulty="anna!{fault}",
        person=lambda number: f"person-{number}",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "retry",
            "400": "rejected",
            "blocked": "unreachable",
            "deactivated": "unreachable",
            "429": "throttled",
            "html502": "unknown",
            "empty": "accepted",
            "cut": "maybe sent",
            "cut-json": "accepted",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",
        },
        wait=7.0,
        good="can be reached",
        logs_parts=True,
    ),
)


def make(**changes: Any) -> WebhookKind:
    """The kind with the URL of its Case, without a secret, and with these settings."""
    return WebhookKind(WebhookConfig.model_validate({"url": CASE.settings["url"], **changes}))
