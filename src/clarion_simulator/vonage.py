"""Vonage's Messages API subset: SMS, the balance, statuses and what people write.

Codes and forms as https://developer.vonage.com/en/api/messages and /en/api-errors/messages give
them. As there: no idempotency; `client_ref` comes back in every status and is the key in the log;
callbacks are signed with the signature secret, which is `callback_secret` here.
"""

import base64
import hashlib
import hmac
import json
import re
import secrets
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

TEXT_MAX = 1000
_MARK = re.compile(r"!(failed-)?([0-9]{4})$")  # !1240 refuses, !failed-1190 fails later
_INVALID, _TOO_FAST, _FAILED = 1020, 1000, 1190
_CODES = {"500": 1030, "400": 1170, "blocked": 1240, "deactivated": 1190, "429": _TOO_FAST}
_STATUSES = {1000: 429, 1030: 500, 1070: 402}


class Vonage:
    """Serves /vonage/v1/messages and /vonage/account/get-balance."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        # Unlike those of another start: a message id must never be used twice.
        self._run = secrets.randbits(64) << 64
        self._messages = 0

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        if path == "/vonage/v1/messages":
            return self._send
        if path == "/vonage/account/get-balance":
            return self._balance
        return lambda conn: conn.answer(json_reply(404, {"title": "Not Found"}))

    def write(self, key: str, sender: str, text: str) -> bool:
        """A person writes to the account; False where there is nowhere to report it."""
        url = self.desk.behaviour.callback_url
        if not url:
            return False
        message = {
            "channel": "sms",
            "message_uuid": self._next_id(),
            "to": "447700900001",
            "from": sender,
            "timestamp": _now(),
            "text": text,
            "message_type": "text",
            "sms": {"num_messages": "1"},
        }
        self._tell(key, url, message, sender)
        return True

    def _next_id(self) -> str:
        self._messages += 1
        return str(UUID(int=self._run + self._messages))

    def _tell(
        self, key: str, url: str, value: dict[str, Any], lane: str, delay: float = 0.0
    ) -> None:
        body = json.dumps(value).encode()
        claims = {
            "iat": int(time.time()),
            "jti": self._next_id(),
            "iss": "Vonage",
            "payload_hash": hashlib.sha256(body).hexdigest(),
            "api_key": key,
        }
        token = f"{_part({'typ': 'JWT', 'alg': 'HS256'})}.{_part(claims)}"
        secret = (self.desk.behaviour.callback_secret or "").encode()
        signature = _text(hmac.digest(secret, token.encode(), "sha256"))
        headers = f"Authorization: Bearer {token}.{signature}\r\n"
        self.desk.caller.add(delay, Call(url, body, lane, headers=headers))

    def _send(self, conn: Connection) -> None:
        key = self._log_in(conn)
        if key is None:
            return
        desk, channel = self.desk, desk_channel(self.desk, key)
        message = _object(conn)
        to, text = str(message.get("to", "")), message.get("text")
        is_sms = message.get("channel") == "sms" and message.get("message_type") == "text"
        if not is_sms or not to or not isinstance(text, str) or not 0 < len(text) <= TEXT_MAX:
            desk.log.add(channel, ("refused:invalid", "ok"), conn.received, to)
            conn.answer(_error(_INVALID))
            return
        ours = str(message.get("client_ref", ""))
        fate = desk.judge.decide(channel, to, conn.received, conn.spared)
        mark = _MARK.search(to)
        code = 0
        if fate.do in _CODES or fate.do == "rate_limit":
            code = _CODES.get(fate.do, _TOO_FAST)
        elif fate.do == "ok" and mark is not None and not mark[1]:
            code = int(mark[2])
        doing = (f"refused:{code}", "ok") if code and fate.do == "ok" else DOINGS[fate.do]
        desk.log.add(channel, doing, conn.received, to, ours, text)
        if code:
            wait = desk.behaviour.retry_after if code == _TOO_FAST else None
            conn.answer(_error(code, wait), delay=fate.delay)
        elif doing[0] != "accepted":
            conn.act(fate.do, fate.delay, b"")
        else:
            fails = int(mark[2]) if mark is not None and mark[1] else 0
            uuid = self._next_id()
            conn.act(fate.do, fate.delay, json_reply(202, {"message_uuid": uuid}))
            url = message.get("webhook_url") or desk.behaviour.callback_url
            if url:
                self._report(key, url, message, uuid, fate, fails)

    def _report(
        self, key: str, url: str, message: dict[str, Any], uuid: str, fate: Fate, fails: int
    ) -> None:
        to, ours = str(message["to"]), str(message.get("client_ref", ""))
        receipts = self.desk.judge.receipts(to, ours or uuid, "failed" if fails else fate.do)
        plan = [("submitted", 0.0)]
        plan += [(each.kind.partition(".")[2], each.delay) for each in receipts]
        for word, seconds in plan:
            status: dict[str, Any] = {
                "message_uuid": uuid,
                "to": to,
                "from": message.get("from"),
                "timestamp": _now(fate.delay + seconds),
                "status": "rejected" if word == "failed" else word,
                "channel": "sms",
            }
            if ours:
                status["client_ref"] = ours
            if word == "failed":
                status["error"] = _problem(fails or _FAILED)
            self._tell(key, url, status, to, fate.delay + seconds)

    def _balance(self, conn: Connection) -> None:
        """The account itself: what it may spend."""
        key = self._log_in(conn)
        if key is not None:
            channel = desk_channel(self.desk, key)
            self.desk.log.add(channel, ("call", "ok"), conn.received, "", text="GET")
            conn.answer(json_reply(200, {"value": 10.28, "autoReload": False}))

    def _log_in(self, conn: Connection) -> str | None:
        """The API key of a good login; None where it is not good: that is answered and logged."""
        scheme, _, encoded = conn.headers.get(b"authorization", b"").partition(b" ")
        try:
            key, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            key = secret = ""
        if scheme == b"Basic" and key and secret and "revoked" not in secret:
            return key
        channel = desk_channel(self.desk, key or "unknown")
        self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
        detail = "You did not provide correct credentials."
        conn.answer(json_reply(401, {"title": "Unauthorized", "detail": detail}))
        return None


def desk_channel(desk: Desk, key: str) -> Channel:
    """The channel of an account in the log."""
    return desk.log.channel("vonage", key)


def _object(conn: Connection) -> dict[str, Any]:
    try:
        body = from_json(bytes(conn.body))
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _now(delay: float = 0.0) -> str:
    return datetime.fromtimestamp(time.time() + delay, UTC).isoformat().replace("+00:00", "Z")


def _part(value: object) -> str:
    return _text(json.dumps(value).encode())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _problem(code: int) -> dict[str, str]:
    return {
        "type": f"https://developer.vonage.com/api-errors/messages#{code}",
        "title": str(code),
        "detail": "Simulated error",
        "instance": "simulated",
    }


def _error(code: int, wait: int | None = None) -> bytes:
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return http_reply(_STATUSES.get(code, 422), json.dumps(_problem(code)), headers=headers)
