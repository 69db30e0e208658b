"""The Send API subset of Messenger and Instagram: messages, the account, receipts and echoes.

Codes and forms as https://developers.facebook.com/documentation/business-messaging gives them. As
there: no idempotency, and which account sends is known by its token, which is here
ANYTHING.ACCOUNT. On Messenger a read receipt names no message: it says until when all were read. On
Instagram no delivery is confirmed, and every message sent comes back as an echo.
"""

import hmac
import json
import re
import secrets
import time
from functools import partial
from typing import Any

from pydantic_core import from_json

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.direct_messages import INSTAGRAM, MESSENGER, Invalid, Platform, shown
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

_PATH = re.compile(r"/(messenger|instagram)/(?:.+/)?me(?:/(messages|subscribed_apps))?")
_PLATFORMS = {platform.name: platform for platform in (MESSENGER, INSTAGRAM)}
_TOKEN = re.compile(rb"Bearer [!-~]+\.([0-9]{1,30})")
_MARK = re.compile(r"!([0-9]{1,6})$")  # !10 refuses: sent outside the window
_CODES = {"500": 2, "400": 551, "blocked": 551, "deactivated": 100, "429": 613, "rate_limit": 613}
_SUBCODES = {10: 2018278, 100: 2018001, 200: 2018028, 551: 1545041}
_STATUSES = {1: 500, 2: 500, 4: 403, 10: 403, 190: 401, 200: 403, 1200: 500}
_TITLES = {
    2: "Service temporarily unavailable",
    10: "This message is sent outside of allowed window.",
    100: "No matching user found",
    190: "Invalid OAuth access token.",
    551: "This person isn't available right now.",
    613: "Calls to this api have exceeded the rate limit.",
}
_INVALID = ("refused:invalid", "ok")


class Direct:
    """Serves /messenger/<version>/me, /instagram/<version>/me, and below them …/messages."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        # Unlike those of another start: a message id must never be used twice.
        self._run = secrets.token_hex(6)
        self._messages = 0

    def serves(self, path: str) -> bool:
        """Whether an address is one of these."""
        return path.startswith(("/messenger/", "/instagram/"))

    def handler(self, path: str) -> Handler:
        """The handler for one address."""
        match = _PATH.fullmatch(path)
        if match is None:
            return lambda conn: conn.answer(_error(2500, "Unknown path components: " + path))
        return partial(self._serve, _PLATFORMS[match[1]], match[2] or "")

    def write(self, name: str, account: str, sender: str, text: str, button: str) -> None:
        """A person writes to an account, or presses the button with the value `button`.

        Raises Invalid where nobody listens.
        """
        platform = _PLATFORMS.get(name)
        if platform is None:
            raise Invalid(f"platform must be one of {', '.join(_PLATFORMS)}.")
        mid = self._next_id()
        part: dict[str, Any] = {"message": {"mid": mid, "text": text}}
        if button:
            part = {"postback": {"mid": mid, "title": text, "payload": button}}
        self.tell(platform, account, sender, part)

    def tell(
        self, of: Platform, account: str, person: str, part: dict[str, Any], delay: float = 0.0
    ) -> None:
        """Post one event to the webhook. Raises Invalid where nobody listens."""
        url = self.desk.behaviour.callback_url
        if not url:
            raise Invalid("There is no webhook: set callback_url.")
        is_echo = bool(part.get("message", {}).get("is_echo"))
        ends = (account, person) if is_echo else (person, account)
        moment = round((time.time() + delay) * 1_000)
        event = {"sender": {"id": ends[0]}, "recipient": {"id": ends[1]}, "timestamp": moment}
        entry = {"id": account, "time": moment, "messaging": [{**event, **part}]}
        body = json.dumps({"object": of.about, "entry": [entry]}).encode()
        secret, headers = self.desk.behaviour.callback_secret, ""
        if secret:
            headers = f"X-Hub-Signature-256: sha256={_signature(secret, body)}\r\n"
        self.desk.caller.add(delay, Call(url, body, person, headers=headers))

    def _next_id(self) -> str:
        self._messages += 1
        return f"m_SIM{self._run}{self._messages:010d}"

    def _serve(self, platform: Platform, what: str, conn: Connection) -> None:
        token = _TOKEN.fullmatch(conn.headers.get(b"authorization", b""))
        account = token[1].decode() if token else ""
        channel = self.desk.log.channel(platform.name, account)
        if not account:
            self.desk.log.add(channel, ("refused:401", "ok"), conn.received, "")
            conn.answer(_error(190))
        elif what == "messages" and conn.method == b"POST":
            self._send(platform, channel, account, conn)
        else:
            self._call(channel, account, what, conn)

    def _call(self, channel: Channel, account: str, what: str, conn: Connection) -> None:
        """The account itself: what it is, and that the app is subscribed to its messages."""
        method = conn.method.decode()
        self.desk.log.add(channel, ("call", "ok"), conn.received, "", text=method)
        if what == "subscribed_apps" and method == "POST":
            conn.answer(json_reply(200, {"success": True}))
        elif not what and method == "GET":
            named = {"id": account, "user_id": account, "name": "Clarion simulator"}
            linked = {"id": account, "username": "clarion.simulator"}
            whole = {**named, "username": "clarion.simulator", "instagram_business_account": linked}
            conn.answer(json_reply(200, whole))
        else:
            conn.answer(_error(100, f"Unsupported {method.lower()} request."))

    def _send(self, platform: Platform, channel: Channel, account: str, conn: Connection) -> None:
        desk = self.desk
        try:
            to, text = shown(_object(conn), platform)
        except Invalid as invalid:
            desk.log.add(channel, _INVALID, conn.received, "")
            conn.answer(_error(100, str(invalid)))
            return
        fate = desk.judge.decide(channel, to, conn.received, conn.spared)
        mark = _MARK.search(to)
        code = _CODES.get(fate.do, 0) or (int(mark[1]) if mark and fate.do == "ok" else 0)
        doing = (f"refused:{code}", "ok") if code and fate.do == "ok" else DOINGS[fate.do]
        desk.log.add(channel, doing, conn.received, to, "", text)
        if code:
            wait = desk.behaviour.retry_after if code in (4, 32, 613) else None
            conn.answer(_error(code, wait=wait, subcode=_SUBCODES.get(code)), delay=fate.delay)
        elif doing[0] != "accepted":
            conn.act(fate.do, fate.delay, b"")
        else:
            self._accept(platform, account, to, text, fate, conn)

    def _accept(
        self, of: Platform, account: str, to: str, text: str, fate: Fate, conn: Connection
    ) -> None:
        mid = self._next_id()
        conn.act(fate.do, fate.delay, json_reply(200, {"recipient_id": to, "message_id": mid}))
        if not self.desk.behaviour.callback_url:
            return
        sent = round((time.time() + fate.delay) * 1_000)
        if not of.confirms_delivery:
            echo = {"message": {"mid": mid, "text": text, "is_echo": True}}
            self.tell(of, account, to, echo, fate.delay)
        for receipt in self.desk.judge.receipts(to, mid, fate.do):
            word, delay = receipt.kind.partition(".")[2], fate.delay + receipt.delay
            if word == "delivered" and of.confirms_delivery:
                self.tell(of, account, to, {"delivery": {"mids": [mid], "watermark": sent}}, delay)
            elif word == "read":
                read = {"watermark": sent} if of.confirms_delivery else {"mid": mid}
                self.tell(of, account, to, {"read": read}, delay)


def _signature(secret: str, body: bytes) -> str:
    return hmac.digest(secret.encode(), body, "sha256").hex()


def _object(conn: Connection) -> dict[str, Any]:
    try:
        body = from_json(conn.body)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Invalid("The body must be a JSON object.")
    return body


def _error(
    code: int, details: str = "", *, wait: int | None = None, subcode: int | None = None
) -> bytes:
    title = details or _TITLES.get(code, "Simulated error")
    error: dict[str, Any] = {
        "message": f"(#{code}) {title}",
        "type": "OAuthException",
        "code": code,
        "fbtrace_id": "SIMULATED",
    }
    if subcode is not None and not details:
        error["error_subcode"] = subcode
    headers = "" if wait is None else f"Retry-After: {wait}\r\n"
    return http_reply(_STATUSES.get(code, 400), json.dumps({"error": error}), headers=headers)
