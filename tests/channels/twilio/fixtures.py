"""Twilio's Messaging API: what it answers, and its signed callbacks.

Answers: https://www.twilio.com/docs/messaging/api/message-resource, callbacks:
…/messaging/guides/track-outbound-message-status and …/messaging/guides/webhook-request.
"""

import base64
import hashlib
import hmac
import json
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from channels.fixtures import HTML, NOW, Case, reply, without
from channels.rehearsal import Rehearsal
from clarion.channels.contract import HookRequest, Inbound, OptOut, Outgoing, Refusal
from clarion.channels.twilio.config import TwilioConfig
from clarion.channels.twilio.kind import TwilioKind
from clarion.transport.messages import HttpReply, HttpRequest, SmtpReply

ACCOUNT = "AC" + "0a1b2c3d" * 4
TOKEN = "5e8f3a0c9d7b4e6fa1b2c3d4e5f60718"
SERVICE = "MG" + "1a2b3c4d" * 4
SID = "SM" + "9f8e7d6c" * 4
URL = "https://clarion.example/hooks/7/"
STATUS_URL = f"{URL}?clarion_message=abc-17"
DELIVERED = {
    "ApiVersion": "2010-04-01",
    "AccountSid": ACCOUNT,
    "From": "+15017122661",
    "To": "+16505551234",
    "MessageSid": SID,
    "SmsSid": SID,
    "MessageStatus": "delivered",
    "SmsStatus": "delivered",
    "RawDlrDoneDate": "2611221159",
}
WRITTEN = {
    "ToCountry": "US",
    "SmsMessageSid": "SM" + "11111111" * 4,
    "NumMedia": "0",
    "SmsSid": "SM" + "11111111" * 4,
    "SmsStatus": "received",
    "FromCountry": "US",
    "Body": "Stop!",
    "To": "+15017122661",
    "NumSegments": "1",
    "MessageSid": "SM" + "11111111" * 4,
    "AccountSid": ACCOUNT,
    "From": "+16505551234",
    "ApiVersion": "2010-04-01",
}


def signed(fields: dict[str, str], *, url: str = URL, token: str = TOKEN) -> HookRequest:
    """A POST of Twilio with these fields, signed by this test's own hand."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    mac = base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()
    query = url.partition("?")[2]
    return HookRequest({"x-twilio-signature": mac}, query, urlencode(fields).encode(), NOW, url)


def got(fields: dict[str, str]) -> HookRequest:
    """The same as a GET: everything is in the query, which the URL has."""
    query = urlencode(fields)
    hook = signed({}, url=f"{URL}?{query}")
    return replace(hook, body=b"")


def error(status: int, code: int, message: str = "words", **headers: str) -> HttpReply:
    """An error of Twilio's API."""
    more_info = f"https://www.twilio.com/docs/errors/{code}"
    body = {"code": code, "message": message, "more_info": more_info, "status": status}
    return reply(status, body, **headers)


def _hook() -> HookRequest:
    return signed(WRITTEN)


def opened(request: HttpRequest) -> bytes:
    """The fields of a request's form."""
    fields = dict(parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True))
    return json.dumps(fields, ensure_ascii=False).encode()


CASE = Case(
    opened=opened,
    kind="twilio",
    settings={"account_sid": ACCOUNT, "auth_token": TOKEN, "sender": "+15017122661"},
    secrets=(TOKEN,),
    message=Outgoing("abc-17", 3, "16505551234", "Hello Anna"),
    accepted=reply(201, {"sid": SID, "status": "queued", "num_segments": "1", "error_code": None}),
    user_ids={
        "16505551234": "16505551234",
        "+49 151 1234-5678": "4915112345678",
        "0033 6 12 34 56 78": "33612345678",
        "+49 (0)152/1234567": "491521234567",
    },
    bad_user_ids={
        "country code": ("491511234567.0", "4.91E+12", "12", "anna", "US.1349120865"),
        "set the country": ("612345678", "0151 12345678"),
        "6 to 15 digits": ("4" * 16,),
    },
    id_columns={"id,phone": "phone", "name,Mobile": "Mobile"},
    replies={
        "empty 200": (reply(200), Refusal.UNKNOWN),
        "cut JSON": (reply(201, b'{"sid":"SM12'), Refusal.UNKNOWN),
        "201 without a SID": (reply(201, {"status": "queued"}), Refusal.UNKNOWN),
        "HTML 200": (reply(200, HTML), Refusal.UNKNOWN),
        "HTML 502": (reply(502, HTML), Refusal.UNKNOWN),
        "500": (error(500, 20500), Refusal.UNKNOWN),
        "503": (error(503, 20503), Refusal.UNKNOWN),
        "429": (error(429, 20429), Refusal.THROTTLED),
        "429 with Retry-After": (error(429, 20429, retry_after="3"), Refusal.THROTTLED),
        "429 in HTML": (reply(429, HTML), Refusal.THROTTLED),
        "429 with another code": (error(429, 20999), Refusal.THROTTLED),
        "queue full": (error(400, 21611), Refusal.THROTTLED),
        "401": (error(401, 20003), Refusal.MISCONFIGURED),
        "sender": (error(400, 21659), Refusal.MISCONFIGURED),
        "no such account": (error(404, 20404), Refusal.MISCONFIGURED),
        "opted out": (error(400, 21610), Refusal.UNREACHABLE),
        "bad number": (error(400, 21211), Refusal.UNREACHABLE),
        "no mobile": (error(400, 21614), Refusal.UNREACHABLE),
        "trial": (error(400, 21608), Refusal.REJECTED),
        "another code": (error(400, 29999), Refusal.REJECTED),
        "not Twilio": (reply(404, HTML), Refusal.MISCONFIGURED),
        "redirect": (reply(301, location="https://elsewhere.example"), Refusal.MISCONFIGURED),
        "nonsense": (reply(999), Refusal.UNKNOWN),
        "another protocol": (SmtpReply("sent", 250, "Ok"), Refusal.UNKNOWN),
    },
    hook=_hook,
    told=(
        Inbound("16505551234", WRITTEN["MessageSid"], "Stop!", NOW),
        OptOut("16505551234", "opted_out", NOW),
    ),
    others=(
        lambda: signed(DELIVERED, url=STATUS_URL),
        lambda: signed({**DELIVERED, "MessageStatus": "failed", "ErrorCode": "21610"}),
    ),
    forged={
        "another token": lambda: signed(WRITTEN, token="another"),
        "another body": lambda: replace(_hook(), body=b"MessageSid=SM1"),
        "another URL": lambda: replace(_hook(), url="https://clarion.example/hooks/8/"),
        "no public URL": lambda: replace(_hook(), url=""),
        "no signature": lambda: without(_hook(), "x-twilio-signature"),
        "not even ASCII": lambda: HookRequest({"x-twilio-signature": "é\udcff"}, "", b"{}", NOW),
        "too many fields": lambda: replace(_hook(), body=b"a=1&" * 2_000),
    },
    unknown=(
        b"MessageSid=SM1&MessageStatus=sent",
        b"MessageSid=SM1&MessageStatus=teleported",
        b"MessageSid=SM1&SmsStatus=received&From=whatsapp%3A%2B16505551234&Body=hi",
        b"MessageSid=SM1",
    ),
    rehearsal=Rehearsal(
        kind="twilio",
        settings=lambda simulator: {
            "account_sid": ACCOUNT,
            "auth_token": TOKEN,
            "sender": "+15017122661",
            "api_root": f"{simulator.http_url}/twilio",
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
        good="The account is “Clarion simulator”",
        wrong={"auth_token": "revoked"},
        bad="does not accept the login",
        key="",
        takes_uploads=False,
        keeps_external_id=True,
        person=lambda number: f"49171{number:07d}",
    ),
)


def make(**changes: Any) -> TwilioKind:
    """The kind with the settings of its Case, or with these instead."""
    return TwilioKind(TwilioConfig.model_validate({**CASE.settings, **changes}))
