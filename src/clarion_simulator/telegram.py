"""The Telegram Bot API subset: getMe, getChat, sending, pressed buttons, webhooks and getUpdates.

Texts, codes and `retry_after` as https://core.telegram.org/bots/api and tdlib/telegram-bot-api
give them. As there: no idempotency key, and no receipts.
"""

import hashlib
import json
import re
import time
from collections import deque
from functools import partial
from typing import Any

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS
from clarion_simulator.log import Channel
from clarion_simulator.telegram_messages import (
    METHODS,
    Refused,
    chat_number,
    given,
    is_true,
    key_of,
    sent,
)
from clarion_simulator.wire import Connection, Handler, Slot, http_reply, json_reply

LOOKED_AT = 10_000  # entries of one chat in which a button is looked for
MAX_POLL = 50  # seconds that getUpdates waits at most
_TOKEN = re.compile(r"([0-9]{1,20}):[^/]+")
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_INVALID = ("refused:invalid", "ok")
_CALL = ("call", "ok")
_ERRORS = {
    "500": (500, "Internal Server Error"),
    "400": (400, "Bad Request: chat not found"),
    "blocked": (403, "Forbidden: bot was blocked by the user"),
    "deactivated": (403, "Forbidden: user is deactivated"),
}


class Bot:
    """One bot: its channel in the log, its webhook, its updates not yet confirmed."""

    def __init__(self, token: str, channel: Channel) -> None:
        self.id = int(token.partition(":")[0])
        self.channel = channel
        self.url = ""
        self.secret = ""
        self.error: tuple[int, str] | None = None
        self.updates: deque[dict[str, Any]] = deque()
        self.files: dict[str, dict[str, Any]] = {}  # what was sent to this bot, by file_id
        self.poll: tuple[Connection, Slot, int] | None = None
        self.me = {
            "id": self.id,
            "is_bot": True,
            "first_name": "Clarion simulator",
            "username": f"simulator_{self.id}_bot",
            "can_join_groups": True,
            "can_read_all_group_messages": False,
            "supports_inline_queries": False,
        }
        self.sender = json.dumps({name: self.me[name] for name in list(self.me)[:4]})


def channel_name(token: str) -> str:
    """The name of a bot's channel in the log: its public number and a hash of its token."""
    return f"bot{token.partition(':')[0]}:{hashlib.sha256(token.encode()).hexdigest()[:8]}"


class Telegram:
    """Serves /bot<token>/<method>."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.bots: dict[str, Bot] = {}
        self._message_id = 0
        self._update_id = 0
        self._methods = {
            "getme": self._get_me,
            "getchat": self._get_chat,
            "setwebhook": self._set_webhook,
            "deletewebhook": self._delete_webhook,
            "getwebhookinfo": self._webhook_info,
            "answercallbackquery": self._answer_query,
        }

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        token, _, method = path.removeprefix("/bot").partition("/")
        bot = self.bot(token)
        if bot is None:
            return self._unauthorized
        if method.lower() in METHODS:
            return partial(self._send, bot, method.lower(), query)
        return partial(self._call, bot, method, query)

    def bot(self, token: str) -> Bot | None:
        """The bot of this token; None for a token that is malformed or holds `revoked`."""
        bot = self.bots.get(token)
        if bot is None and _TOKEN.fullmatch(token) and "revoked" not in token:
            channel = self.desk.log.channel("telegram", channel_name(token))
            bot = self.bots[token] = Bot(token, channel)
        return bot

    def forget(self) -> None:
        """Drop the queued updates and the files; webhooks stay set."""
        for bot in self.bots.values():
            bot.updates.clear()
            bot.files.clear()

    def inbound(self, bot: Bot, fields: dict[str, Any]) -> dict[str, Any]:
        """Bring an update to the bot, by its webhook or its queue; returns the update."""
        self._update_id += 1
        update = {"update_id": self._update_id, **fields}
        if bot.url:
            self._push(bot, update)
        else:
            bot.updates.append(update)
            if bot.poll:
                conn, slot, limit = bot.poll
                bot.poll = None
                conn.fill(slot, _result(list(bot.updates)[:limit]))
        return update

    def message(self, chat_id: int, text: str, name: str) -> dict[str, Any]:
        """The fields of an update in which a person writes to the bot."""
        self._message_id += 1
        message = {
            "message_id": self._message_id,
            "from": _person(chat_id, name),
            "chat": _chat(chat_id, name),
            "date": int(time.time()),
            "text": text,
        }
        return {"message": message}

    def pressed(self, bot: Bot, chat_id: int, value: str, name: str) -> dict[str, Any]:
        """The fields of an update in which a person presses a button that sends back `value`.

        The message under which it stands is the last with such a button that the bot has sent to
        this chat; where there is none, it is one too old to be shown, as with Telegram.
        """
        self._message_id += 1
        message: dict[str, Any] = {
            "message_id": self._message_id,
            "chat": _chat(chat_id, name),
            "date": 0,
        }
        entries = self.desk.log.search(
            recipient=str(chat_id), channel=bot.channel.name, outcome="accepted", limit=LOOKED_AT
        )
        wanted = {"kind": "reply", "value": value}
        for entry in reversed(entries):
            buttons = entry.get("buttons", [])
            if any(wanted.items() <= button.items() for button in buttons):
                message["date"] = entry["received_ns"] // 1_000_000_000
                message["text"] = entry["text"]
                keyboard = [[key_of(button)] for button in buttons]
                message["reply_markup"] = {"inline_keyboard": keyboard}
                break
        query = {
            "id": str(self._message_id + (bot.id << 32)),
            "from": _person(chat_id, name),
            "message": message,
            "chat_instance": str(bot.id),
            "data": value,
        }
        return {"callback_query": query}

    def _push(self, bot: Bot, update: dict[str, Any]) -> None:
        def give_up(problem: str) -> None:
            bot.error = (int(time.time()), problem)
            bot.updates.append(update)

        secret = f"X-Telegram-Bot-Api-Secret-Token: {bot.secret}\r\n" if bot.secret else ""
        message = update.get("callback_query", update).get("message", {})
        person = message.get("chat", {}).get("id", "")
        body = json.dumps(update).encode()
        call = Call(bot.url, body, str(person), headers=secret, given_up=give_up)
        self.desk.caller.add(0, call)

    def _unauthorized(self, conn: Connection) -> None:
        channel = self.desk.log.channel("telegram", "unauthorized")
        self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
        conn.answer(_error(401, "Unauthorized"))

    def _call(self, bot: Bot, method: str, query: str, conn: Connection) -> None:
        name = method.lower()
        self.desk.log.add(bot.channel, _CALL, conn.received, "", text=method)
        try:
            params = given(conn, query).params
            if name == "getupdates":
                self._get_updates(bot, conn, params)
            elif name in self._methods:
                conn.answer(self._methods[name](bot, params))
            else:
                raise Refused(404, "Not Found")
        except Refused as error:
            conn.answer(_error(error.code, error.description))

    def _send(self, bot: Bot, method: str, query: str, conn: Connection) -> None:
        desk = self.desk
        recipient = ""
        try:
            call = given(conn, query)
            recipient = str(call.params.get("chat_id", ""))
            number = chat_number(recipient)
            message = sent(method, call, bot.files)
        except Refused as error:
            desk.log.add(bot.channel, _INVALID, conn.received, recipient)
            conn.answer(_error(error.code, error.description))
            return
        paid = message.parts.get("paid", False)
        do, delay = desk.judge.decide(
            bot.channel, recipient, conn.received, conn.spared, counted=not paid
        )
        doing = DOINGS[do]
        desk.log.add(bot.channel, doing, conn.received, recipient, "", message.text, message.parts)
        if doing[0] == "accepted":
            self._message_id += 1
            bot.files |= message.files
            reply = http_reply(
                200,
                f'{{"ok":true,"result":{{"message_id":{self._message_id},"from":{bot.sender},'
                f'"chat":{_shown_chat(number, recipient)},'
                f'"date":{int(time.time())},{json.dumps(message.fields)[1:-1]}}}}}',
            )
            conn.act(do, delay, reply)
        elif do in _ERRORS:
            conn.answer(_error(*_ERRORS[do]), delay=delay)
        elif do in ("429", "rate_limit"):
            conn.answer(_too_many(desk.behaviour.retry_after), delay=delay)
        else:
            conn.act(do, delay, b"")

    def _get_me(self, bot: Bot, params: dict[str, Any]) -> bytes:
        return _result(bot.me)

    def _get_chat(self, bot: Bot, params: dict[str, Any]) -> bytes:
        recipient = str(params.get("chat_id", ""))
        return _result(json.loads(_shown_chat(chat_number(recipient), recipient)))

    def _answer_query(self, bot: Bot, params: dict[str, Any]) -> bytes:
        if not params.get("callback_query_id"):
            raise Refused(400, "Bad Request: query is too old or query ID is invalid")
        return _result(True)

    def _set_webhook(self, bot: Bot, params: dict[str, Any]) -> bytes:
        url, secret = str(params.get("url", "")), str(params.get("secret_token", ""))
        if not url:
            return self._delete_webhook(bot, params)
        if not re.fullmatch(r"https?://[!-~]+", url):
            raise Refused(400, "Bad Request: bad webhook: invalid webhook URL specified")
        if secret and not _SECRET.fullmatch(secret):
            raise Refused(400, "Bad Request: secret token contains unallowed characters")
        bot.url, bot.secret, bot.error = url, secret, None
        waiting = [] if is_true(params.get("drop_pending_updates")) else list(bot.updates)
        bot.updates.clear()
        for update in waiting:
            self._push(bot, update)
        return _result(True, "Webhook was set")

    def _delete_webhook(self, bot: Bot, params: dict[str, Any]) -> bytes:
        bot.url = bot.secret = ""
        if is_true(params.get("drop_pending_updates")):
            bot.updates.clear()
        return _result(True, "Webhook was deleted")

    def _webhook_info(self, bot: Bot, params: dict[str, Any]) -> bytes:
        info: dict[str, Any] = {
            "url": bot.url,
            "has_custom_certificate": False,
            "pending_update_count": len(bot.updates),
        }
        if bot.error:
            info["last_error_date"], info["last_error_message"] = bot.error
        return _result(info)

    def _get_updates(self, bot: Bot, conn: Connection, params: dict[str, Any]) -> None:
        if bot.url:
            raise Refused(
                409,
                "Conflict: can't use getUpdates method while webhook is active; "
                "use deleteWebhook to delete the webhook first",
            )
        offset, timeout = _number(params, "offset", 0), _number(params, "timeout", 0)
        limit = min(max(_number(params, "limit", 100), 1), 100)
        while bot.updates and bot.updates[0]["update_id"] < offset:
            bot.updates.popleft()
        if bot.poll:
            other, slot, _ = bot.poll
            bot.poll = None
            other.fill(slot, _error(409, "Conflict: terminated by other getUpdates request"))
        if bot.updates or timeout <= 0:
            conn.answer(_result(list(bot.updates)[:limit]))
            return
        bot.poll = (conn, conn.hold(), limit)
        conn.loop.call_later(min(timeout, MAX_POLL), self._poll_over, bot, bot.poll)

    def _poll_over(self, bot: Bot, poll: tuple[Connection, Slot, int]) -> None:
        if bot.poll is poll:
            bot.poll = None
            poll[0].fill(poll[1], _result([]))


def _person(chat_id: int, name: str) -> dict[str, Any]:
    return {"id": chat_id, "is_bot": False, "first_name": name}


def _chat(chat_id: int, name: str) -> dict[str, Any]:
    return {"id": chat_id, "type": "private", "first_name": name}


def _shown_chat(number: int, recipient: str) -> str:
    """The chat of a message that was sent: https://core.telegram.org/bots/api#chat."""
    if number > 0:
        return f'{{"id":{number},"first_name":"Chat","type":"private"}}'
    if recipient.startswith("@"):
        name = recipient[1:].partition("!")[0]
        return f'{{"id":{number},"title":"Chat","username":"{name}","type":"channel"}}'
    return f'{{"id":{number},"title":"Chat","type":"supergroup"}}'


def _number(params: dict[str, Any], name: str, default: int) -> int:
    try:
        return int(params.get(name, default))
    except (TypeError, ValueError, OverflowError):
        raise Refused(400, f"Bad Request: {name} must be a number") from None


def _result(value: Any, description: str | None = None) -> bytes:
    reply = {"ok": True, "result": value}
    if description:
        reply["description"] = description
    return json_reply(200, reply)


def _error(code: int, description: str) -> bytes:
    return json_reply(code, {"ok": False, "error_code": code, "description": description})


def _too_many(retry_after: int | None) -> bytes:
    reply: dict[str, Any] = {"ok": False, "error_code": 429, "description": "Too Many Requests"}
    if retry_after is None:
        return json_reply(429, reply)
    reply["description"] += f": retry after {retry_after}"
    reply["parameters"] = {"retry_after": retry_after}
    return http_reply(429, json.dumps(reply), headers=f"Retry-After: {retry_after}\r\n")
