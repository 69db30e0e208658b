"""The HTTP API and the Interactions endpoint, as docs.discord.com/developers shows them."""

import json
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from channels.fixtures import HTML, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.discord.config import DiscordConfig
from clarion.channels.discord.kind import DiscordKind
from clarion.channels.discord.requests import nonce_of
from clarion.transport.messages import HttpReply, SmtpReply
from clarion_simulator import discord as simulated

TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33)))
SECONDS = int(NOW.timestamp())
CHANNEL, USER = "155101607195836416", "80351110224678912"


def public(key: Ed25519PrivateKey) -> str:
    """The public key as Discord shows it."""
    return key.public_key().public_bytes_raw().hex()


def posted(fields: object, key: Ed25519PrivateKey = KEY, at: int = SECONDS) -> HookRequest:
    """An interaction with its signature."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    signature = key.sign(str(at).encode() + raw).hex()
    headers = {"x-signature-ed25519": signature, "x-signature-timestamp": str(at)}
    return HookRequest(headers, "", raw, NOW)


def error(status: int, code: int, message: str = "Refused") -> HttpReply:
    """An error as the API answers it."""
    return reply(status, {"message": message, "code": code})


INTERACTION: dict[str, Any] = {
    "id": "846462639134605312",
    "application_id": "845027738276462632",
    "channel_id": CHANNEL,
    "context": 1,
    "user": {"id": USER, "username": "anna", "global_name": "Anna Berg"},
    "locale": "de",
    "token": "unique_interaction_token",
    "version": 1,
}
STOP = {**INTERACTION, "type": 2, "data": {"id": "1", "name": "stop", "type": 1}}
PRESSED = {
    **INTERACTION,
    "type": 3,
    "data": {"component_type": 2, "custom_id": "yes-7"},
    "message": {
        "id": "845801038871527485",
        "components": [
            {
                "type": 1,
                "components": [
                    {"type": 2, "style": 5, "label": "Look", "url": "https://shop.example/"},
                    {"type": 2, "style": 1, "label": "Yes, please", "custom_id": "yes-7"},
                ],
            }
        ],
    },
}
MESSAGE = {"id": "334385199974967042", "channel_id": CHANNEL, "content": "Hello Anna", "type": 0}
OPENED = {"id": CHANNEL, "type": 1, "last_message_id": None, "recipients": [{"id": USER}]}
CASE = Case(
    kind="discord",
    settings={"token": TOKEN, "public_key": public(KEY)},
    secrets=(TOKEN,),
    message=Outgoing("abc-17", 3, CHANNEL, "Hello Anna"),
    accepted=reply(200, MESSAGE),
    user_ids={
        CHANNEL: CHANNEL,
        f" user:{USER} ": f"user:{USER}",
        f"User: {USER}": f"user:{USER}",
    },
    bad_user_ids={"whole number": ("anna", "user:", "1.5", "-5", "99999999999999999999")},
    id_columns={"id,discord_id": "discord_id", "name,Channel ID": "Channel ID"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"id":"33438'), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(500, 0), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with retry_after": (
            reply(429, {"message": "…", "retry_after": 1.337, "global": False}),
            Refusal.THROTTLED,
        ),
        "opening too fast": (error(403, 40003), Refusal.THROTTLED),
        "opened": (reply(200, OPENED), Refusal.THROTTLED),
        "no direct messages": (error(403, 50007), Refusal.UNREACHABLE),
        "no common server": (error(403, 50278), Refusal.UNREACHABLE),
        "no access": (error(403, 50001), Refusal.UNREACHABLE),
        "no channel": (error(404, 10003), Refusal.UNREACHABLE),
        "too long": (error(400, 50035), Refusal.REJECTED),
        "unknown error": (error(400, 59999), Refusal.REJECTED),
        "bad token": (error(401, 0, "401: Unauthorized"), Refusal.MISCONFIGURED),
        "not Discord": (reply(404, HTML), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: posted(STOP),
    told=(
        Inbound(
            CHANNEL,
            "interaction 846462639134605312",
            "/stop",
            NOW,
            "Anna Berg",
            "de",
            aliases=(f"user:{USER}",),
        ),
        OptOut(CHANNEL, "opted_out", NOW),
    ),
    pressed=lambda: posted(PRESSED),
    forged={
        "another key": lambda: posted(STOP, OTHER),
        "another body": lambda: replace(posted(STOP), body=b"{}"),
        "too old": lambda: posted(STOP, at=SECONDS - 301),
        "no signature": lambda: HookRequest({}, "", b"{}", NOW),
    },
    unknown=(
        b'{"type": 1}',
        b'{"type": 4, "data": {}}',
        b'{"type": 3, "data": {"custom_id": "x"}, "user": {"id": "abc"}}',
        b'{"type": 2, "data": "x", "member": []}',
    ),
    rehearsal=Rehearsal(
        kind="discord",
        settings=lambda simulator: {
            "token": "rehearsal-of-a-bot-token",
            "public_key": public(simulated.KEY),
            "api_root": f"{simulator.http_url}/discord",
        },
        recipient="10042",
        faulty="10042!{fault}",
        person=lambda number: f"user:{100_000 + number}",
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
        good="The bot is clarion",
        wrong={"token": "revoked-token-of-a-bot"},
        bad="bot token",
        key=nonce_of("abc-17"),
        takes_uploads=False,
    ),
)


def make(**changes: Any) -> DiscordKind:
    """The kind with the settings of its Case, or with these instead."""
    return DiscordKind(DiscordConfig.model_validate({**CASE.settings, **changes}))
