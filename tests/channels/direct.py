"""What the fixtures of the kinds with direct messages share: callbacks of the Send API's form.

Forms as …/messenger-platform/webhooks/webhook-events and …/instagram-messaging/webhooks of
https://developers.facebook.com/documentation/business-messaging give them.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from channels import rehearsal
from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, without
from channels.graph import SECRET, graph_error, signed
from channels.rehearsal import Rehearsal
from clarion.channels.contract import (
    Event,
    HookRequest,
    Inbound,
    OptOut,
    Outgoing,
    Refusal,
)
from clarion.transport.messages import SmtpReply

ACCOUNT = "180005062406476"
PERSON = "6042117739217763"
TOKEN = "EAAGm0PX4ZCpsBO7pagetestonly"
VERIFY_TOKEN = "verify-token-of-this-test"
MID = "m_AG5Hz2Uq7tuwNEhXfYYKj8mJEM"
JUST_BEFORE_MS = round(JUST_BEFORE.timestamp() * 1_000)


def item(*, person: str = PERSON, at: int | None = JUST_BEFORE_MS, **part: Any) -> dict[str, Any]:
    """One event about a person."""
    about = {"sender": {"id": person}, "recipient": {"id": ACCOUNT}, **part}
    return about if at is None else {**about, "timestamp": at}


def callback(
    about: str, *items: Mapping[str, Any], account: str = ACCOUNT, secret: str = SECRET
) -> HookRequest:
    """A callback with these events, signed."""
    entry = [{"id": account, "time": JUST_BEFORE_MS, "messaging": list(items)}]
    return signed(json.dumps({"object": about, "entry": entry}).encode(), secret)


def case(kind: str, about: str, seen: Mapping[str, Any], told: Event, **more: Any) -> Case:
    """The Case of a kind. ``seen``: what says that a message was seen; ``told``: what it tells."""
    written = item(message={"mid": "m_in-1", "text": "Stop!"})
    pressed = {"mid": "m_in-2", "title": "Yes, please", "payload": "yes-7"}
    both = (item(**seen), written)
    return Case(
        kind=kind,
        settings={
            "account_id": ACCOUNT,
            "token": TOKEN,
            "app_secret": SECRET,
            "verify_token": VERIFY_TOKEN,
        },
        secrets=(TOKEN, SECRET, VERIFY_TOKEN),
        message=Outgoing("abc-17", 3, PERSON, "Hello Anna"),
        accepted=reply(200, {"recipient_id": PERSON, "message_id": MID}),
        user_ids={PERSON: PERSON, f" {PERSON}\n": PERSON, "12345": "12345"},
        bad_user_ids={"5 to 30 digits": ("+49 151 1234567", "1234", "6.04E+15", "anna", "5" * 31)},
        replies=_REPLIES,
        hook=lambda: callback(about, *both),
        told=(
            told,
            Inbound(PERSON, "m_in-1", "Stop!", JUST_BEFORE),
            OptOut(PERSON, "opted_out", JUST_BEFORE),
        ),
        pressed=lambda: callback(about, item(postback=pressed)),
        forged={
            "another secret": lambda: callback(about, *both, secret="another"),
            "the empty secret": lambda: callback(about, *both, secret=""),
            "another body": lambda: replace(callback(about, *both), body=b"{}"),
            "no signature": lambda: without(callback(about, *both), "x-hub-signature-256"),
            "not ASCII": lambda: HookRequest({"x-hub-signature-256": "é\udcff"}, "", b"{}", NOW),
        },
        unknown=(
            f'{{"object": "{about}", "entry": []}}'.encode(),
            f'{{"object": "{about}", "entry": [3, {{"messaging": [4, {{}}]}}]}}'.encode(),
            callback(about, item(message={"mid": MID, "text": "Hi", "is_echo": True})).body,
            callback(about, item(message={"mid": MID, "is_deleted": True})).body,
            callback(about, item(reaction={"mid": MID, "action": "unreact"})).body,
            callback(about, item(referral={"ref": "x"}), item(message={"text": "no id"})).body,
            callback(about, item(message={"mid": MID, "text": "Hi"}), account="7").body,
        ),
        rehearsal=Rehearsal(
            kind=kind,
            settings=lambda simulator: {
                "account_id": ACCOUNT,
                "token": f"EAArehearsal.{ACCOUNT}",
                "app_secret": rehearsal.SECRET,
                "verify_token": "try-me",
                "api_root": f"{simulator.http_url}/{kind}/v26.0",
                "allow_private": True,
            },
            recipient=PERSON,
            faulty=f"{PERSON}!{{fault}}",
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
            good="The token is valid.",
            wrong={"token": "EAArevoked"},
            bad="does not accept the access token",
            takes_uploads=False,
            keeps_external_id=True,
            key="",
            person=lambda number: f"60421{number:012}",
        ),
        **more,
    )


_REPLIES = {
    "empty 200": (reply(200), Refusal.UNKNOWN),
    "cut JSON": (reply(200, b'{"recipient_id":"6042'), Refusal.UNKNOWN),
    "200 without an id": (reply(200, {"recipient_id": PERSON}), Refusal.UNKNOWN),
    "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
    "504": (reply(504, HTML), Refusal.UNKNOWN),
    "500": (graph_error(500, 2), Refusal.UNKNOWN),
    "for the moment": (graph_error(500, 1200), Refusal.RETRY),
    "429": (reply(429), Refusal.THROTTLED),
    "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
    "app": (graph_error(403, 4), Refusal.THROTTLED),
    "page": (graph_error(400, 32), Refusal.THROTTLED),
    "account": (graph_error(400, 613), Refusal.THROTTLED),
    "day": (graph_error(400, 80006), Refusal.THROTTLED),
    "window": (graph_error(400, 10, error_subcode=2018278), Refusal.REJECTED),
    "window by words": (
        graph_error(400, 10, "(#10) This message is sent outside of allowed window."),
        Refusal.REJECTED,
    ),
    "not receiving": (graph_error(400, 10, error_subcode=2018108), Refusal.UNREACHABLE),
    "blocked, as it was once reported": (
        graph_error(400, 200, "(#200) This person isn't receiving messages from you right now."),
        Refusal.UNREACHABLE,
    ),
    "not available": (graph_error(400, 551, error_subcode=1545041), Refusal.UNREACHABLE),
    "nobody": (graph_error(400, 100, error_subcode=2018001), Refusal.UNREACHABLE),
    "not downloaded": (graph_error(400, 100, error_subcode=2018008), Refusal.RETRY),
    "400": (graph_error(400, 100), Refusal.REJECTED),
    "401": (graph_error(401, 190), Refusal.MISCONFIGURED),
    "no permission": (graph_error(403, 10), Refusal.MISCONFIGURED),
    "not approved": (graph_error(403, 200, error_subcode=2018028), Refusal.MISCONFIGURED),
    "restricted": (graph_error(400, 368), Refusal.MISCONFIGURED),
    "not the Graph API": (reply(404, HTML), Refusal.MISCONFIGURED),
    "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
    "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
}
