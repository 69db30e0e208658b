"""The Viber REST API subset: single and broadcast messages, the bot itself, its webhook, receipts.

Forms and statuses as https://creators.viber.com/docs/bots-api gives them: errors come with HTTP
status 200, those of single recipients of a broadcast message in `failed_list`. As there: no
idempotency, and all recipients of a broadcast message share its token.
"""

import hashlib
import hmac
import json
import re
import time
from functools import partial
from typing import Any

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

RECEIVERS_MAX = 300
TEXT_MAX, CAPTION_MAX = 7_000, 768
BODY_MAX = 30_000  # bytes
_CALL = ("call", "ok")
_INVALID = ("refused:invalid", "ok")
_LINK = re.compile(r"https?://[!-~]+")
_LARGEST = {"video": 26_000_000, "file": 50_000_000}  # bytes
_PICTURE = re.compile(r"https?://[!-~]+\.(?:jpeg|jpg|png|gif)", re.IGNORECASE)
_MESSAGES = {
    1: "invalidUrl",
    2: "invalidAuthToken",
    3: "badData",
    4: "missingData",
    5: "receiverNotRegistered",
    6: "receiverNotSubscribed",
    12: "tooManyRequests",
}
_STATUSES = {"400": 3, "blocked": 6, "deactivated": 5, "429": 12, "rate_limit": 12}
_EVENTS = {"message.delivered": "delivered", "message.read": "seen", "message.failed": "failed"}


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error reply with this status of Viber."""

    def __init__(self, status: int) -> None:
        super().__init__(_MESSAGES[status])
        self.status = status


class Bot:
    """One bot: its channel in the log, its token, and where its callbacks go."""

    def __init__(self, token: str, channel: Channel) -> None:
        self.token = token
        self.channel = channel
        self.url = ""
        self.events: frozenset[str] = frozenset()


class Viber:
    """Serves /viber/pa/<method>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.bots: dict[str, Bot] = {}
        # Unlike those of another start: a token must never be used twice.
        self._tokens = time.time_ns() // 1_000 * 1_000

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        return partial(self._serve, path.removeprefix("/viber/pa/"))

    def bot(self, token: str) -> Bot | None:
        """The bot of this token; None for none, and for one that holds `revoked`."""
        bot = self.bots.get(token)
        if bot is None and token and "revoked" not in token:
            name = hashlib.sha256(token.encode()).hexdigest()[:8]
            bot = self.bots[token] = Bot(token, self.desk.log.channel("viber", name))
        return bot

    def tell(self, bot: Bot, event: dict[str, Any], lane: str, delay: float = 0.0) -> bool:
        """Post one event to the bot's webhook; whether it has one."""
        url = bot.url or self.desk.behaviour.callback_url
        if not url:
            return False
        body = json.dumps(
            {"timestamp": int((time.time() + delay) * 1000), "chat_hostname": "SIM", **event}
        ).encode()
        mac = hmac.digest(bot.token.encode(), body, "sha256").hex()
        headers = f"X-Viber-Content-Signature: {mac}\r\n"
        self.desk.caller.add(delay, Call(url, body, lane, headers=headers))
        return True

    def inbound(self, fields: dict[str, Any]) -> None:
        """Carry out what POST /_/inbound asks for. Raises ValueError with a sentence."""
        token, person, text, tracking, event = (
            str(fields.get(name, "")) for name in ("viber", "from", "text", "tracking", "event")
        )
        bot = self.bot(token)
        if bot is None or not person:
            raise ValueError("viber must be a bot's token, and from a subscriber's id.")
        if event:
            is_told = self.tell(
                bot, {"event": event, "user_id": person, "user": {"id": person}}, person
            )
        else:
            is_told = self.write(bot, person, str(fields.get("name", "Anna")), text, tracking)
        if not is_told:
            raise ValueError("This bot has no webhook. Register one, or set callback_url.")

    def write(self, bot: Bot, sender: str, name: str, text: str, tracking: str) -> bool:
        """A person writes to the bot, or presses a button with that label; whether it learns so."""
        event = {
            "event": "message",
            "message_token": self._next_token(),
            "sender": {"id": sender, "name": name, "language": "en", "api_version": 10},
            "message": {"type": "text", "text": text, "tracking_data": tracking},
        }
        return self.tell(bot, event, sender)

    def _next_token(self) -> int:
        self._tokens += 1
        return self._tokens

    def _serve(self, method: str, conn: Connection) -> None:
        token = conn.headers.get(b"x-viber-auth-token", b"").decode("latin-1")
        bot = self.bot(token)
        if bot is None:
            channel = self.desk.log.channel("viber", "unauthorized")
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(2))
            return
        try:
            if method in ("send_message", "broadcast_message"):
                self._send(bot, method, conn)
                return
            self.desk.log.add(bot.channel, _CALL, conn.received, "", text=method)
            if method == "get_account_info":
                conn.answer(_account(bot))
            elif method == "set_webhook":
                conn.answer(self._set_webhook(bot, _object(conn)))
            else:
                conn.answer(http_reply(404, b""))
        except Wrong as wrong:
            conn.answer(_error(wrong.status))

    def _set_webhook(self, bot: Bot, body: dict[str, Any]) -> bytes:
        url, events = body.get("url", ""), body.get("event_types", [])
        if url and not (isinstance(url, str) and _LINK.fullmatch(url)):
            raise Wrong(1)
        bot.url = url
        bot.events = frozenset(each for each in events if isinstance(each, str))
        if url:
            self.tell(bot, {"event": "webhook", "message_token": self._next_token()}, "")
        return json_reply(
            200, {"status": 0, "status_message": "ok", "event_types": sorted(bot.events)}
        )

    def _send(self, bot: Bot, method: str, conn: Connection) -> None:
        desk = self.desk
        try:
            body = _object(conn)
            people = _people(body, method)
            text, parts = _shown(body, len(conn.body))
        except Wrong:
            desk.log.add(bot.channel, _INVALID, conn.received, "")
            raise
        if method == "send_message":
            fate = desk.judge.decide(bot.channel, people[0], conn.received, conn.spared)
            failing: dict[str, Fate] = {}
        else:
            # What happens to the request, and what to each recipient: the first must be the same
            # for the same recipients at the same attempt.
            name = "list:" + hashlib.sha256("\n".join(people).encode()).hexdigest()[:16]
            fate = desk.judge.decide(bot.channel, name, conn.received, conn.spared)
            each = {p: desk.judge.decide(bot.channel, p, 0, counted=False) for p in people}
            failing = {p: one for p, one in each.items() if one.do in _STATUSES}
            if fate.do in _STATUSES and fate.do not in ("429", "rate_limit"):
                fate = Fate("ok", fate.delay)
        if fate.do in _STATUSES or DOINGS[fate.do][0] != "accepted":
            for person in people:
                desk.log.add(bot.channel, DOINGS[fate.do], conn.received, person, "", text, parts)
            self._refuse(conn, fate)
            return
        self._accept(bot, conn, (people, failing), (text, parts), fate)

    def _refuse(self, conn: Connection, fate: Fate) -> None:
        if fate.do in _STATUSES:
            conn.answer(_error(_STATUSES[fate.do]), delay=fate.delay)
        elif fate.do == "500":
            conn.answer(http_reply(500, b""), delay=fate.delay)
        else:
            conn.act(fate.do, fate.delay, b"")

    def _accept(
        self,
        bot: Bot,
        conn: Connection,
        people: tuple[list[str], dict[str, Fate]],
        shown: tuple[str, dict[str, Any]],
        fate: Fate,
    ) -> None:
        token, (everybody, failing) = self._next_token(), people
        reply: dict[str, Any] = {"status": 0, "status_message": "ok", "message_token": token}
        failed = []
        for person in everybody:
            one = failing.get(person)
            doing = DOINGS[fate.do] if one is None else DOINGS[one.do]
            self.desk.log.add(bot.channel, doing, conn.received, person, "", *shown)
            if one is not None:
                status = _STATUSES[one.do]
                failed.append(
                    {"receiver": person, "status": status, "status_message": _MESSAGES[status]}
                )
            else:
                self._report(bot, person, token, fate)
        if failed:
            reply["failed_list"] = failed
        conn.act(fate.do, fate.delay, json_reply(200, reply))

    def _report(self, bot: Bot, person: str, token: int, fate: Fate) -> None:
        if not (bot.url or self.desk.behaviour.callback_url):
            return
        for receipt in self.desk.judge.receipts(person, str(token), fate.do):
            event: dict[str, Any] = {
                "event": _EVENTS[receipt.kind],
                "message_token": token,
                "user_id": person,
            }
            if event["event"] == "failed":
                event["desc"] = "simulated failure"
            self.tell(bot, event, person, fate.delay + receipt.delay)


def _people(body: dict[str, Any], method: str) -> list[str]:
    if method == "send_message":
        wanted = [body.get("receiver")]
    else:
        wanted = body.get("broadcast_list") or []
    people = [person for person in wanted if isinstance(person, str) and person]
    if not people or len(people) < len(wanted):
        raise Wrong(4)
    if len(people) > RECEIVERS_MAX:
        raise Wrong(3)
    return people


def _shown(body: dict[str, Any], size: int) -> tuple[str, dict[str, Any]]:
    """The words of a message and its parts, for the log. Raises Wrong for what Viber refuses."""
    sender, kind, text = body.get("sender"), body.get("type"), body.get("text")
    if not isinstance(sender, dict) or not sender.get("name") or kind is None:
        raise Wrong(4)
    if size > BODY_MAX or len(str(sender["name"])) > 28:
        raise Wrong(3)
    parts: dict[str, Any] = {}
    if kind in _LARGEST:
        parts["media"], text = _file(body, _LARGEST[kind]), ""
    elif not isinstance(text, str):
        raise Wrong(3)
    elif kind == "picture":
        media = body.get("media")
        if not isinstance(media, str) or not _PICTURE.fullmatch(media) or len(text) > CAPTION_MAX:
            raise Wrong(3)
        parts["media"] = {"kind": "image", "url": media}
    elif kind != "text" or not text or len(text) > TEXT_MAX:
        raise Wrong(3)
    if keyboard := body.get("keyboard"):
        parts["buttons"] = _buttons(keyboard, str(body.get("tracking_data", "")))
    return text, parts


def _file(body: dict[str, Any], most: int) -> dict[str, Any]:
    """A video or a file: with its size, and a file with its name. Raises Wrong."""
    media, size, name = body.get("media"), body.get("size"), body.get("file_name", "")
    if not isinstance(media, str) or not isinstance(size, int) or not 0 < size <= most:
        raise Wrong(3)
    if body["type"] == "video" and not media.partition("?")[0].lower().endswith(".mp4"):
        raise Wrong(3)
    if body["type"] == "file" and not (isinstance(name, str) and 0 < len(name) <= 256):
        raise Wrong(4)
    return {"kind": "file", "url": media, "size": size, **({"name": name} if name else {})}


def _buttons(keyboard: Any, tracking: str) -> list[dict[str, str]]:
    try:
        values = json.loads(tracking).get("buttons", {}) if tracking else {}
        return [
            {
                "kind": "link" if key["ActionType"] == "open-url" else "reply",
                "label": key["Text"],
                "value": values.get(key["Text"], key["ActionBody"]),
            }
            for key in keyboard["Buttons"]
        ]
    except (KeyError, TypeError, ValueError, AttributeError):
        raise Wrong(3) from None


def _object(conn: Connection) -> dict[str, Any]:
    try:
        body = from_json(conn.body)
    except ValueError:
        body = None
    if conn.method != b"POST" or not isinstance(body, dict):
        raise Wrong(3)
    return body


def _account(bot: Bot) -> bytes:
    return json_reply(
        200,
        {
            "status": 0,
            "status_message": "ok",
            "id": f"pa:{bot.channel.name}",
            "name": "Clarion simulator",
            "uri": "simulator",
            "webhook": bot.url,
            "subscribers_count": 35,
        },
    )


def _error(status: int) -> bytes:
    return json_reply(200, {"status": status, "status_message": _MESSAGES[status]})
