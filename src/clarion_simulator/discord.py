"""Discord's HTTP API, as far as opening direct messages, Create Message and the bot itself.

Answers and forms as https://docs.discord.com/developers gives them. A nonce that was accepted
before, with ``enforce_nonce``, is answered with the same message.
"""

import json
import re
import time
from functools import partial
from hashlib import sha256
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.log import Channel
from clarion_simulator.settling import Answers, Message, settle
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/discord/"
DIRECT = 10**17  # what a user's id is raised by for the channel of direct messages with them
KEY = Ed25519PrivateKey.from_private_bytes(sha256(b"clarion simulator: discord").digest())
_TOKEN = re.compile(r"Bot ([A-Za-z0-9_.-]+)")
_MESSAGES = re.compile(r"channels/([^/]+)/messages")
_INVALID, _CALL, _REPEATED = ("refused:invalid", "ok"), ("call", "ok"), ("repeated", "ok")


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """A message that Discord does not accept, as its error 50035 says it."""


class Discord:
    """Serves /discord/…"""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._ids = 1_400_000_000_000_000_000
        self._components: dict[str, list[dict[str, Any]]] = {}  # the last ones, by channel

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        return partial(self._serve, path.removeprefix(PREFIX))

    def press(self, url: str, channel: str, button: str) -> None:
        """The person in a channel of direct messages presses the button with this custom id."""
        self._interact(
            url,
            channel,
            {
                "type": 3,
                "data": {"component_type": 2, "custom_id": button},
                "message": {"id": "1", "components": self._components.get(channel, [])},
            },
        )

    def command(self, url: str, channel: str, text: str) -> None:
        """The person in a channel of direct messages gives the command /say with this text."""
        options = [{"name": "text", "type": 3, "value": text}]
        data = {"id": "1", "name": "say", "type": 1, "options": options}
        self._interact(url, channel, {"type": 2, "data": data})

    def _interact(self, url: str, channel: str, about: dict[str, Any]) -> None:
        user = str(int(channel) - DIRECT) if int(channel) > DIRECT else channel
        whole = {
            "id": self._next_id(), "application_id": "1", "channel_id": channel, "context": 1,
            "user": {"id": user, "username": "anna", "global_name": "Anna"}, "locale": "de",
            "token": "t", "version": 1, **about,
        }  # fmt: skip
        body, now = json.dumps(whole).encode(), int(time.time())
        signature = KEY.sign(str(now).encode() + body).hex()
        headers = f"X-Signature-Ed25519: {signature}\r\nX-Signature-Timestamp: {now}\r\n"
        self.desk.caller.add(0, Call(url, body, channel, headers=headers))

    def _serve(self, path: str, conn: Connection) -> None:
        token = _TOKEN.fullmatch(conn.headers.get(b"authorization", b"").decode("latin-1"))
        if token is None or "revoked" in token[1]:
            channel = self.desk.log.channel("discord", "unauthorized")
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(401, 0, "401: Unauthorized"))
            return
        channel = self.desk.log.channel("discord", sha256(token[1].encode()).hexdigest()[:8])
        messages = _MESSAGES.fullmatch(path)
        if messages and conn.method == b"POST":
            self._post(channel, messages[1], conn)
            return
        self.desk.log.add(channel, _CALL, conn.received, "", text=path)
        if path == "users/@me":
            conn.answer(json_reply(200, {"id": "99", "username": "clarion", "bot": True}))
        elif path == "users/@me/channels":
            conn.answer(_opened(bytes(conn.body)))
        else:
            conn.answer(_error(404, 0, "404: Not Found"))

    def _post(self, channel: Channel, to: str, conn: Connection) -> None:
        try:
            message = _read(to, bytes(conn.body))
        except Wrong as wrong:
            self.desk.log.add(channel, _INVALID, conn.received, to)
            conn.answer(_error(400, 50035, f"Invalid Form Body: {wrong}"))
            return
        if message.key and message.key in channel.accepted:
            self.desk.log.add(channel, _REPEATED, conn.received, to, message.key, message.text)
            conn.answer(self._message(to))
            return
        self._components[to] = _rows(message)
        answers = Answers(partial(self._message, to), _REFUSED, _too_many)
        settle(self.desk, channel, conn, message, answers)

    def _message(self, to: str) -> bytes:
        message = {"id": self._next_id(), "channel_id": to, "content": "", "type": 0}
        return json_reply(200, message)

    def _next_id(self) -> str:
        self._ids += 1
        return str(self._ids)


def _read(to: str, body: bytes) -> Message:
    """The message, checked as Discord checks it. Raises Wrong."""
    try:
        fields = from_json(body)
    except ValueError:
        raise Wrong("this is no JSON") from None
    if not isinstance(fields, dict):
        raise Wrong("this is no object")
    content, nonce = fields.get("content", ""), fields.get("nonce", "")
    if not isinstance(content, str) or len(content) > 2_000:
        raise Wrong("content must be 2000 or fewer in length")
    if not isinstance(nonce, str) or len(nonce) > 25:
        raise Wrong("nonce must be 25 or fewer in length")
    parts: dict[str, Any] = {}
    for embed in fields.get("embeds", ()):
        parts["media"] = {"kind": "image", "url": embed["image"]["url"]}
    rows = fields.get("components", [])
    if not isinstance(rows, list) or len(rows) > 5:
        raise Wrong("components must be 5 or fewer")
    buttons = [_button(key) for row in rows for key in _keys(row)]
    ids = [key["value"] for key in buttons if key["kind"] == "reply"]
    if len(set(ids)) != len(ids):
        raise Wrong("a component custom id is duplicated")
    if buttons:
        parts["buttons"] = buttons
    if not content.strip() and not parts:
        raise Wrong("the message is empty")
    key = nonce if fields.get("enforce_nonce") is True else ""
    return Message(to, content, key, parts or None)


def _keys(row: Any) -> list[Any]:
    keys = row.get("components") if isinstance(row, dict) and row.get("type") == 1 else None
    if not isinstance(keys, list) or not 1 <= len(keys) <= 5:
        raise Wrong("a row has 1 to 5 buttons")
    return keys


def _button(key: dict[str, Any]) -> dict[str, str]:
    label, url, custom_id = key.get("label"), key.get("url"), key.get("custom_id")
    if key.get("type") != 2 or not isinstance(label, str) or not 1 <= len(label) <= 80:
        raise Wrong("a label has 1 to 80 characters")
    if key.get("style") == 5 and isinstance(url, str) and 1 <= len(url) <= 512:
        return {"kind": "link", "label": label, "value": url}
    is_sent_back = key.get("style") in (1, 2, 3, 4)
    if is_sent_back and isinstance(custom_id, str) and 1 <= len(custom_id) <= 100:
        return {"kind": "reply", "label": label, "value": custom_id}
    raise Wrong("a button needs a url, or a custom_id of 1 to 100 characters")


def _rows(message: Message) -> list[dict[str, Any]]:
    """The reply buttons as a message of Discord has them."""
    buttons = (message.parts or {}).get("buttons", ())
    keys = [
        {"type": 2, "label": each["label"], "custom_id": each["value"]}
        for each in buttons
        if each["kind"] == "reply"
    ]
    return [{"type": 1, "components": keys}]


def _opened(body: bytes) -> bytes:
    try:
        user = str(from_json(body)["recipient_id"])
        channel = str(int(user) + DIRECT)
    except (ValueError, KeyError, TypeError):
        return _error(400, 50033, "Invalid Recipient(s)")
    recipients = [{"id": user, "username": "anna"}]
    return json_reply(200, {"id": channel, "type": 1, "recipients": recipients})


def _error(status: int, code: int, message: str) -> bytes:
    return json_reply(status, {"message": message, "code": code})


def _too_many(wait: int | None) -> bytes:
    told: dict[str, Any] = {"message": "You are being rate limited.", "global": False}
    if wait is None:
        return json_reply(429, told)
    told["retry_after"] = float(wait)
    headers = f"Retry-After: {wait}\r\nX-RateLimit-Scope: user\r\n"
    return http_reply(429, json.dumps(told), headers=headers)


_REFUSED = {
    "500": _error(500, 0, "500: Internal Server Error"),
    "400": _error(404, 10003, "Unknown Channel"),
    "blocked": _error(403, 50007, "Cannot send messages to this user"),
    "deactivated": _error(403, 50278, "Cannot send messages to this user: no mutual guilds"),
}
