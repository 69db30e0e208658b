"""The Graph API: its errors, and callbacks signed by this test's own hand."""

import hashlib
import hmac
from typing import Any

from channels.fixtures import NOW, reply
from clarion.channels.contract import HookRequest
from clarion.transport.messages import HttpReply

SECRET = "c0ffee00c0ffee00c0ffee00c0ffee00"


def signed(raw: bytes, secret: str = SECRET) -> HookRequest:
    """A callback with exactly that body, signed as Meta does."""
    mac = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
    return HookRequest({"x-hub-signature-256": f"sha256={mac}"}, "", raw, NOW)


def graph_error(status: int, code: int, message: str = "(#1) words", **more: Any) -> HttpReply:
    """An error in the Graph API's form."""
    error = {"message": message, "type": "OAuthException", "code": code, "fbtrace_id": "AbC"}
    return reply(status, {"error": {**error, **more}})
