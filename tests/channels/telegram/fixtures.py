"""The Bot API: what it answers, and its updates."""

import json
from typing import Any

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.telegram.config import TelegramConfig
from clarion.channels.telegram.kind import TelegramKind
from clarion.transport.messages import HttpReply, SmtpReply

TOKEN = "123456:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"
REHEARSAL_TOKEN = "123456:rehearsal"
SECRET = "hook-secret_of_this_test"


def update(fields: object, secret: str = SECRET) -> HookRequest:
    """A Telegram update with its secret token."""
    raw = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return HookRequest({"x-telegram-bot-api-secret-token": secret}, "", raw, NOW)


def _telegram_error(code: int, description: str, **parameters: object) -> HttpReply:
    body = {"ok": False, "error_code": code, "description": description}
    return reply(code, {**body, "parameters": parameters} if parameters else body)


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
BLOCKED = {
    "update_id": 3,
    "my_chat_member": {
        "chat": {"id": 42, "type": "private"},
        "from": {"id": 42, "first_name": "Anna"},
        "date": int(NOW.timestamp()),
        "old_chat_member": {"user": {"id": 123456, "is_bot": True}, "status": "member"},
        "new_chat_member": {"user": {"id": 123456, "is_bot": True}, "status": "kicked"},
    },
}
CASE = Case(
    kind="telegram",
    settings={"token": TOKEN, "webhook_secret": SECRET},
    secrets=(TOKEN, TOKEN.partition(":")[2], SECRET),
    message=Outgoing("abc-17", 3, "42", "Hello Anna"),
    accepted=reply(200, {"ok": True, "result": {"message_id": 5, "chat": {"id": 42}}}),
    user_ids={
        "42": "42",
        " -100123 ": "-100123",
        "9223372036854775807": "9223372036854775807",
        " @Shop_News ": "@shop_news",
    },
    bad_user_ids={
        "whole number": ("abc", "1.5", "01", "9223372036854775808", "@ab", "@1shop", "@shop-news"),
    },
    id_columns={"id,chat_id": "chat_id", "name,Telegram ID": "Telegram ID"},
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
    others=(lambda: update(BLOCKED),),
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
    rehearsal=Rehearsal(
        kind="telegram",
        settings=lambda simulator: {
            "token": REHEARSAL_TOKEN,
            "api_root": simulator.http_url,
            "webhook_secret": "hush",
        },
        recipient="42",
        faulty="42!{fault}",
        person=lambda number: str(10_000 + number),
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
        good="@simulator_123456_bot",
        wrong={"token": "123456:revoked"},
        bad="BotFather",
        key="",
        logs_parts=True,
    ),
)


def make(**changes: Any) -> TelegramKind:
    """The kind with the settings of its Case, or with these instead."""
    return TelegramKind(TelegramConfig.model_validate({**CASE.settings, **changes}))
