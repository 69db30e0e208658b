"""The LINE Messaging API: what it answers, and its callbacks, from its documentation.

https://developers.line.biz/en/reference/messaging-api/, and of 409 and 429
…/docs/messaging-api/retrying-api-request/ and …/handling-http-429-errors/.
"""

import hmac
import json
from base64 import b64encode
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.line.config import LineConfig
from clarion.channels.line.kind import LineKind
from clarion.transport.messages import HttpReply, SmtpReply

TOKEN = "line-access-token/of+this=test"
SECRET = "8c570fa6dd201bb328f1c1eac23a96d8"
ANNA, BERT = "U4af4980629b1f9a1b8b8f0c5d2c1e3f0", "U0c229f96c4e8b1c0a3e9d8b7a6f5e4d3"


def callback(*events: object, secret: str = SECRET, raw: bytes = b"") -> HookRequest:
    """A callback with its signature."""
    whole = {"destination": "U00000000000000000000000000000000", "events": events}
    body = raw or json.dumps(whole).encode()
    mac = b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
    return HookRequest({"x-line-signature": mac}, "", body, NOW)


def event(name: str, person: str = ANNA, **fields: Any) -> dict[str, Any]:
    """One event, five seconds ago."""
    return {
        "type": name,
        "mode": "active",
        "timestamp": (int(NOW.timestamp()) - 5) * 1000,
        "source": {"type": "user", "userId": person},
        "webhookEventId": "01FZ74A0TDDPYRVKNK77XKC3ZR",
        "deliveryContext": {"isRedelivery": False},
        **fields,
    }


def text(words: str) -> dict[str, Any]:
    """Anna writes."""
    message = {"type": "text", "id": "444573844083572737", "text": words, "quoteToken": "q3Plxr4"}
    return event("message", replyToken="nHuyWiB7yP5Zw52FIkcQobQuGDXCTA", message=message)


def error(status: int, words: str, **fields: Any) -> HttpReply:
    """An error reply."""
    return reply(status, {"message": words, **fields})


CASE = Case(
    kind="line",
    settings={"token": TOKEN, "secret": SECRET},
    secrets=(TOKEN, SECRET),
    message=Outgoing("abc-17", 3, ANNA, "Hello Anna"),
    accepted=reply(
        200, {"sentMessages": [{"id": "461230966842064897", "quoteToken": "IStG5h1Tz7b"}]}
    ),
    user_ids={ANNA: ANNA, f" {BERT} ": BERT},
    bad_user_ids={"U and 32": ("anna", "C" + ANNA[1:], ANNA.upper(), ANNA[:-1], "@anna")},
    id_columns={"id,line_id": "line_id", "name,LINE user id": "LINE user id"},
    replies={
        "multicast": (reply(200, b"{}"), None),
        "accepted before": (
            error(409, "The retry key is already accepted", sentMessages=[{"id": "4612"}]),
            None,
        ),
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"sentMessages":[{"i'), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(500, "Internal server error"), Refusal.UNKNOWN),
        "429": (
            error(429, "The API rate limit has been exceeded. Try again later."),
            Refusal.THROTTLED,
        ),
        "quota": (error(429, "You have reached your monthly limit."), Refusal.MISCONFIGURED),
        "401": (
            error(401, "Authentication failed. Confirm that the access token is valid."),
            Refusal.MISCONFIGURED,
        ),
        "403": (
            error(403, "Access to this API is not available for your account"),
            Refusal.MISCONFIGURED,
        ),
        "no such user": (error(400, "Failed to send messages"), Refusal.UNREACHABLE),
        "wrong to": (
            error(400, "The property, 'to', in the request body is invalid (line: -, column: -)"),
            Refusal.UNREACHABLE,
        ),
        "400": (
            error(
                400,
                "The request body has 1 error(s)",
                details=[{"message": "May not be empty", "property": "messages[0].text"}],
            ),
            Refusal.REJECTED,
        ),
        "not LINE": (reply(404, HTML), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: callback(text("Stop!")),
    told=(
        Inbound(ANNA, "444573844083572737", "Stop!", JUST_BEFORE),
        OptOut(ANNA, "opted_out", JUST_BEFORE),
    ),
    others=(
        lambda: callback(event("follow", follow={"isUnblocked": False})),
        lambda: callback(event("unfollow")),
    ),
    pressed=lambda: callback(event("postback", postback={"data": "yes-7\nYes, please"})),
    forged={
        "another secret": lambda: callback(text("Stop!"), secret="another"),
        "the empty secret": lambda: callback(text("Stop!"), secret=""),
        "no signature": lambda: HookRequest({}, "", b'{"events":[]}', NOW),
        "not even ASCII": lambda: HookRequest({"x-line-signature": "tést\udcff"}, "", b"{}", NOW),
    },
    unknown=(
        b'{"destination": "U0", "events": []}',
        b'{"events": [{"type": "message", "source": {"type": "group", "groupId": "C1"}}]}',
        b'{"events": [{"type": "beacon", "source": {"type": "user", "userId": "'
        + ANNA.encode()
        + b'"}}]}',
        b'{"events": [{"type": "message", "message": [], "source": {"userId": 3}}, 7]}',
    ),
    rehearsal=Rehearsal(
        kind="line",
        settings=lambda simulator: {
            "token": "rehearsal-token",
            "secret": "hush",
            "api_root": f"{simulator.http_url}/line",
            "allow_private": True,
        },
        recipient=ANNA,
        faulty="U0c229f96!{fault}",
        faults={
            "ok": "accepted",
            "slow": "accepted",
            "500": "unknown",
            "400": "unreachable",
            # LINE does not say who has blocked the account.
            "blocked": "accepted",
            "deactivated": "accepted",
            "429": "throttled",
            "html502": "unknown",
            "empty": "unknown",
            "cut": "maybe sent",
            "cut-json": "unknown",
            "garbage": "maybe sent",
            "reset-after": "maybe sent",
            "reset-before": "maybe sent",
        },
        wait=1.0,  # LINE does not say for how long
        good="Clarion simulator",
        wrong={"token": "revoked-token"},
        bad="Developers Console",
        key="bb180b48-a986-57c1-99c8-053b119dde42",
        logs_parts=True,
        takes_uploads=False,
        person=lambda number: f"U{number:032x}",
    ),
)


def make(**changes: Any) -> LineKind:
    """The kind with the settings of its Case, or with these instead."""
    return LineKind(LineConfig.model_validate({**CASE.settings, **changes}))
