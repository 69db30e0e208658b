"""The Viber REST API: what it answers, and its callbacks, from its documentation.

https://creators.viber.com/docs/bots-api (its source: github.com/Viber/creators-hub), and of
``failed_list`` https://developers.viber.com/docs/guides/broadcast-rest-api/.
"""

import hmac
import json
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Receipt, Refusal
from clarion.channels.viber.config import ViberConfig
from clarion.channels.viber.kind import ViberKind
from clarion.transport.messages import HttpReply, SmtpReply

TOKEN = "445da6az1s345z78-dazcczb2542zv51a-e0vc5fva17480im9"
ANNA, BERT = "jc9HsWTZ2Yf2NkRZ8KcNug==", "fd4HsWT33Yf1BkRZ8KcBsk=="
SECONDS_AGO = (int(NOW.timestamp()) - 5) * 1000


def callback(fields: object, token: str = TOKEN) -> HookRequest:
    """A callback with its signature."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    mac = hmac.digest(token.encode(), raw, "sha256").hex()
    return HookRequest({"x-viber-content-signature": mac}, "", raw, NOW)


def event(name: str, **fields: Any) -> HookRequest:
    """The callback of one event, five seconds ago."""
    return callback({"event": name, "timestamp": SECONDS_AGO, "message_token": 491266, **fields})


def status(number: int, words: str = "failure", **fields: Any) -> HttpReply:
    """An error, which comes with the HTTP status 200."""
    return reply(200, {"status": number, "status_message": words, **fields})


def written(text: str, tracking: str = "", **message: Any) -> HookRequest:
    """Anna writes."""
    sender = {"id": ANNA, "name": "Anna Berg", "language": "de", "country": "DE", "api_version": 1}
    fields = {"type": "text", "text": text, "tracking_data": tracking, **message}
    return event("message", sender=sender, message=fields)


ACCEPTED = reply(
    200,
    {
        "status": 0,
        "status_message": "ok",
        "message_token": 5741311803571721087,
        "chat_hostname": "SN-CHAT-05_",
        "billing_status": 1,
    },
)
CASE = Case(
    kind="viber",
    settings={"token": TOKEN, "sender": "Spring shop"},
    secrets=(TOKEN,),
    message=Outgoing("abc-17", 3, ANNA, "Hello Anna"),
    needs_size=frozenset({"file"}),
    accepted=ACCEPTED,
    user_ids={ANNA: ANNA, f" {BERT} ": BERT, "01234567890A=": "01234567890A="},
    bad_user_ids={"looks like": ("+49 151 2345678", "anna", "a" * 200, "jc9HsWTZ2Yf=2NkRZ8KcNug")},
    id_columns={"id,viber_id": "viber_id", "name,Subscriber ID": "Subscriber ID"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"status":0,"status_mess'), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "no token": (status(0, "ok"), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (reply(500), Refusal.UNKNOWN),
        "invalidAuthToken": (status(2, "invalidAuthToken"), Refusal.MISCONFIGURED),
        "badData": (status(3, "badData"), Refusal.REJECTED),
        "not registered": (status(5, "receiverNotRegistered"), Refusal.UNREACHABLE),
        "not subscribed": (status(6, "notSubscribed"), Refusal.UNREACHABLE),
        "bot blocked": (status(7, "publicAccountBlocked"), Refusal.MISCONFIGURED),
        "no webhook": (status(10, "webhookNotSet"), Refusal.MISCONFIGURED),
        "no device": (status(11, "receiverNoSuitableDevice"), Refusal.UNREACHABLE),
        "too many": (status(12, "tooManyRequests"), Refusal.THROTTLED),
        "429": (reply(429, b"", retry_after="7"), Refusal.THROTTLED),
        "not approved": (status(20, "broadcastNotAllowed"), Refusal.REJECTED),
        "no balance": (status(24, "noBalance"), Refusal.MISCONFIGURED),
        "a new status": (status(77, "something new"), Refusal.REJECTED),
        "401": (reply(401), Refusal.MISCONFIGURED),
        "not Viber": (reply(404, HTML), Refusal.MISCONFIGURED),
        "too large": (reply(413, HTML), Refusal.REJECTED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: written("Stop!"),
    told=(
        Inbound(ANNA, "491266", "Stop!", JUST_BEFORE, "Anna Berg", "de"),
        OptOut(ANNA, "opted_out", JUST_BEFORE),
    ),
    others=(
        lambda: event("delivered", user_id=ANNA),
        lambda: event("seen", user_id=ANNA),
        lambda: event("failed", user_id=ANNA, desc="message validation failed"),
        lambda: event("subscribed", user={"id": ANNA, "name": "Anna Berg"}),
        lambda: event("unsubscribed", user_id=ANNA),
    ),
    pressed=lambda: written("Yes, please", json.dumps({"buttons": {"Yes, please": "yes-7"}})),
    forged={
        "another token": lambda: callback({"event": "delivered"}, "another"),
        "no signature": lambda: HookRequest({}, "", b'{"event":"delivered"}', NOW),
        "not even ASCII": lambda: HookRequest(
            {"x-viber-content-signature": "tést\udcff"}, "", b"{}", NOW
        ),
    },
    unknown=(
        b'{"event": "webhook", "timestamp": 1457764197627, "message_token": 241256543215}',
        b'{"event": "conversation_started", "user": {"id": "01234567890A="}, "subscribed": false}',
        b'{"event": "delivered", "user_id": 3}',
        b'{"event": "message", "sender": {"id": "?"}, "message": []}',
        b'{"event": "subscribed", "user": "?"}',
    ),
    rehearsal=Rehearsal(
        kind="viber",
        settings=lambda simulator: {
            "token": "rehearsal-token",
            "sender": "Spring shop",
            "api_root": f"{simulator.http_url}/viber",
            "allow_private": True,
        },
        recipient=ANNA,
        faulty="fd4HsWT33Yf1!{fault}",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "unknown",
            "400": "rejected",
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
        wait=1.0,
        good="Clarion simulator",
        wrong={"token": "revoked-token"},
        bad="admin panel",
        key="",
        logs_parts=True,
        takes_uploads=False,
        keeps_external_id=True,
        person=lambda number: f"{number:010d}Viber==",
    ),
)
RECEIPTS = {
    "delivered": Receipt("delivered", JUST_BEFORE, f"491266:{ANNA}"),
    "seen": Receipt("read", JUST_BEFORE, f"491266:{ANNA}"),
    "failed": Receipt(
        "failed",
        JUST_BEFORE,
        f"491266:{ANNA}",
        reason="Viber reported that the message failed: message validation failed.",
    ),
}


def make(**changes: Any) -> ViberKind:
    """The kind with the settings of its Case, or with these instead."""
    return ViberKind(ViberConfig.model_validate({**CASE.settings, **changes}))
