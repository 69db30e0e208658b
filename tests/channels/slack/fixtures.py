"""The Web API and the Events API: what they answer and post, as docs.slack.dev shows it."""

import hmac
import json
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.slack.config import SlackConfig
from clarion.channels.slack.kind import SlackKind
from clarion.transport.messages import HttpReply, SmtpReply

TOKEN = "xoxb-17653672481-19874698323-pdFZKVeTuE8sk7oOcBrzbqgy"
SECRET = "8f742231b10e8888abcd99yyyzzz85a5"
SECONDS = int(NOW.timestamp())


def posted(fields: object, secret: str = SECRET, at: int = SECONDS) -> HookRequest:
    """A callback with its signature v0; bytes are posted as they are."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    mac = hmac.digest(secret.encode(), b"v0:%d:%b" % (at, raw), sha256).hex()
    headers = {"x-slack-signature": f"v0={mac}", "x-slack-request-timestamp": str(at)}
    return HookRequest(headers, "", raw, NOW)


def event(**fields: object) -> dict[str, Any]:
    """An event in its envelope."""
    return {
        "token": "one-long-verification-token",
        "team_id": "T061EG9R6",
        "api_app_id": "A0PNCHHK2",
        "event": fields,
        "type": "event_callback",
        "authorizations": [{"team_id": "T061EG9R6", "user_id": "U0BOT00", "is_bot": True}],
        "event_id": "Ev0PV52K21",
        "event_time": SECONDS,
    }


def error(code: str) -> HttpReply:
    """An error as the Web API answers it."""
    return reply(200, {"ok": False, "error": code})


WRITTEN: dict[str, Any] = {
    "type": "message",
    "channel": "D024BE91L",
    "user": "U2147483697",
    "text": "Stop!",
    "ts": f"{SECONDS - 5}.000005",
    "event_ts": f"{SECONDS - 5}.000005",
    "channel_type": "im",
}
PRESSED = {
    "type": "block_actions",
    "user": {"id": "U2147483697", "username": "anna", "name": "anna", "team_id": "T9TK3CUKW"},
    "api_app_id": "AABA1ABCD",
    "container": {"type": "message", "message_ts": "1548261231.000200", "channel_id": "D024BE91L"},
    "actions": [
        {
            "action_id": "button-0",
            "block_id": "qXNvL",
            "text": {"type": "plain_text", "text": "Yes, please", "emoji": False},
            "value": "yes-7",
            "type": "button",
            "action_ts": f"{SECONDS - 5}.840180",
        }
    ],
}
LEFT = event(type="channel_archive", channel="C024BE91L", user="U2147483697", event_ts=f"{SECONDS}")


def pressed(**fields: object) -> HookRequest:
    """A pressed button, as the form in which Slack posts it."""
    return posted(urlencode({"payload": json.dumps({**PRESSED, **fields})}).encode())


CASE = Case(
    kind="slack",
    settings={"token": TOKEN, "webhook_secret": SECRET},
    secrets=(TOKEN, SECRET),
    message=Outgoing("abc-17", 3, "U2147483697", "Hello Anna"),
    accepted=reply(200, {"ok": True, "channel": "C123ABC456", "ts": "1503435956.000247"}),
    user_ids={"U2147483697": "U2147483697", " c024be91l ": "C024BE91L", "W012A3CDE": "W012A3CDE"},
    bad_user_ids={"begins with": ("anna", "@anna", "42", "X024BE91L", "U"), "empty": ("",)},
    id_columns={"id,slack_id": "slack_id", "name,Member ID": "Member ID"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"ok":true,"cha'), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (reply(500, {"ok": False, "error": "internal_error"}), Refusal.UNKNOWN),
        "internal error": (error("internal_error"), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, b"", retry_after="30"), Refusal.THROTTLED),
        "ratelimited": (error("ratelimited"), Refusal.THROTTLED),
        "bad token": (error("invalid_auth"), Refusal.MISCONFIGURED),
        "no scope": (error("missing_scope"), Refusal.MISCONFIGURED),
        "nobody": (error("channel_not_found"), Refusal.UNREACHABLE),
        "archived": (error("is_archived"), Refusal.UNREACHABLE),
        "too long": (error("msg_too_long"), Refusal.REJECTED),
        "unknown error": (error("brand_new_error"), Refusal.REJECTED),
        "not Slack": (reply(404, HTML), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: posted(event(**WRITTEN)),
    told=(
        Inbound("U2147483697", f"message {SECONDS - 5}.000005", "Stop!", JUST_BEFORE),
        OptOut("U2147483697", "opted_out", JUST_BEFORE),
    ),
    pressed=pressed,
    others=(lambda: posted(LEFT),),
    forged={
        "another secret": lambda: posted(event(**WRITTEN), "another"),
        "the empty secret": lambda: posted(event(**WRITTEN), ""),
        "another body": lambda: replace(posted(event(**WRITTEN)), body=b"{}"),
        "too old": lambda: posted(event(**WRITTEN), at=SECONDS - 301),
        "no signature": lambda: HookRequest({}, "", b"{}", NOW),
    },
    unknown=(
        b'{"type": "url_verification", "challenge": "x"}',
        b'{"type": "event_callback", "event": {"type": "message", "channel_type": "im"}}',
        b'{"type": "event_callback", "event": {"type": "reaction_added", "user": "U1"}}',
        b'{"type": "block_actions", "actions": [7, {"value": "x"}]}',
        b"payload=%7B%22type%22%3A%22view_submission%22%7D",
    ),
    rehearsal=Rehearsal(
        kind="slack",
        settings=lambda simulator: {
            "token": "xoxb-1-2-rehearsal",
            "webhook_secret": SECRET,
            "api_root": f"{simulator.http_url}/slack/api",
        },
        recipient="U42",
        faulty="U42!{fault}",
        person=lambda number: f"U{number:08}",
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
        good="@clarion",
        wrong={"token": "xoxb-1-2-revoked"},
        bad="bot token",
        key="",
        takes_uploads=False,
    ),
)


def make(**changes: Any) -> SlackKind:
    """The kind with the settings of its Case, or with these instead."""
    return SlackKind(SlackConfig.model_validate({**CASE.settings, **changes}))
