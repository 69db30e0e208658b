"""What the contract test knows of each kind: how to make one, and what its provider says."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from clarion.channels.contract import (
    ChannelKind,
    Event,
    HookRequest,
    Inbound,
    OptOut,
    Outcome,
    Outgoing,
    Receipt,
    Refusal,
    Refused,
    Reply,
)
from clarion.channels.registry import kind_class
from clarion.transport.messages import HttpReply, SmtpReply

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HTML = b"<html><head><title>502 Bad Gateway</title></head><body><h1>502</h1></body></html>"
WEBHOOK_KEY = b"a key of this test and no other"
WEBHOOK_SECRET = "whsec_" + base64.b64encode(WEBHOOK_KEY).decode()
TELEGRAM_TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
TELEGRAM_SECRET = "hook-secret_of_this_test"
WHATSAPP_TOKEN = "EAAGm0PX4ZCpsBO7pqtestonly"
WHATSAPP_SECRET = "c0ffee00c0ffee00c0ffee00c0ffee00"
WHATSAPP_VERIFY = "verify-token-of-this-test"
PHONE_NUMBER_ID = "106540352242922"
PASSWORD = "correct horse battery staple 4711"


@dataclass(frozen=True)
class Case:
    """One kind under test."""

    kind: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    message: Outgoing
    accepted: Reply
    replies: Mapping[str, tuple[Reply, Refusal | None]]  # None: accepted
    hook: Callable[[], HookRequest] | None = None  # a good callback
    told: tuple[Event, ...] = ()  # what it tells
    forged: Mapping[str, Callable[[], HookRequest]] = field(default_factory=dict)
    pressed: Callable[[], HookRequest] | None = None  # “Yes, please” with the value yes-7
    unknown: tuple[bytes, ...] = ()  # bodies in the provider's form that mean nothing to us

    def make(self, **changes: Any) -> ChannelKind:
        """The kind, configured."""
        kind = kind_class(self.kind)
        return kind(kind.Config.model_validate({**self.settings, **changes}))

    def with_body(self, body: bytes) -> HookRequest:
        """A callback with that body; whether it is signed does not matter to `events`."""
        return HookRequest({"webhook-id": "msg_1"}, "", body, NOW)


def reply(status: int, body: object = b"", **headers: str) -> HttpReply:
    """An HTTP reply; a body that is not bytes goes as JSON, `retry_after` names Retry-After."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return HttpReply(status, {k.replace("_", "-"): v for k, v in headers.items()}, raw)


def refusal_of(outcome: Outcome) -> Refusal | None:
    """The class of an outcome, None for an accepted one."""
    return outcome.refusal if isinstance(outcome, Refused) else None


def signed(body: object, key: bytes = WEBHOOK_KEY, at: datetime = NOW) -> HookRequest:
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


def update(fields: object, secret: str = TELEGRAM_SECRET) -> HookRequest:
    """A Telegram update with its secret token."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return HookRequest({"x-telegram-bot-api-secret-token": secret}, "", raw, NOW)


def meta(
    *changes: dict[str, Any],
    secret: str = WHATSAPP_SECRET,
    number: str = PHONE_NUMBER_ID,
    field: str = "messages",
) -> HookRequest:
    """A callback of WhatsApp with these changes, signed by this test's own hand."""
    about = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
    }
    found = [{"field": field, "value": {**about, **change}} for change in changes]
    entry = [{"id": "102290129340398", "changes": found}]
    raw = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    return meta_signed(raw, secret)


def meta_signed(raw: bytes, secret: str = WHATSAPP_SECRET) -> HookRequest:
    """A callback with exactly that body, signed as Meta does."""
    mac = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return HookRequest({"x-hub-signature-256": f"sha256={mac}"}, "", raw, NOW)


def without(hook: HookRequest, *names: str) -> HookRequest:
    """The same callback without these headers."""
    return replace(hook, headers={k: v for k, v in hook.headers.items() if k not in names})


def _telegram_error(code: int, description: str, **parameters: object) -> HttpReply:
    body = {"ok": False, "error_code": code, "description": description}
    return reply(code, {**body, "parameters": parameters} if parameters else body)


DELIVERED = {
    "type": "message.delivered",
    "timestamp": "2026-11-22T11:59:30Z",
    "data": {"id": "abc-17", "to": "anna", "sim_id": "sim-1"},
}
WRITTEN = {
    "update_id": 1,
    "message": {
        "message_id": 77,
        "from": {"id": 42, "first_name": "Anna", "last_name": "Berg", "language_code": "de"},
        "chat": {"id": 42, "type": "private"},
        "date": int(NOW.timestamp()) - 5,
        "text": "Stop!",
    },
}
WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3N0Y5QzQA"
TOLD_AND_WRITTEN = (
    {
        "statuses": [
            {
                "id": WAMID,
                "status": "delivered",
                "timestamp": str(int(NOW.timestamp()) - 5),
                "recipient_id": "16505551234",
                "biz_opaque_callback_data": "abc-17",
            }
        ]
    },
    {
        "contacts": [{"profile": {"name": "Anna Berg"}, "wa_id": "16505551234"}],
        "messages": [
            {
                "from": "16505551234",
                "id": "wamid.in-1",
                "timestamp": str(int(NOW.timestamp()) - 5),
                "type": "text",
                "text": {"body": "Stop!"},
            }
        ],
    },
)
PRESSED = {
    "update_id": 2,
    "callback_query": {
        "id": "180388626433452",
        "from": {"id": 42, "first_name": "Anna", "language_code": "de"},
        "message": {
            "message_id": 78,
            "chat": {"id": 42, "type": "private"},
            "date": int(NOW.timestamp()) - 60,
            "reply_markup": {
                "inline_keyboard": [
                    [{"text": "Look", "url": "https://shop.example/look"}],
                    [{"text": "Yes, please", "callback_data": "yes-7"}],
                ]
            },
        },
        "chat_instance": "1",
        "data": "yes-7",
    },
}
JUST_BEFORE = datetime(2026, 11, 22, 11, 59, 55, tzinfo=UTC)

WEBHOOK = Case(
    kind="webhook",
    settings={"url": "https://receiver.example/messages", "secret": WEBHOOK_SECRET},
    secrets=(WEBHOOK_SECRET, WEBHOOK_KEY.decode()),
    message=Outgoing("abc-17", 3, "anna", "Hello Anna", "Spring", "Anna"),
    accepted=reply(200, {"id": "sim-1"}),
    replies={
        "empty 200": (reply(200), None),
        "204": (reply(204), None),
        "cut JSON": (reply(200, b'{"id": "sim-'), None),
        "HTML 200": (reply(200, HTML), None),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "504": (reply(504), Refusal.UNKNOWN),
        "500": (reply(500, {"error": "internal error"}), Refusal.RETRY),
        "503": (reply(503), Refusal.RETRY),
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
    forged={
        "another key": lambda: signed(DELIVERED, b"another key"),
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
)
TELEGRAM = Case(
    kind="telegram",
    settings={"token": TELEGRAM_TOKEN, "webhook_secret": TELEGRAM_SECRET},
    secrets=(TELEGRAM_TOKEN, TELEGRAM_TOKEN.partition(":")[2], TELEGRAM_SECRET),
    message=Outgoing("abc-17", 3, "42", "Hello Anna"),
    accepted=reply(200, {"ok": True, "result": {"message_id": 5, "chat": {"id": 42}}}),
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"ok":true,"result":{"mess'), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "504": (reply(504, HTML), Refusal.UNKNOWN),
        "500": (_telegram_error(500, "Internal Server Error"), Refusal.UNKNOWN),
        "429": (_telegram_error(429, "Too Many Requests"), Refusal.THROTTLED),
        "429 with retry_after": (
            _telegram_error(429, "Too Many Requests: retry after 3", retry_after=3),
            Refusal.THROTTLED,
        ),
        "401": (_telegram_error(401, "Unauthorized"), Refusal.MISCONFIGURED),
        "400": (_telegram_error(400, "Bad Request: wrong parameter"), Refusal.REJECTED),
        "blocked": (
            _telegram_error(403, "Forbidden: bot was blocked by the user"),
            Refusal.UNREACHABLE,
        ),
        "not a Bot API server": (reply(404, HTML), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: update(WRITTEN),
    told=(
        Inbound("42", "77", "Stop!", JUST_BEFORE, "Anna Berg", "de"),
        OptOut("42", "opted_out", JUST_BEFORE),
    ),
    pressed=lambda: update(PRESSED),
    forged={
        "another secret": lambda: update(WRITTEN, "another"),
        "no secret": lambda: HookRequest({}, "", b"{}", NOW),
        "not even ASCII": lambda: update(WRITTEN, "hook-secret_of_this_tést\udcff"),
    },
    unknown=(
        b'{"update_id": 1, "edited_message": {"message_id": 3}}',
        b'{"update_id": 1, "poll": {}}',
        b'{"update_id": 1, "message": {"chat": {"id": -5, "type": "group"}, "message_id": 1}}',
        b'{"update_id": 1, "message": {"chat": "?", "message_id": [], "from": 3}}',
    ),
)


def _graph_error(status: int, code: int, message: str = "(#1) words", **more: Any) -> HttpReply:
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    return reply(status, {"error": {**error, **more}})


WHATSAPP = Case(
    kind="whatsapp",
    settings={
        "phone_number_id": PHONE_NUMBER_ID,
        "token": WHATSAPP_TOKEN,
        "app_secret": WHATSAPP_SECRET,
        "verify_token": WHATSAPP_VERIFY,
    },
    secrets=(WHATSAPP_TOKEN, WHATSAPP_SECRET, WHATSAPP_VERIFY),
    message=Outgoing("abc-17", 3, "16505551234", "Hello Anna"),
    accepted=reply(200, {"messaging_product": "whatsapp", "messages": [{"id": WAMID}]}),
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"messages":[{"id":"wam'), Refusal.UNKNOWN),
        "200 without an id": (reply(200, {"messages": []}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "504": (reply(504, HTML), Refusal.UNKNOWN),
        "500": (_graph_error(500, 131000), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
        "rate": (_graph_error(400, 130429), Refusal.THROTTLED),
        "pair": (_graph_error(400, 131056), Refusal.THROTTLED),
        "401": (_graph_error(401, 190), Refusal.MISCONFIGURED),
        "400": (_graph_error(400, 131009), Refusal.REJECTED),
        "nobody": (_graph_error(400, 131026), Refusal.UNREACHABLE),
        "not the Graph API": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: meta(*TOLD_AND_WRITTEN),
    told=(
        Receipt("delivered", JUST_BEFORE, WAMID, "abc-17"),
        Inbound("16505551234", "wamid.in-1", "Stop!", JUST_BEFORE, "Anna Berg"),
        OptOut("16505551234", "opted_out", JUST_BEFORE),
    ),
    pressed=lambda: meta(
        {
            "messages": [
                {
                    "from": "16505551234",
                    "id": "wamid.in-2",
                    "type": "interactive",
                    "interactive": {
                        "type": "button_reply",
                        "button_reply": {"id": "yes-7", "title": "Yes, please"},
                    },
                }
            ]
        }
    ),
    forged={
        "another secret": lambda: meta(*TOLD_AND_WRITTEN, secret="another"),
        "another body": lambda: replace(meta(*TOLD_AND_WRITTEN), body=b"{}"),
        "no signature": lambda: without(meta(*TOLD_AND_WRITTEN), "x-hub-signature-256"),
        "not even ASCII": lambda: HookRequest({"x-hub-signature-256": "é\udcff"}, "", b"{}", NOW),
    },
    unknown=(
        b'{"object": "whatsapp_business_account", "entry": []}',
        b'{"object": "whatsapp_business_account", "entry": [{"changes": [{"field": "flows"}]}]}',
        b'{"object": "whatsapp_business_account", "entry": [3, {"changes": [4, {"value": [5]}]}]}',
        meta({"statuses": [{"id": WAMID, "status": "sent"}], "messages": [{"type": []}]}).body,
    ),
)
EMAIL = Case(
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
)
CASES = {case.kind: case for case in (WEBHOOK, TELEGRAM, WHATSAPP, EMAIL)}
