"""The LINE Messaging API subset: push and multicast with retry keys, the account, its webhook.

Forms, words and codes as https://developers.line.biz/en/reference/messaging-api/ gives them. As
there: a repeated retry key is answered 409, an account that somebody has blocked still gets 200,
and nothing is reported of what was pushed.
"""

import hashlib
import hmac
import json
import re
import secrets
import time
from base64 import b64encode
from functools import partial
from typing import Any
from uuid import UUID

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

TO_MAX, MESSAGES_MAX, QUICK_REPLIES_MAX = 500, 5, 13
TEXT_MAX, TEMPLATE_TEXT_MAX, LABEL_MAX = 5_000, 160, 20  # UTF-16 units
_CALL = ("call", "ok")
_INVALID = ("refused:invalid", "ok")
_ACCEPTED = ("accepted", "ok")
_AGAIN = ("refused:409", "ok")
_NO_USER = "The property, 'to', in the request body is invalid (line: -, column: -)"
_LIMITED = "The API rate limit has been exceeded. Try again later."
_QUOTA = "You have reached your monthly limit."
_ERRORS = {"400": (400, _NO_USER), "429": (429, _LIMITED), "rate_limit": (429, _LIMITED)}


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error reply of 400 with these words."""


class Account:
    """One account: its channel in the log, and where its callbacks go."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.url = ""


class Line:
    """Serves /line/v2/bot/…"""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.accounts: dict[str, Account] = {}

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        return partial(self._serve, path.removeprefix("/line/v2/bot/"))

    def account(self, token: str) -> Account | None:
        """The account of this token; None for none, and for one that holds `revoked`."""
        account = self.accounts.get(token)
        if account is None and token and "revoked" not in token:
            name = hashlib.sha256(token.encode()).hexdigest()[:8]
            channel = self.desk.log.channel("line", name)
            account = self.accounts[token] = Account(channel)
        return account

    def tell(self, account: Account, person: str, event: dict[str, Any]) -> bool:
        """Post one event of a person to the account's webhook; whether it has one.

        It is signed with the setting `callback_secret`.
        """
        url = account.url or self.desk.behaviour.callback_url
        if not url:
            return False
        whole = {
            "timestamp": int(time.time() * 1000),
            "mode": "active",
            "webhookEventId": secrets.token_hex(13).upper(),
            "deliveryContext": {"isRedelivery": False},
            "source": {"type": "user", "userId": person},
            **event,
        }
        self._post(url, [whole], person)
        return True

    def inbound(self, fields: dict[str, Any]) -> None:
        """Carry out what POST /_/inbound asks for. Raises ValueError with a sentence."""
        token, person, text, data, event = (
            str(fields.get(name, "")) for name in ("line", "from", "text", "data", "event")
        )
        account = self.account(token)
        if account is None or not person:
            raise ValueError("line must be an account's token, and from a user's id.")
        if event:
            is_told = self.tell(account, person, {"type": event})
        else:
            is_told = self.write(account, person, text, data)
        if not is_told:
            raise ValueError("This account has no webhook. Register one, or set callback_url.")

    def write(self, account: Account, person: str, text: str, data: str) -> bool:
        """A person writes, or presses a button that sends `data`; whether the account learns so."""
        if data:
            return self.tell(account, person, {"type": "postback", "postback": {"data": data}})
        message = {"type": "text", "id": str(time.time_ns()), "text": text, "quoteToken": "q"}
        return self.tell(account, person, {"type": "message", "message": message})

    def _post(self, url: str, events: list[dict[str, Any]], lane: str) -> None:
        body = json.dumps({"destination": f"U{'0' * 32}", "events": events}).encode()
        secret = self.desk.behaviour.callback_secret
        headers = ""
        if secret:
            mac = b64encode(hmac.digest(secret.encode(), body, "sha256")).decode()
            headers = f"X-Line-Signature: {mac}\r\n"
        self.desk.caller.add(0, Call(url, body, lane, headers=headers))

    def _serve(self, path: str, conn: Connection) -> None:
        header = conn.headers.get(b"authorization", b"").decode("latin-1")
        account = self.account(header.removeprefix("Bearer ")) if " " in header else None
        if account is None:
            channel = self.desk.log.channel("line", "unauthorized")
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(
                _error(401, "Authentication failed. Confirm that the access token is valid.")
            )
            return
        if path in ("message/push", "message/multicast") and conn.method == b"POST":
            self._send(account, path, conn)
            return
        self.desk.log.add(account.channel, _CALL, conn.received, "", text=path)
        if path == "info" and conn.method == b"GET":
            conn.answer(_info(account))
        elif path == "channel/webhook/endpoint" and conn.method == b"PUT":
            conn.answer(self._set_endpoint(account, conn))
        else:
            conn.answer(_error(404, "Not found"))

    def _set_endpoint(self, account: Account, conn: Connection) -> bytes:
        try:
            url = _object(conn).get("endpoint")
        except Wrong as wrong:
            return _error(400, str(wrong))
        if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]{1,490}", url):
            return _error(400, "Invalid webhook endpoint URL")
        account.url = url
        return json_reply(200, {})

    def _send(self, account: Account, path: str, conn: Connection) -> None:
        desk, channel = self.desk, account.channel
        try:
            key = _retry_key(conn)
            body = _object(conn)
            people = _people(body, path)
            text, parts = _shown(body)
        except Wrong as wrong:
            desk.log.add(channel, _INVALID, conn.received, "")
            conn.answer(_error(400, str(wrong)))
            return
        if key and key in channel.accepted:
            for person in people:
                desk.log.add(channel, _AGAIN, conn.received, person, key)
            conn.answer(_error(409, "The retry key is already accepted"))
            return
        name = people[0] if path == "message/push" else f"list:{key}"
        fate = desk.judge.decide(channel, name, conn.received, conn.spared)
        doing = _ACCEPTED if fate.do in ("blocked", "deactivated") else DOINGS[fate.do]
        for person in people:
            desk.log.add(channel, doing, conn.received, person, key, text, parts)
        self._reply(conn, fate, accepted=doing[0] == "accepted", is_push=path == "message/push")

    def _reply(self, conn: Connection, fate: Fate, *, accepted: bool, is_push: bool) -> None:
        if fate.do in _ERRORS:
            conn.answer(_error(*_ERRORS[fate.do]), delay=fate.delay)
        elif fate.do == "500":
            conn.answer(_error(500, "Internal server error"), delay=fate.delay)
        elif accepted:
            ids = [{"id": str(time.time_ns()), "quoteToken": "q"}]
            reply = json_reply(200, {"sentMessages": ids} if is_push else {})
            do = "ok" if fate.do in ("blocked", "deactivated") else fate.do
            conn.act(do, fate.delay, reply)
        else:
            conn.act(fate.do, fate.delay, b"")


def _retry_key(conn: Connection) -> str:
    key = conn.headers.get(b"x-line-retry-key", b"").decode("latin-1")
    try:
        return str(UUID(key)) if key else ""
    except ValueError:
        raise Wrong("Invalid retry key.") from None


def _people(body: dict[str, Any], path: str) -> list[str]:
    wanted = [body.get("to")] if path == "message/push" else body.get("to")
    if not isinstance(wanted, list) or not 0 < len(wanted) <= TO_MAX:
        raise Wrong(_NO_USER)
    people = [person for person in wanted if isinstance(person, str) and person]
    if len(people) < len(wanted):
        raise Wrong(_NO_USER)
    return people


def _shown(body: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The words of the messages and their parts. Raises Wrong for what LINE refuses."""
    messages = body.get("messages")
    if not isinstance(messages, list) or not 0 < len(messages) <= MESSAGES_MAX:
        raise Wrong("The property, 'messages', in the request body is invalid")
    texts: list[str] = []
    parts: dict[str, Any] = {}
    for message in messages:
        try:
            texts.append(_read(message, parts))
        except (KeyError, TypeError, AttributeError):
            raise Wrong("May not be empty: messages") from None
    return "\n".join(filter(None, texts)), parts


def _read(message: dict[str, Any], parts: dict[str, Any]) -> str:
    text = ""
    actions = [item["action"] for item in message.get("quickReply", {}).get("items", ())]
    kind = message["type"]
    if kind == "text":
        text = _short(message["text"], TEXT_MAX)
    elif kind == "image":
        for name in ("originalContentUrl", "previewImageUrl"):
            if not message[name].startswith("https://"):
                raise Wrong(f"Invalid URI scheme: {name}")
        parts["media"] = {"kind": "image", "url": message["originalContentUrl"]}
    elif kind == "template" and message["template"]["type"] == "buttons":
        text = _short(message["template"]["text"], TEMPLATE_TEXT_MAX)
        actions = message["template"]["actions"]
        if not 0 < len(actions) <= 4 or not message["altText"]:
            raise Wrong("Size must be between 1 and 4: actions")
    else:
        raise Wrong("Unknown message type")
    if len(actions) > QUICK_REPLIES_MAX:
        raise Wrong("Size must be between 1 and 13: items")
    if actions:
        parts["buttons"] = [_button(action) for action in actions]
    return text


def _button(action: dict[str, Any]) -> dict[str, str]:
    label = _short(action["label"], LABEL_MAX)
    if action["type"] == "uri":
        return {"kind": "link", "label": label, "value": action["uri"]}
    value, _, _ = _short(action["data"], 300).partition("\n")
    return {"kind": "reply", "label": label, "value": value}


def _short(text: str, most: int) -> str:
    if not 0 < len(text.encode("utf-16-le", "replace")) // 2 <= most:
        raise Wrong(f"Length must be between 0 and {most}")
    return text


def _object(conn: Connection) -> dict[str, Any]:
    try:
        body = from_json(conn.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Wrong("The request body could not be parsed as JSON")
    return body


def _info(account: Account) -> bytes:
    return json_reply(
        200,
        {
            "userId": f"U{'0' * 32}",
            "basicId": "@simulator",
            "displayName": "Clarion simulator",
            "chatMode": "bot",
            "markAsReadMode": "auto",
        },
    )


def _error(status: int, message: str) -> bytes:
    return http_reply(status, json.dumps({"message": message}))
