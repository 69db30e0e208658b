"""VK's API and its Callback API, as dev.vk.com shows them."""

import json
from typing import Any
from urllib.parse import parse_qsl

from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.vk.config import VkConfig
from clarion.channels.vk.kind import VkKind
from clarion.channels.vk.requests import random_id
from clarion.transport.messages import HttpReply, HttpRequest, SmtpReply

TOKEN = "vk1.a.533bacf01e11f55b536a565b57531ad114461ae8736d6506a3"
SECRET = "aaQ13axAPQEcczQa"
GROUP = "237300"
SECONDS = int(NOW.timestamp())


def posted(type_: str, about: object = None, secret: str | None = SECRET) -> HookRequest:
    """An event of the Callback API."""
    whole = {"type": type_, "object": about or {}, "group_id": int(GROUP), "v": "5.199"}
    whole |= {"event_id": "f257fe3d8d", **({} if secret is None else {"secret": secret})}
    return HookRequest({}, "", json.dumps(whole).encode(), NOW)


def written(**fields: object) -> dict[str, Any]:
    """A message of a person, as the object of message_new."""
    message = {
        "date": SECONDS - 5,
        "from_id": 42,
        "id": 101,
        "out": 0,
        "version": 10_000_123,
        "peer_id": 42,
        "conversation_message_id": 77,
        "text": "Stop!",
        "attachments": [],
        **fields,
    }
    return {"message": message, "client_info": {"inline_keyboard": True, "lang_id": 0}}


def error(code: int, text: str = "Refused") -> HttpReply:
    """An error as the API answers it."""
    return reply(200, {"error": {"error_code": code, "error_msg": text, "request_params": []}})


def opened(request: HttpRequest) -> bytes:
    """The form as a person could read it."""
    fields: dict[str, Any] = dict(parse_qsl(request.body.decode(), keep_blank_values=True))
    if "keyboard" in fields:
        keyboard = fields["keyboard"] = json.loads(fields["keyboard"])
        for row in keyboard["buttons"]:
            for key in row:
                if "payload" in key["action"]:
                    key["action"]["payload"] = json.loads(key["action"]["payload"])
    return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")


CASE = Case(
    kind="vk",
    settings={
        "group_id": GROUP,
        "token": TOKEN,
        "confirmation": "de2ad7ab",
        "webhook_secret": SECRET,
    },
    secrets=(TOKEN, SECRET),
    message=Outgoing("abc-17", 3, "42", "Hello Anna"),
    accepted=reply(200, {"response": 101}),
    user_ids={"42": "42", " id42 ": "42", "2000000001": "2000000001"},
    bad_user_ids={"whole number": ("anna", "-5", "0", "1.5", "99999999999999")},
    id_columns={"id,vk_id": "vk_id", "name,Peer ID": "Peer ID"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"response":10'), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "internal error": (error(10), Refusal.UNKNOWN),
        "too many a second": (error(6), Refusal.THROTTLED),
        "flood control": (error(9), Refusal.THROTTLED),
        "429": (reply(429), Refusal.THROTTLED),
        "bad token": (error(5), Refusal.MISCONFIGURED),
        "captcha": (error(14), Refusal.MISCONFIGURED),
        "no permission": (error(901), Refusal.UNREACHABLE),
        "privacy": (error(902), Refusal.UNREACHABLE),
        "deleted": (error(18), Refusal.UNREACHABLE),
        "too long": (error(914), Refusal.REJECTED),
        "unknown error": (error(77_777), Refusal.REJECTED),
        "not VK": (reply(404, HTML), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=lambda: posted("message_new", written()),
    told=(
        Inbound("42", "message 77", "Stop!", JUST_BEFORE),
        OptOut("42", "opted_out", JUST_BEFORE),
    ),
    pressed=lambda: posted(
        "message_new", written(text="Yes, please", payload='{"button": "yes-7"}')
    ),
    others=(lambda: posted("message_deny", {"user_id": 42}),),
    forged={
        "another secret": lambda: posted("message_new", written(), "another"),
        "the empty secret": lambda: posted("message_new", written(), ""),
        "no secret": lambda: posted("message_new", written(), None),
        "confirmation with another secret": lambda: posted("confirmation", None, "another"),
        "another community": lambda: HookRequest(
            {},
            "",
            json.dumps({"type": "message_new", "group_id": 1, "secret": SECRET}).encode(),
            NOW,
        ),
        "no object": lambda: HookRequest({}, "", b"[]", NOW),
    },
    unknown=(
        b'{"type": "confirmation", "group_id": 237300}',
        b'{"type": "group_join", "object": {"user_id": 42}}',
        b'{"type": "message_new", "object": {"message": {"from_id": -5, "id": 3}}}',
        b'{"type": "message_new", "object": []}',
        b'{"type": "message_allow", "object": {"user_id": "x"}}',
    ),
    opened=opened,
    rehearsal=Rehearsal(
        kind="vk",
        settings=lambda simulator: {
            "group_id": GROUP,
            "token": "rehearsal-of-vk",
            "webhook_secret": SECRET,
            "api_root": f"{simulator.http_url}/vk",
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
        good="“Simulator”",
        wrong={"token": "revoked-token"},
        bad="access token",
        key=f"random_id {random_id([Outgoing('abc-17', 3, '42', '')])}",
        takes_uploads=False,
    ),
)


def make(**changes: Any) -> VkKind:
    """The kind with the settings of its Case, or with these instead."""
    return VkKind(VkConfig.model_validate({**CASE.settings, **changes}))
