"""Slack's Web API, as far as chat.postMessage and auth.test, and its Events API.

Answers and forms as https://docs.slack.dev gives them: errors come with HTTP 200, only a 429 is
one. Payloads are checked as strictly as Block Kit is.
"""

import hmac
import json
import re
import time
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.log import Channel
from clarion_simulator.settling import Answers, Message, settle
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/slack/api/"
TEXT_MAX = 40_000
_BEARER = re.compile(r"Bearer (xox[a-z]-[A-Za-z0-9-]+)")
_INVALID, _CALL = ("refused:invalid", "ok"), ("call", "ok")
_LENGTHS = {"section": 3_000, "button": 75}


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error of the Web API, by its code."""


class Slack:
    """Serves /slack/api/<method>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._messages = 0
        self._labels: dict[tuple[str, str], str] = {}  # user and value -> label of the button

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        return partial(self._serve, path.removeprefix(PREFIX))

    def write(self, url: str, user: str, text: str, button: str) -> None:
        """A member writes to the bot, or presses the reply button with the value ``button``."""
        self._messages += 1
        ts = f"{int(time.time())}.{self._messages:06}"
        if button:
            label = self._labels.get((user, button), button)
            action = {
                "type": "button", "action_id": "button-0", "value": button, "action_ts": ts,
                "text": {"type": "plain_text", "text": label},
            }  # fmt: skip
            whole = {"type": "block_actions", "user": {"id": user, "name": "anna"}}
            form = urlencode({"payload": json.dumps({**whole, "actions": [action]})})
            self._tell(url, user, form.encode(), "application/x-www-form-urlencoded")
            return
        event = {
            "type": "message", "channel": f"D{user[1:]}", "channel_type": "im", "user": user,
            "text": text, "ts": ts, "event_ts": ts,
        }  # fmt: skip
        whole = {"type": "event_callback", "event_id": f"Ev{self._messages}", "event": event}
        self._tell(url, user, json.dumps(whole).encode(), "application/json")

    def _tell(self, url: str, user: str, body: bytes, content_type: str) -> None:
        secret, now = self.desk.behaviour.callback_secret or "", int(time.time())
        base = b"v0:%d:%b" % (now, body)
        mac = hmac.digest(secret.encode(), base, sha256).hex()
        headers = (
            f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: v0={mac}\r\n"
            f"X-Content-Type: {content_type}\r\n"
        )
        self.desk.caller.add(0, Call(url, body, user, headers=headers))

    def _serve(self, method: str, conn: Connection) -> None:
        bearer = _BEARER.fullmatch(conn.headers.get(b"authorization", b"").decode("latin-1"))
        if bearer is None or "revoked" in bearer[1]:
            channel = self.desk.log.channel("slack", "unauthorized")
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error("invalid_auth"))
            return
        name = "bot:" + sha256(bearer[1].encode()).hexdigest()[:8]
        channel = self.desk.log.channel("slack", name)
        if method == "auth.test":
            self.desk.log.add(channel, _CALL, conn.received, "", text=method)
            told = {"ok": True, "team": "Simulator", "user": "clarion", "user_id": "U0BOT"}
            conn.answer(json_reply(200, told))
        elif method == "chat.postMessage":
            self._post(channel, conn)
        else:
            conn.answer(_error("unknown_method"))

    def _post(self, channel: Channel, conn: Connection) -> None:
        try:
            message, labels = _read(bytes(conn.body))
        except Wrong as wrong:
            self.desk.log.add(channel, _INVALID, conn.received, "")
            conn.answer(_error(str(wrong)))
            return
        for value, label in labels.items():
            self._labels[message.recipient, value] = label
        settle(self.desk, channel, conn, message, Answers(self._accept, _REFUSED, _too_many))

    def _accept(self) -> bytes:
        self._messages += 1
        ts = f"{int(time.time())}.{self._messages:06}"
        return json_reply(200, {"ok": True, "channel": "D0SIM", "ts": ts, "message": {"ts": ts}})


def _read(body: bytes) -> tuple[Message, dict[str, str]]:
    """The message, and the labels of its reply buttons by value. Raises Wrong."""
    try:
        fields = from_json(body)
    except ValueError:
        raise Wrong("invalid_json") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("channel"), str):
        raise Wrong("channel_not_found")
    text, blocks = fields.get("text", ""), fields.get("blocks", [])
    if not isinstance(text, str) or len(text) > TEXT_MAX:
        raise Wrong("msg_too_long")
    if not text and not blocks:
        raise Wrong("no_text")
    if not isinstance(blocks, list) or len(blocks) > 50:
        raise Wrong("invalid_blocks")
    parts: dict[str, Any] = {}
    shown = [_block(block, parts) for block in blocks]
    written = "".join(shown) if blocks else text
    for sign, escape in (("<", "&lt;"), (">", "&gt;"), ("&", "&amp;")):
        written = written if blocks else written.replace(escape, sign)
    labels = {
        each["value"]: each["label"] for each in parts.get("buttons", ()) if each["kind"] == "reply"
    }
    return Message(fields["channel"], written, parts=parts or None), labels


def _block(block: Any, parts: dict[str, Any]) -> str:
    """The text of one block; its picture or buttons go into ``parts``. Raises Wrong."""
    type_ = block.get("type") if isinstance(block, dict) else None
    if type_ == "section":
        return _plain(block.get("text"), "section")
    if type_ == "image":
        url = block.get("image_url")
        if not isinstance(url, str) or len(url) > 3_000 or not block.get("alt_text"):
            raise Wrong("invalid_blocks")
        parts["media"] = {"kind": "image", "url": url}
        return ""
    elements = block.get("elements") if type_ == "actions" else None
    if not isinstance(elements, list) or not 1 <= len(elements) <= 25:
        raise Wrong("invalid_blocks")
    ids = {each.get("action_id") for each in elements}
    if len(ids) != len(elements):
        raise Wrong("invalid_blocks")
    parts["buttons"] = [_button(each) for each in elements]
    return ""


def _button(element: dict[str, Any]) -> dict[str, str]:
    label, url, value = (
        _plain(element.get("text"), "button"), element.get("url"), element.get("value"),
    )  # fmt: skip
    if element.get("type") != "button":
        raise Wrong("invalid_blocks")
    if isinstance(url, str) and url.startswith(("http://", "https://")) and len(url) <= 3_000:
        return {"kind": "link", "label": label, "value": url}
    if not isinstance(value, str) or not 1 <= len(value) <= 2_000:
        raise Wrong("invalid_blocks")
    return {"kind": "reply", "label": label, "value": value}


def _plain(text: Any, where: str) -> str:
    written = text.get("text") if isinstance(text, dict) else None
    if not isinstance(written, str) or not 1 <= len(written) <= _LENGTHS[where]:
        raise Wrong("invalid_blocks")
    return written


def _error(code: str) -> bytes:
    return json_reply(200, {"ok": False, "error": code})


def _too_many(wait: int | None) -> bytes:
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return http_reply(429, '{"ok": false, "error": "ratelimited"}', headers=headers)


_REFUSED = {
    "500": json_reply(500, {"ok": False, "error": "internal_error"}),
    "400": _error("channel_not_found"),
    "blocked": _error("not_in_channel"),
    "deactivated": _error("is_archived"),
}
