"""The webhook kind: POST {"id", "broadcast", "to", "text", …} to any path, answered {"id": …}."""

import json
import re
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from pydantic_core import from_json

from clarion.simulator.callbacks import Call
from clarion.simulator.desk import Desk
from clarion.simulator.fate import DOINGS, Fate
from clarion.simulator.log import Channel
from clarion.simulator.signing import verified
from clarion.simulator.wire import Connection, Handler, http_reply, json_reply

_INVALID = ("refused:invalid", "ok")
_UNSIGNED = ("refused:401", "ok")
_URL = re.compile(r"https?://[!-~]+")
_ERRORS = {
    "500": (500, "internal error"),
    "400": (400, "this recipient cannot be served"),
    "blocked": (403, "the recipient has blocked this sender"),
    "deactivated": (403, "the recipient is deactivated"),
}


class Webhook:
    """Serves every path that neither Telegram nor the simulator's own pages take."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def handler(self, path: str) -> Handler:
        """The handler for one path; the path is the channel's name in the log."""
        return partial(self._receive, self.desk.log.channel("webhook", path))

    def _receive(self, channel: Channel, conn: Connection) -> None:
        if conn.method != b"POST":
            error = {"error": "Messages come by POST. What the simulator offers stands at /."}
            conn.answer(json_reply(405, error))
            return
        headers = conn.headers
        key = _text(headers.get(b"idempotency-key"))
        desk = self.desk
        if desk.behaviour.verify_secret and not self._signed(conn):
            desk.log.add(channel, _UNSIGNED, conn.received, "", key)
            conn.answer(json_reply(401, {"error": "The signature is missing or wrong."}))
            return
        try:
            body = _parse(conn.body)
            callback = body.get("callback") or _text(headers.get(b"callback"))
            if callback and not (isinstance(callback, str) and _URL.fullmatch(callback)):
                raise ValueError("callback must be an http:// or https:// address")
        except ValueError as error:
            desk.log.add(channel, _INVALID, conn.received, "", key)
            conn.answer(json_reply(400, {"error": f"{error}."}))
            return
        fate = desk.judge.decide(channel, body["to"], conn.received, conn.spared)
        self._settle(channel, conn, body, key, callback, fate)

    def _settle(
        self,
        channel: Channel,
        conn: Connection,
        body: dict[str, Any],
        key: str,
        callback: str,
        fate: Fate,
    ) -> None:
        desk = self.desk
        to, do = body["to"], fate.do
        doing = DOINGS[do]
        if doing[0] != "accepted":
            desk.log.add(channel, doing, conn.received, to, key, body["text"])
            self._refuse(conn, fate)
            return
        first = channel.accepted.get(key) if key and desk.behaviour.honour_idempotency else None
        if first is not None:
            doing = ("repeated", doing[1])
        number = desk.log.add(channel, doing, conn.received, to, key, body["text"])
        sim_id = f"sim-{first or number}"
        reply = http_reply(200, f'{{"id": "{sim_id}"}}')
        if do == "ok":
            conn.answer(reply, delay=fate.delay)
        else:
            conn.act(do, fate.delay, reply)
        url = callback or desk.behaviour.callback_url
        if url and first is None:
            self._report(url, body, sim_id, fate)

    def _refuse(self, conn: Connection, fate: Fate) -> None:
        if fate.do in _ERRORS:
            status, sentence = _ERRORS[fate.do]
            conn.answer(json_reply(status, {"error": sentence}), delay=fate.delay)
        elif fate.do in ("429", "rate_limit"):
            wait = self.desk.behaviour.retry_after
            headers = "" if wait is None else f"Retry-After: {wait}\r\n"
            text = '{"error": "too many requests"}'
            conn.answer(http_reply(429, text, headers=headers), delay=fate.delay)
        else:
            conn.act(fate.do, fate.delay, b"")

    def _signed(self, conn: Connection) -> bool:
        return verified(
            self.desk.behaviour.verify_secret or "",
            _text(conn.headers.get(b"webhook-id")),
            _text(conn.headers.get(b"webhook-timestamp")),
            _text(conn.headers.get(b"webhook-signature")),
            bytes(conn.body),
            time.time(),
        )

    def _report(self, url: str, body: dict[str, Any], sim_id: str, fate: Fate) -> None:
        to, message = body["to"], body.get("id")
        secret = self.desk.behaviour.callback_secret
        for receipt in self.desk.judge.receipts(to, str(message), fate.do):
            happened = datetime.fromtimestamp(time.time() + fate.delay + receipt.delay, UTC)
            data = {"id": message if message is not None else sim_id, "to": to, "sim_id": sim_id}
            if receipt.kind == "message.failed":
                data["reason"] = "simulated failure"
            event = {"type": receipt.kind, "timestamp": happened.isoformat(), "data": data}
            # Twice the same receipt carries the same id, as at-least-once providers do it.
            event_id = f"msg_{sim_id}_{receipt.kind.removeprefix('message.')}"
            call = Call(url, json.dumps(event).encode(), to, event_id, secret)
            self.desk.caller.add(fate.delay + receipt.delay, call)


def _text(header: bytes | None) -> str:
    return header.decode("latin-1") if header else ""


def _parse(raw: bytes | bytearray) -> dict[str, Any]:
    try:
        body = from_json(raw, cache_strings="keys")
    except ValueError:
        raise ValueError("The body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("The body is not a JSON object")
    to = body.get("to")
    if isinstance(to, int) and not isinstance(to, bool):
        to = body["to"] = str(to)
    if not isinstance(to, str) or not to:
        raise ValueError("to must be the recipient, a text")
    text = body.setdefault("text", "")
    if not isinstance(text, str):
        raise ValueError("text must be a text")
    return body
