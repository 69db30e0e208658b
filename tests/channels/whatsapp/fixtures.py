"""The Cloud API: what it answers, and its signed callbacks."""

import json
from dataclasses import replace
from typing import Any

from channels import rehearsal
from channels.fixtures import HTML, JUST_BEFORE, NOW, Case, reply, without
from channels.graph import SECRET, graph_error, signed
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Receipt, Refusal
from clarion.channels.whatsapp.config import WhatsAppConfig
from clarion.channels.whatsapp.kind import WhatsAppKind
from clarion.transport.messages import SmtpReply

TOKEN = "EAAGm0PX4ZCpsBO7pqtestonly"
VERIFY_TOKEN = "verify-token-of-this-test"
PHONE_NUMBER_ID = "106540352242922"


def meta(
    *changes: dict[str, Any],
    secret: str = SECRET,
    number: str = PHONE_NUMBER_ID,
    field: str = "messages",
) -> HookRequest:
    """A callback of WhatsApp with these changes, signed by this test's own hand."""
    about = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": number},
    }
    entries = [{"field": field, "value": {**about, **change}} for change in changes]
    entry = [{"id": "102290129340398", "changes": entries}]
    raw = json.dumps({"object": "whatsapp_business_account", "entry": entry}).encode()
    return signed(raw, secret)


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
STOPPED = {
    "user_preferences": [
        {
            "wa_id": "16505551234",
            "category": "marketing_messages",
            "value": "stop",
            "timestamp": str(int(NOW.timestamp()) - 5),
        }
    ]
}
CASE = Case(
    kind="whatsapp",
    settings={
        "phone_number_id": PHONE_NUMBER_ID,
        "token": TOKEN,
        "app_secret": SECRET,
        "verify_token": VERIFY_TOKEN,
    },
    secrets=(TOKEN, SECRET, VERIFY_TOKEN),
    message=Outgoing("abc-17", 3, "16505551234", "Hello Anna"),
    accepted=reply(200, {"messaging_product": "whatsapp", "messages": [{"id": WAMID}]}),
    user_ids={
        "16505551234": "16505551234",
        "+49 151 1234-5678": "4915112345678",
        "0033 6 12 34 56 78": "33612345678",
        "+49 (0)152/1234567": "491521234567",
        "US.1349120865": "US.1349120865",
        "5215512345678": "5215512345678",
    },
    bad_user_ids={
        "country code": ("491511234567.0", "4.91E+12", "12", "us.1349120865"),
        "set the country": ("612345678", "61 234-5678", "151123456", "44123456", "0151 12345678"),
        "6 to 15 digits": ("4" * 16,),
    },
    id_columns={"id,phone": "phone", "name,WhatsApp": "WhatsApp"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(200, b'{"messages":[{"id":"wam'), Refusal.UNKNOWN),
        "200 without an id": (reply(200, {"messages": []}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "504": (reply(504, HTML), Refusal.UNKNOWN),
        "500": (graph_error(500, 131000), Refusal.UNKNOWN),
        "429": (reply(429), Refusal.THROTTLED),
        "429 with Retry-After": (reply(429, retry_after="3"), Refusal.THROTTLED),
        "rate": (graph_error(400, 130429), Refusal.THROTTLED),
        "pair": (graph_error(400, 131056), Refusal.THROTTLED),
        "401": (graph_error(401, 190), Refusal.MISCONFIGURED),
        "400": (graph_error(400, 131009), Refusal.REJECTED),
        "nobody": (graph_error(400, 131026), Refusal.UNREACHABLE),
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
    others=(
        lambda: meta({"statuses": [{"id": WAMID, "status": "read"}]}),
        lambda: meta({"statuses": [{"id": WAMID, "status": "failed"}]}),
        lambda: meta(STOPPED, field="user_preferences"),
    ),
    forged={
        "another secret": lambda: meta(*TOLD_AND_WRITTEN, secret="another"),
        "the empty secret": lambda: meta(*TOLD_AND_WRITTEN, secret=""),
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
    rehearsal=Rehearsal(
        kind="whatsapp",
        settings=lambda simulator: {
            "phone_number_id": PHONE_NUMBER_ID,
            "token": "EAArehearsal",
            "app_secret": rehearsal.SECRET,
            "verify_token": "try-me",
            "api_root": f"{simulator.http_url}/whatsapp/v26.0",
            "allow_private": True,
        },
        recipient="491711",
        faulty="491711!{fault}",
        person=lambda number: f"4915{number:09}",
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
        good="+1 555 2242922 (Clarion simulator). Its quality is green",
        wrong={"token": "EAArevoked"},
        bad="system user",
        takes_uploads=False,
        keeps_external_id=True,
    ),
)


def make(**changes: Any) -> WhatsAppKind:
    """The kind with the settings of its Case, or with these instead."""
    return WhatsAppKind(WhatsAppConfig.model_validate({**CASE.settings, **changes}))
