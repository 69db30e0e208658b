"""The WhatsApp Cloud API subset: messages, the number itself, its webhook, statuses.

Codes and forms as https://developers.facebook.com/docs/whatsapp/cloud-api gives them. As there: no
idempotency, and what the caller put into `biz_opaque_callback_data` comes back in every status; it
is the key in the log.
"""

import asyncio
import hmac
import json
import re
import secrets
import time
import zlib
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from pydantic_core import from_json

from clarion_simulator import multipart
from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.whatsapp_messages import Wrong, shown
from clarion_simulator.whatsapp_templates import templates_page
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

HANDSHAKE_TIMEOUT = 5.0  # seconds
_PATH = re.compile(r"/whatsapp/(?:.+/)?([0-9]{1,30})(/messages|/message_templates|/media)?")
_MARK = re.compile(r"!(failed-)?([0-9]{1,6})$")  # !131047 refuses, !failed-131049 fails later
_INVALID = ("refused:invalid", "ok")
_CALL = ("call", "ok")
_TOO_FAST, _PAIR, _BAD_TOKEN, _FAILED = 130429, 131056, 190, 131026
_CODES = {"500": 131000, "400": 131026, "blocked": 131050, "deactivated": 131026, "429": _TOO_FAST}
_STATUSES = {
    1: 500, 2: 503, 3: 500, 131000: 500, 131016: 500, 131045: 500, 131057: 500, 133004: 503,
    0: 401, 190: 401, 10: 403, 368: 403, 131005: 403, 131031: 403, 131050: 403, 132001: 404,
    130429: 429,
}  # fmt: skip
_TEMPLATES = {"missing": 132001, "paused": 132015, "disabled": 132016}
_TITLES = {
    190: "Error validating access token",
    130429: "Rate limit hit",
    131000: "Something went wrong",
    131026: "Message undeliverable",
    131047: "Re-engagement message",
    131049: "This message was not delivered to maintain healthy ecosystem engagement",
    131050: "This recipient has chosen to stop receiving marketing messages",
    131056: "(Business Account, Consumer Account) pair rate limit hit",
    132001: "Template does not exist",
    132015: "Template is paused",
    132016: "Template is disabled",
}


class Number:
    """One phone number: its channel in the log and where its webhooks go."""

    def __init__(self, number_id: str, channel: Channel) -> None:
        self.id = number_id
        self.channel = channel
        self.url = ""  # set by webhook_configuration; else the setting callback_url counts


class WhatsApp:
    """Serves /whatsapp/<version>/<phone number id> and …/messages."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.numbers: dict[str, Number] = {}
        # Unlike those of another start: a message id must never be used twice.
        self._run = secrets.token_hex(6).upper()
        self._messages = 0

    def handler(self, path: str, query: str) -> Handler:
        """The handler for one address."""
        match = _PATH.fullmatch(path)
        if match is None:
            return lambda conn: conn.answer(_error(2500, "Unknown path components: " + path))
        number = self.number(match[1])
        if match[2] == "/message_templates":
            return partial(self._list, number, query)
        if match[2] == "/media":
            return partial(self._upload, number)
        return partial(self._send if match[2] else self._call, number)

    def number(self, number_id: str) -> Number:
        """The number of this id, made when new."""
        number = self.numbers.get(number_id)
        if number is None:
            channel = self.desk.log.channel("whatsapp", number_id)
            number = self.numbers[number_id] = Number(number_id, channel)
        return number

    def write(self, number: Number, sender: str, name: str, text: str, button: str) -> None:
        """A person writes to the number, or presses the reply button with the value `button`.

        Raises Wrong when the number has no webhook.
        """
        message: dict[str, Any] = {
            "from": sender,
            "id": self._next_id(),
            "timestamp": str(int(time.time())),
        }
        if button:
            reply = {"type": "button_reply", "button_reply": {"id": button, "title": text}}
            message |= {"type": "interactive", "interactive": reply}
        else:
            message |= {"type": "text", "text": {"body": text}}
        contacts = [{"profile": {"name": name}, "wa_id": sender}]
        self.tell(number, {"contacts": contacts, "messages": [message]})

    def tell(self, number: Number, value: dict[str, Any], delay: float = 0.0) -> None:
        """Post one change to the number's webhook. Raises Wrong when it has none."""
        url = number.url or self.desk.behaviour.callback_url
        if not url:
            raise Wrong(100, "This number has no webhook. Register one, or set callback_url.")
        about = {"display_phone_number": _displayed(number.id), "phone_number_id": number.id}
        value = {"messaging_product": "whatsapp", "metadata": about, **value}
        changes = [{"field": "messages", "value": value}]
        whole = {"object": "whatsapp_business_account", "entry": [{"id": "1", "changes": changes}]}
        body = json.dumps(whole).encode()
        secret = self.desk.behaviour.callback_secret
        headers = ""
        if secret:
            mac = hmac.digest(secret.encode(), body, "sha256").hex()
            headers = f"X-Hub-Signature-256: sha256={mac}\r\n"
        people = value.get("messages") or value.get("statuses") or [{}]
        lane = str(people[0].get("from") or people[0].get("recipient_id", ""))
        self.desk.caller.add(delay, Call(url, body, lane, headers=headers))

    def _next_id(self) -> str:
        self._messages += 1
        return f"wamid.SIM{self._run}{self._messages:010d}"

    def _send(self, number: Number, conn: Connection) -> None:
        desk, channel = self.desk, number.channel
        if conn.method != b"POST":
            conn.answer(_error(100, "Unsupported get request.", subcode=33))
            return
        if not _authorized(conn):
            desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(_BAD_TOKEN))
            return
        message: dict[str, Any] = {}
        try:
            message = _object(conn)
            text = shown(message)
        except Wrong as wrong:
            desk.log.add(channel, _INVALID, conn.received, str(message.get("to", "")))
            conn.answer(_error(wrong.code, str(wrong)))
            return
        to = message.get("to") or message["recipient"]
        key = str(message.get("biz_opaque_callback_data", ""))
        fate = desk.judge.decide(channel, to, conn.received, conn.spared)
        mark = _MARK.search(to)
        code = self._code(fate, mark, message)
        # Names in the log as for the other protocols; a code of its own has its own name.
        doing = (f"refused:{code}", "ok") if code and fate.do == "ok" else DOINGS[fate.do]
        desk.log.add(channel, doing, conn.received, to, key, text)
        if code:
            told_to_wait = code == _TOO_FAST or fate.do == "rate_limit"
            wait = desk.behaviour.retry_after if told_to_wait else None
            conn.answer(_error(code, wait=wait), delay=fate.delay)
        elif doing[0] != "accepted":
            conn.act(fate.do, fate.delay, b"")
        else:
            fails = int(mark[2]) if mark is not None and mark[1] else 0
            self._accept(number, conn, message, to, key, fate, fails)

    def _code(self, fate: Fate, mark: re.Match[str] | None, message: dict[str, Any]) -> int:
        """The code that an attempt is refused with, 0 for none."""
        if fate.do == "rate_limit":
            settings = self.desk.behaviour
            return _PAIR if settings.per_chat_limit and not settings.rate_limit else _TOO_FAST
        if fate.do in _CODES:
            return _CODES[fate.do]
        if fate.do != "ok":
            return 0
        if mark is not None and not mark[1]:
            return int(mark[2])
        name = message["template"]["name"] if "template" in message else ""
        return next((code for word, code in _TEMPLATES.items() if word in name), 0)

    def _accept(
        self,
        number: Number,
        conn: Connection,
        message: dict[str, Any],
        to: str,
        key: str,
        fate: Fate,
        fails: int,
    ) -> None:
        wamid = self._next_id()
        entry = {"id": wamid} | ({"message_status": "accepted"} if "template" in message else {})
        reply = json_reply(
            200,
            {
                "messaging_product": "whatsapp",
                "contacts": [{"input": to, "wa_id": to.lstrip("+")}],
                "messages": [entry],
            },
        )
        conn.act(fate.do, fate.delay, reply)
        if number.url or self.desk.behaviour.callback_url:
            self._report(number, to, key, wamid, fate, fails)

    def _report(
        self, number: Number, to: str, key: str, wamid: str, fate: Fate, fails: int
    ) -> None:
        receipts = self.desk.judge.receipts(to, key or wamid, "failed" if fails else fate.do)
        plan = [("sent", 0.0), *((each.kind.partition(".")[2], each.delay) for each in receipts)]
        for word, seconds in plan:
            delay = fate.delay + seconds
            status: dict[str, Any] = {
                "id": wamid,
                "status": word,
                "timestamp": str(int(time.time() + delay)),
                "recipient_id": to.lstrip("+"),
            }
            if key:
                status["biz_opaque_callback_data"] = key
            if word == "failed":
                status["errors"] = [_fault(fails or _FAILED, "simulated failure")]
            self.tell(number, {"statuses": [status]}, delay)

    def _upload(self, number: Number, conn: Connection) -> None:
        """A file, which messages may name by its id from then on."""
        doing = _CALL if _authorized(conn) else ("refused:401", "ok")
        self.desk.log.add(number.channel, doing, conn.received, "", text="media")
        if doing is not _CALL:
            conn.answer(_error(_BAD_TOKEN))
            return
        try:
            texts, files = multipart.read(conn.headers.get(b"content-type", b""), bytes(conn.body))
        except ValueError as error:
            conn.answer(_error(100, str(error)))
            return
        if texts.get("messaging_product") != "whatsapp" or "file" not in files:
            conn.answer(_error(100, "Params messaging_product and file are required."))
            return
        conn.answer(json_reply(200, {"id": str(zlib.crc32(files["file"].data))}))

    def _list(self, number: Number, query: str, conn: Connection) -> None:
        """The templates of an account: the same ones for each, page by page."""
        doing = _CALL if _authorized(conn) else ("refused:401", "ok")
        self.desk.log.add(number.channel, doing, conn.received, "", text=conn.method.decode())
        if doing is not _CALL:
            conn.answer(_error(_BAD_TOKEN))
            return
        conn.answer(json_reply(200, templates_page(dict(parse_qsl(query)))))

    def _call(self, number: Number, conn: Connection) -> None:
        """The number itself: what it is, and where its webhooks go."""
        doing = _CALL if _authorized(conn) else ("refused:401", "ok")
        self.desk.log.add(number.channel, doing, conn.received, "", text=conn.method.decode())
        if doing is not _CALL:
            conn.answer(_error(_BAD_TOKEN))
        elif conn.method == b"GET":
            number_now = {
                "id": number.id,
                "display_phone_number": _displayed(number.id),
                "verified_name": "Clarion simulator",
                "quality_rating": "GREEN",
                "whatsapp_business_manager_messaging_limit": "TIER_UNLIMITED",
            }
            conn.answer(json_reply(200, number_now))
        else:
            self._configure(number, conn)

    def _configure(self, number: Number, conn: Connection) -> None:
        try:
            where = _object(conn).get("webhook_configuration")
            if not isinstance(where, dict):
                raise Wrong(100, "Param webhook_configuration must be an object.")
            url, token = where.get("override_callback_uri"), where.get("verify_token")
            if not isinstance(url, str) or not re.fullmatch(r"https?://[!-~]+", url):
                raise Wrong(100, "Param override_callback_uri must be a valid URI.")
        except Wrong as wrong:
            conn.answer(_error(wrong.code, str(wrong)))
            return
        conn.start(self._handshake(number, conn, url, str(token)))

    async def _handshake(self, number: Number, conn: Connection, url: str, token: str) -> None:
        slot = conn.hold()
        try:
            async with asyncio.timeout(HANDSHAKE_TIMEOUT):
                problem = await _verified(url, token)
        except (OSError, ValueError) as error:
            problem = str(error) or "time-out"
        if problem:
            conn.fill(slot, _error(2200, f"Callback verification failed: {problem}"))
            return
        number.url = url
        conn.fill(slot, json_reply(200, {"success": True}))


async def _verified(url: str, token: str) -> str:
    """Ask an address for a challenge as Meta does; what is wrong with the answer, or ""."""
    challenge = str(secrets.randbelow(10**10))
    parts = urlsplit(url)
    tls = parts.scheme == "https"
    challenge_query = (
        f"hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token={quote(token)}"
    )
    target = f"{parts.path or '/'}?{parts.query + '&' if parts.query else ''}{challenge_query}"
    reader, writer = await asyncio.open_connection(
        parts.hostname, parts.port or (443 if tls else 80), ssl=tls or None
    )
    try:
        head = f"GET {target} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        head, _, body = (await reader.read(-1)).decode("latin-1").partition("\r\n\r\n")
    finally:
        writer.close()
    status = head.split(" ")[1] if head.count(" ") else "none"
    if status != "200":
        return f"HTTP status code = {status}"
    return "" if challenge in body else "the challenge did not come back"


def _authorized(conn: Connection) -> bool:
    header = conn.headers.get(b"authorization", b"")
    return header.startswith(b"Bearer ") and len(header) > 7 and b"revoked" not in header


def _object(conn: Connection) -> dict[str, Any]:
    try:
        body = from_json(conn.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Wrong(100, "The body must be a JSON object.")
    return body


def _displayed(number_id: str) -> str:
    return f"+1 555 {number_id[-7:]}"


def _fault(code: int, details: str = "") -> dict[str, Any]:
    title = _TITLES.get(code, "Simulated error")
    fault: dict[str, Any] = {"code": code, "title": title, "message": f"(#{code}) {title}"}
    if details:
        fault["error_data"] = {"messaging_product": "whatsapp", "details": details}
    return fault


def _error(
    code: int, details: str = "", *, subcode: int | None = None, wait: int | None = None
) -> bytes:
    error = {**_fault(code, details), "type": "OAuthException", "fbtrace_id": "SIMULATED"}
    del error["title"]
    if details:
        error["message"] = f"(#{code}) {details}"
    if subcode is not None:
        error["error_subcode"] = subcode
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return http_reply(_STATUSES.get(code, 400), json.dumps({"error": error}), headers=headers)
