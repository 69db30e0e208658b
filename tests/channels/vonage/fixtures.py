"""Vonage's Messages API: what it answers, and its signed callbacks.

Answers, statuses and inbound messages: https://developer.vonage.com/en/api/messages, errors:
https://developer.vonage.com/en/api-errors/messages.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any

from channels import rehearsal
from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, without
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.vonage.config import VonageConfig
from clarion.channels.vonage.kind import VonageKind
from clarion.transport.messages import HttpReply, SmtpReply

KEY, API_SECRET, SIGNATURE_SECRET = "abcd1234", "s3cretOfTheAccount", "SignatureSecretOfTheAccount"
UUID = "aaaaaaaa-bbbb-4ccc-8ddd-0123456789ab"
INBOUND_UUID = "bbbbbbbb-bbbb-4ccc-8ddd-0123456789ab"
TIME = JUST_BEFORE.isoformat().replace("+00:00", "Z")
DELIVERED = {
    "message_uuid": UUID,
    "to": "447700900000",
    "from": "447700900001",
    "timestamp": TIME,
    "status": "delivered",
    "client_ref": "abc-17",
    "channel": "sms",
    "destination": {"network_code": "12345"},
    "sms": {"count_total": "2"},
    "usage": {"currency": "EUR", "price": "0.0333"},
}
OPTED_OUT = {
    **DELIVERED,
    "status": "rejected",
    "error": {
        "type": "https://developer.vonage.com/api-errors/messages#1240",
        "title": "1240",
        "detail": "Illegal Number - You tried to send a message to a blacklisted phone number.",
        "instance": "bf0ca0bf927b3b52e3cb03217e1a1ddf",
    },
}
WRITTEN = {
    "channel": "sms",
    "message_uuid": INBOUND_UUID,
    "to": "447700900001",
    "from": "447700900000",
    "timestamp": TIME,
    "text": "Stop!",
    "message_type": "text",
    "sms": {"num_messages": "1", "keyword": "STOP"},
    "usage": {"currency": "EUR", "price": "0.0333"},
}


def _part(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def signed(
    body: object, *, secret: str = SIGNATURE_SECRET, algorithm: str = "HS256", **claims: Any
) -> HookRequest:
    """A callback of Vonage with this body, signed by this test's own hand."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    stated = {
        "iat": int(NOW.timestamp()),
        "jti": "c5ba8f24-1a14-4c10-bfdf-3fbe8ce511b5",
        "iss": "Vonage",
        "payload_hash": hashlib.sha256(raw).hexdigest(),
        "api_key": KEY,
    }
    token = f"{_part({'alg': algorithm, 'typ': 'JWT'})}.{_part(stated | claims)}"
    mac = hmac.new(secret.encode(), token.encode(), hashlib.sha256).digest()
    signature = base64.urlsafe_b64encode(mac).decode().rstrip("=")
    return HookRequest({"authorization": f"Bearer {token}.{signature}"}, "", raw, NOW)


def error(status: int, code: int | str, detail: str = "words", **headers: str) -> HttpReply:
    """An error of the Messages API."""
    kind = f"https://developer.vonage.com/api-errors/messages#{code}"
    body = {"type": kind, "title": "Error", "detail": detail, "instance": "bf0ca0bf927b3b52"}
    return reply(status, body, **headers)


CASE = Case(
    kind="vonage",
    settings={
        "api_key": KEY,
        "api_secret": API_SECRET,
        "webhook_secret": SIGNATURE_SECRET,
        "sender": "447700900001",
    },
    secrets=(API_SECRET, SIGNATURE_SECRET),
    message=Outgoing("abc-17", 3, "447700900000", "Hello Anna"),
    accepted=reply(202, {"message_uuid": UUID}),
    user_ids={
        "447700900000": "447700900000",
        "+49 151 1234-5678": "4915112345678",
        "0033 6 12 34 56 78": "33612345678",
    },
    bad_user_ids={
        "country code": ("491511234567.0", "4.91E+12", "12", "anna"),
        "set the country": ("612345678", "0151 12345678"),
        "6 to 15 digits": ("4" * 16,),
    },
    id_columns={"id,phone": "phone", "name,Mobile": "Mobile"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(202, b'{"message_uuid":"aa'), Refusal.UNKNOWN),
        "202 without an id": (reply(202, {}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(500, 1030), Refusal.UNKNOWN),
        "internal error": (error(400, 1030), Refusal.UNKNOWN),
        "429": (error(429, 1000), Refusal.THROTTLED),
        "429 with Retry-After": (error(429, 1000, retry_after="3"), Refusal.THROTTLED),
        "429 in HTML": (reply(429, HTML), Refusal.THROTTLED),
        "one number": (error(422, 1241), Refusal.THROTTLED),
        "communication failed": (error(400, 1100), Refusal.RETRY),
        "401": (reply(401, {"title": "Unauthorized", "detail": "no"}), Refusal.MISCONFIGURED),
        "402": (reply(402, {"title": "Low balance", "detail": "no"}), Refusal.MISCONFIGURED),
        "quota": (error(400, 1070), Refusal.MISCONFIGURED),
        "opted out": (error(422, 1240), Refusal.UNREACHABLE),
        "bad number": (error(422, 1170), Refusal.UNREACHABLE),
        "422": (error(422, "InvalidParams", "Your request did not validate"), Refusal.REJECTED),
        "sender": (error(422, 1120), Refusal.REJECTED),
        "not Vonage": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: signed(WRITTEN),
    told=(
        Inbound("447700900000", INBOUND_UUID, "Stop!", JUST_BEFORE),
        OptOut("447700900000", "opted_out", JUST_BEFORE),
    ),
    others=(lambda: signed(DELIVERED), lambda: signed(OPTED_OUT)),
    forged={
        "another secret": lambda: signed(WRITTEN, secret="another"),
        "the empty secret": lambda: signed(WRITTEN, secret=""),
        "another body": lambda: replace(signed(WRITTEN), body=b"{}"),
        "no hash of the body": lambda: signed(WRITTEN, payload_hash=""),
        "another algorithm": lambda: signed(WRITTEN, algorithm="none"),
        "no signature": lambda: without(signed(WRITTEN), "authorization"),
        "not even ASCII": lambda: HookRequest({"authorization": "é.\udcff.x"}, "", b"{}", NOW),
    },
    unknown=(
        b'{"message_uuid": "a", "status": "submitted"}',
        b'{"message_uuid": "a", "status": []}',
        b'{"message_uuid": "a", "status": "teleported"}',
        b'{"message_uuid": "a", "channel": "whatsapp", "from": "447700900000", "text": "Hi"}',
        b'{"message_uuid": "a", "from": "Shop", "text": "Hi"}',
    ),
    rehearsal=Rehearsal(
        kind="vonage",
        settings=lambda simulator: {
            "api_key": KEY,
            "api_secret": API_SECRET,
            "webhook_secret": rehearsal.SECRET,
            "sender": "447700900001",
            "api_root": f"{simulator.http_url}/vonage",
            "allow_private": True,
        },
        recipient="491711",
        faulty="491711!{fault}",
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
        good="The balance is 10.28 EUR",
        wrong={"api_secret": "revoked"},
        bad="does not accept the login",
        takes_uploads=False,
        keeps_external_id=True,
        person=lambda number: f"49171{number:07d}",
    ),
)


def make(**changes: Any) -> VonageKind:
    """The kind with the settings of its Case, or with these instead."""
    return VonageKind(VonageConfig.model_validate({**CASE.settings, **changes}))
