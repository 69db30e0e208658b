"""The Mailgun subset: messages.mime and the domain; its signed callbacks.

Forms as https://documentation.mailgun.com gives them. As there: no idempotency; variables of a
message (`v:`) come back in its callbacks, and `clarion-id` is the key in the log.
"""

import base64
import binascii
import email
import email.policy
import hmac
import json
import re
import secrets
from functools import partial
from time import time
from typing import Any

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.mail_api import INVALID, UNAUTHORIZED, Sent, settle
from clarion_simulator.mail_files import files_in, parts_of
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/mailgun"
_SENDING = re.compile(r"/v3/([^/]+)/messages\.mime")
_DOMAIN = re.compile(r"/v4/domains/([^/]+)")
_INVALID_TO = "'to' parameter is not a valid address. please check documentation"


class Mailgun:
    """Serves /mailgun/v3/<domain>/messages.mime and /mailgun/v4/domains/<domain>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        return partial(self._call, path.removeprefix(PREFIX))

    def _call(self, path: str, conn: Connection) -> None:
        sending, domain = _SENDING.fullmatch(path), _DOMAIN.fullmatch(path)
        match = sending or domain
        if match is None:
            conn.answer(json_reply(404, {"message": "Not Found"}))
            return
        if not _authorized(conn):
            channel = self.desk.log.channel("mailgun", match[1])
            self.desk.log.add(channel, UNAUTHORIZED, conn.received, "")
            conn.answer(http_reply(401, "Forbidden"))
        elif sending:
            self._send(sending[1], conn)
        else:
            conn.answer(json_reply(200, {"domain": {"name": match[1], "state": "active"}}))

    def _send(self, domain: str, conn: Connection) -> None:
        channel = self.desk.log.channel("mailgun", domain)
        fields = _form(conn)
        to, mime = fields.get("to", ""), fields.get("message", "")
        if not to or not mime:
            self.desk.log.add(channel, INVALID, conn.received, to)
            conn.answer(json_reply(400, {"message": "to and message are required"}))
            return
        variables = {name[2:]: value for name, value in fields.items() if name.startswith("v:")}
        stated = re.search(r"(?im)^message-id:\s*<([^>\r\n]+)>", mime)
        message_id = stated[1] if stated else f"{secrets.token_hex(10)}@{domain}"
        url = self.desk.behaviour.callback_url or ""
        sent = Sent(
            to,
            variables.get("clarion-id", ""),
            mime,
            json_reply(200, {"id": f"<{message_id}>", "message": "Queued. Thank you."}),
            url,
            partial(self._report, url, to, message_id, variables),
            parts_of(files_in(mime.encode())),
        )
        settle(self.desk, channel, conn, sent, _errors(self.desk.behaviour.retry_after))

    def _report(
        self, url: str, to: str, message_id: str, variables: dict[str, str], kind: str, delay: float
    ) -> Call | None:
        data: dict[str, Any] = {
            "timestamp": time() + delay,
            "recipient": to,
            "user-variables": variables,
            "message": {"headers": {"message-id": message_id, "to": to}},
        }
        if kind in ("failed", "bounce"):
            status = {"code": 550, "message": "simulated failure"}
            data |= {"event": "failed", "severity": "permanent", "delivery-status": status,
                     "reason": "bounce" if kind == "bounce" else "generic"}  # fmt: skip
        elif kind in ("delivered", "complaint"):
            data["event"] = "complained" if kind == "complaint" else "delivered"
        else:
            return None  # opens are not asked for
        stamp, token = str(int(time())), secrets.token_hex(25)
        key = (self.desk.behaviour.callback_secret or "").encode()
        mac = hmac.digest(key, f"{stamp}{token}".encode(), "sha256").hex()
        signature = {"timestamp": stamp, "token": token, "signature": mac}
        return Call(url, json.dumps({"signature": signature, "event-data": data}).encode(), to)


def _authorized(conn: Connection) -> bool:
    header = conn.headers.get(b"authorization", b"")
    try:
        login = base64.b64decode(header.removeprefix(b"Basic "), validate=True)
    except binascii.Error:
        return False
    return login.startswith(b"api:") and len(login) > 4 and b"revoked" not in login


def _form(conn: Connection) -> dict[str, str]:
    head = b"Content-Type: " + conn.headers.get(b"content-type", b"") + b"\r\n\r\n"
    whole = email.message_from_bytes(head + bytes(conn.body), policy=email.policy.HTTP)
    fields = {}
    for part in whole.iter_parts() if whole.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(content, bytes):
            fields[str(name)] = content.decode("utf-8", "replace")
    return fields


def _errors(wait: int | None) -> dict[str, bytes]:
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    refused = json_reply(400, {"message": "The message was refused."})
    return {
        "500": json_reply(500, {"message": "Internal Server Error"}),
        "400": json_reply(400, {"message": _INVALID_TO}),
        "blocked": refused,
        "deactivated": refused,
        "429": http_reply(429, json.dumps({"message": "Too many requests"}), headers=headers),
    }
