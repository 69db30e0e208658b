"""VK's API, as far as messages.send and groups.getById, and its Callback API.

Answers and errors as https://dev.vk.com gives them: HTTP 200 with ``response`` or ``error``.
"""

import json
import re
import time
from functools import partial
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.settling import Answers, Message, settle
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

PREFIX = "/vk/"
TEXT_MAX = 9_000
PEERS_MAX = 100
_BEARER = re.compile(r"Bearer ([A-Za-z0-9_.-]+)")
_INVALID, _CALL, _REPEATED = ("refused:invalid", "ok"), ("call", "ok"), ("repeated", "ok")


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error of the API: its code and its text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code


class Vk:
    """Serves /vk/<method>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._messages = 0
        # Requests to several that were accepted: channel and random_id -> the answer.
        self._answered: dict[tuple[str, str], bytes] = {}
        self._labels: dict[tuple[str, str], str] = {}  # person and value -> label of the button

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        return partial(self._serve, path.removeprefix(PREFIX))

    def write(self, url: str, group: str, person: str, text: str, button: str) -> None:
        """A person writes to the community, or presses the button that sends back ``button``."""
        self._messages += 1
        message: dict[str, Any] = {
            "id": self._messages, "conversation_message_id": self._messages, "date":
            int(time.time()), "from_id": int(person), "peer_id": int(person), "text": text,
            "attachments": [], "out": 0,
        }  # fmt: skip
        if button:
            message["text"] = self._labels.get((person, button), button)
            message["payload"] = json.dumps({"button": button})
        whole = {
            "type": "message_new", "event_id": str(self._messages), "v": "5.199",
            "group_id": int(group), "secret": self.desk.behaviour.callback_secret or "",
            "object": {"message": message, "client_info": {}},
        }  # fmt: skip
        self.desk.caller.add(0, Call(url, json.dumps(whole).encode(), person))

    def _serve(self, method: str, conn: Connection) -> None:
        bearer = _BEARER.fullmatch(conn.headers.get(b"authorization", b"").decode("latin-1"))
        if bearer is None or "revoked" in bearer[1]:
            channel = self.desk.log.channel("vk", "unauthorized")
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(5, "User authorization failed: invalid access_token (4)."))
            return
        channel = self.desk.log.channel("vk", sha256(bearer[1].encode()).hexdigest()[:8])
        if method == "messages.send":
            self._send(channel, conn)
            return
        self.desk.log.add(channel, _CALL, conn.received, "", text=method)
        if method == "groups.getById":
            groups = [{"id": 1, "name": "Simulator", "screen_name": "simulator"}]
            conn.answer(json_reply(200, {"response": {"groups": groups, "profiles": []}}))
        else:
            conn.answer(_error(3, "Unknown method passed"))

    def _send(self, channel: Channel, conn: Connection) -> None:
        try:
            message, labels, peers = _read(bytes(conn.body))
        except Wrong as wrong:
            self.desk.log.add(channel, _INVALID, conn.received, "")
            conn.answer(_error(wrong.code, str(wrong)))
            return
        if peers:
            self._send_to_several(channel, conn, message, labels, peers)
            return
        if message.key in channel.accepted:
            self.desk.log.add(
                channel, _REPEATED, conn.received, message.recipient, message.key, message.text
            )
            conn.answer(json_reply(200, {"response": channel.accepted[message.key]}))
            return
        for value, label in labels.items():
            self._labels[message.recipient, value] = label
        settle(self.desk, channel, conn, message, Answers(self._accept, _REFUSED, _too_many))

    def _send_to_several(
        self,
        channel: Channel,
        conn: Connection,
        message: Message,
        labels: dict[str, str],
        peers: list[str],
    ) -> None:
        """One request with peer_ids: it has a fate, and so has each recipient."""
        desk = self.desk
        known = self._answered.get((channel.name, message.key))
        if known is not None and message.key in channel.accepted:
            for peer in peers:
                desk.log.add(channel, _REPEATED, conn.received, peer, message.key, message.text)
            conn.answer(known)
            return
        name = "list:" + sha256(",".join(peers).encode()).hexdigest()[:16]
        fate = desk.judge.decide(channel, name, conn.received, conn.spared)
        each = {peer: desk.judge.decide(channel, peer, 0, counted=False).do for peer in peers}
        if fate.do in ("400", "blocked", "deactivated"):  # these are about recipients
            fate = Fate("ok", fate.delay)
        accepted = DOINGS[fate.do][0] == "accepted"
        response = []
        for peer in peers:
            error = _ABOUT_ONE.get(each[peer]) if accepted else None
            doing = DOINGS[fate.do if error is None else each[peer]]
            desk.log.add(
                channel, doing, conn.received, peer, message.key, message.text, message.parts
            )
            entry: dict[str, Any] = {"peer_id": int(peer.partition("!")[0])}
            if error is None:
                self._messages += 1
                entry |= {"message_id": self._messages, "conversation_message_id": self._messages}
                for value, label in labels.items():
                    self._labels[peer, value] = label
            else:
                code, text = error
                entry |= {"message_id": 0, "error": {"code": code, "description": text}}
            response.append(entry)
        if accepted:
            answer = json_reply(200, {"response": response})
            self._answered[channel.name, message.key] = answer
            conn.act(fate.do, fate.delay, answer)
        elif fate.do in _REFUSED:
            conn.answer(_REFUSED[fate.do], delay=fate.delay)
        elif fate.do in ("429", "rate_limit"):
            conn.answer(_too_many(desk.behaviour.retry_after), delay=fate.delay)
        else:
            conn.act(fate.do, fate.delay, b"")

    def _accept(self) -> bytes:
        self._messages += 1
        return json_reply(200, {"response": self._messages})


def _read(body: bytes) -> tuple[Message, dict[str, str], list[str]]:
    """The message, the labels of its reply buttons by value, and its recipients where there are
    several. Raises Wrong."""
    form = {
        name: values[0]
        for name, values in parse_qs(body.decode("utf-8", "replace"), max_num_fields=50).items()
    }
    text, random_id = form.get("message", ""), form.get("random_id", "")
    if "v" not in form or not re.fullmatch(r"-?[0-9]{1,10}", random_id):
        raise Wrong(100, "One of the parameters specified was missing or invalid: random_id")
    if len(text) > TEXT_MAX:
        raise Wrong(914, "Message is too long")
    buttons = _buttons(form["keyboard"]) if "keyboard" in form else []
    if not text:
        raise Wrong(100, "One of the parameters specified was missing or invalid: message is empty")
    parts = {"buttons": buttons} if buttons else None
    labels = {each["value"]: each["label"] for each in buttons if each["kind"] == "reply"}
    peers = form["peer_ids"].split(",") if "peer_ids" in form else []
    if len(peers) > PEERS_MAX or len(set(peers)) < len(peers):
        raise Wrong(100, "One of the parameters specified was missing or invalid: peer_ids")
    message = Message(form.get("peer_id", ""), text, f"random_id {random_id}", parts)
    return message, labels, peers


def _buttons(keyboard: str) -> list[dict[str, str]]:
    try:
        value = from_json(keyboard)
        rows = value["buttons"]
        actions = [key["action"] for row in rows for key in row]
    except (ValueError, KeyError, TypeError):
        raise Wrong(911, "Keyboard format is invalid") from None
    if value.get("inline") is not True or len(rows) > 6 or not 1 <= len(actions) <= 10:
        raise Wrong(911, "Keyboard format is invalid: too many buttons")
    return [_button(action) for action in actions]


def _button(action: dict[str, Any]) -> dict[str, str]:
    label, payload = action.get("label"), action.get("payload", "")
    if not isinstance(label, str) or not 1 <= len(label) <= 40 or len(payload) > 255:
        raise Wrong(911, "Keyboard format is invalid: label or payload is too long")
    if action.get("type") == "open_link":
        return {"kind": "link", "label": label, "value": str(action.get("link"))}
    if action.get("type") != "text":
        raise Wrong(911, "Keyboard format is invalid: button action type")
    return {"kind": "reply", "label": label, "value": str(from_json(payload)["button"])}


def _error(code: int, text: str) -> bytes:
    return json_reply(200, {"error": {"error_code": code, "error_msg": text, "request_params": []}})


def _too_many(wait: int | None) -> bytes:
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return http_reply(429, "{}", headers=headers)


_ABOUT_ONE = {
    "400": (936, "Contact not found"),
    "blocked": (901, "Can't send messages for users without permission"),
    "deactivated": (18, "User was deleted or banned"),
    "429": (9, "Flood control"),
}
_REFUSED = {
    "500": _error(10, "Internal server error: Unknown error, try later"),
    **{do: _error(*error) for do, error in _ABOUT_ONE.items() if do != "429"},
}
