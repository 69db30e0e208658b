"""The Postmark subset: POST /email, message streams, webhooks; its callbacks.

Forms and codes as https://postmarkapp.com/developer/api gives them. As there: no idempotency; the
Metadata of a message comes back in its callbacks, and its `clarion_id` is the key in the log.
"""

import json
import secrets
from base64 import b64decode, b64encode
from functools import partial
from time import time
from typing import Any

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.mail_api import INVALID, UNAUTHORIZED, Sent, moment, object_of, settle
from clarion_simulator.mail_files import parts_of
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/postmark"
_NEEDED = ("From", "To")
_TYPES = {"failed": ("SoftBounce", 4096), "bounce": ("HardBounce", 1)}


class Postmark:
    """Serves /postmark/email, /postmark/message-streams/… and /postmark/webhooks."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._url = self._login = ""  # of the webhook that was registered last

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        return partial(self._call, path.removeprefix(PREFIX))

    def _call(self, path: str, conn: Connection) -> None:
        token = conn.headers.get(b"x-postmark-server-token", b"").decode("latin-1")
        channel = self.desk.log.channel("postmark", token[:8])
        if not token or "revoked" in token:
            self.desk.log.add(channel, UNAUTHORIZED, conn.received, "")
            conn.answer(_error(10, "Bad or missing API token", 401))
        elif path == "/email" and conn.method == b"POST":
            self._send(token, conn)
        elif path.startswith("/message-streams/") and conn.method == b"GET":
            stream = path.removeprefix("/message-streams/")
            kind = "Transactional" if stream == "outbound" else "Broadcasts"
            about = {"ID": stream, "ServerID": 1, "Name": stream, "MessageStreamType": kind}
            conn.answer(json_reply(200, about))
        elif path == "/webhooks" and conn.method == b"POST":
            self._register(conn)
        else:
            conn.answer(json_reply(404, {"error": "There is no such address."}))

    def _register(self, conn: Connection) -> None:
        webhook = object_of(conn)
        login = webhook.get("HttpAuth") or {}
        plain = f"{login.get('Username', '')}:{login.get('Password', '')}"
        self._login = b64encode(plain.encode()).decode()
        self._url = str(webhook.get("Url", ""))
        conn.answer(json_reply(200, {"ID": 1, **webhook}))

    def _send(self, token: str, conn: Connection) -> None:
        channel = self.desk.log.channel("postmark", token[:8])
        email = object_of(conn)
        to = str(email.get("To", ""))
        to = to.rpartition("<")[2].rstrip(">")
        missing = [name for name in _NEEDED if not email.get(name)]
        if missing or not (email.get("TextBody") or email.get("HtmlBody")):
            self.desk.log.add(channel, INVALID, conn.received, to)
            conn.answer(_error(300, f"Provide {', '.join(missing) or 'TextBody or HtmlBody'}."))
            return
        try:
            files = [_file(each) for each in email.get("Attachments") or []]
        except (KeyError, TypeError, ValueError):
            self.desk.log.add(channel, INVALID, conn.received, to)
            conn.answer(_error(300, "An attachment is not base64, or has no name or type."))
            return
        message_id = "-".join(map(secrets.token_hex, (4, 2, 2, 2, 6)))
        reply = {"To": to, "SubmittedAt": moment(time()), "MessageID": message_id, "ErrorCode": 0,
                 "Message": "OK"}  # fmt: skip
        metadata = email.get("Metadata") or {}
        url = self._url or self.desk.behaviour.callback_url or ""
        sent = Sent(
            to,
            str(metadata.get("clarion_id", "")),
            str(email.get("TextBody", "")).removesuffix("\n"),
            json_reply(200, reply),
            url,
            partial(self._report, url, to, message_id, metadata),
            parts_of(files),
        )
        settle(self.desk, channel, conn, sent, _errors(self.desk.behaviour.retry_after))

    def _report(
        self, url: str, to: str, message_id: str, metadata: dict[str, Any], kind: str, delay: float
    ) -> Call | None:
        about = {"MessageID": message_id, "Metadata": metadata, "ServerID": 1, "Tag": "",
                 "MessageStream": "broadcast"}  # fmt: skip
        happened = moment(time() + delay)
        record: dict[str, Any]
        if kind == "delivered":
            record = {"RecordType": "Delivery", "Recipient": to, "DeliveredAt": happened,
                      "Details": "250 2.0.0 OK"}  # fmt: skip
        elif kind == "complaint":
            record = {"RecordType": "SpamComplaint", "Type": "SpamComplaint", "Email": to,
                      "BouncedAt": happened, "Inactive": True}  # fmt: skip
        elif kind in _TYPES:
            name, code = _TYPES[kind]
            record = {"RecordType": "Bounce", "Type": name, "TypeCode": code, "Email": to,
                      "BouncedAt": happened, "Details": "simulated failure",
                      "Inactive": name == "HardBounce"}  # fmt: skip
        else:
            return None  # Postmark tells of opens, which are not asked for
        plain = f"clarion:{self.desk.behaviour.callback_secret or ''}"
        login = self._login or b64encode(plain.encode()).decode()
        headers = f"Authorization: Basic {login}\r\n"
        return Call(url, json.dumps({**record, **about}).encode(), to, headers=headers)


def _file(attachment: dict[str, str]) -> dict[str, Any]:
    """A file as the log keeps it. Raises KeyError, TypeError or ValueError for an invalid one."""
    if "/" not in attachment["ContentType"]:
        raise ValueError("no type")
    size = len(b64decode(attachment["Content"], validate=True))
    disposition = "inline" if attachment.get("ContentID") else "attachment"
    return {"name": attachment["Name"], "size": size, "disposition": disposition}


def _errors(wait: int | None) -> dict[str, bytes]:
    inactive = "You tried to send to recipient(s) that have been marked as inactive."
    slow = {"ErrorCode": 429, "Message": "Rate limit exceeded."}
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return {
        "500": _error(0, "Internal Server Error", 500),
        "400": _error(300, "Invalid 'To' address: 'simulated'."),
        "blocked": _error(406, inactive),
        "deactivated": _error(406, inactive),
        "429": http_reply(429, json.dumps(slow), headers=headers),
    }


def _error(code: int, message: str, status: int = 422) -> bytes:
    return json_reply(status, {"ErrorCode": code, "Message": message})
