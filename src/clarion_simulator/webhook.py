"""The webhook kind: POST {"id", "broadcast", "to", "text", …} to any path, answered {"id": …}."""

import json
import time
from datetime import UTC, datetime
from functools import partial
from secrets import token_hex
from typing import Any

from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.signing import verified
from clarion_simulator.webhook_messages import Message, read
from clarion_simulator.wire import Connection, Handler, http_reply, json_reply

LOOKED_AT = 10_000  # entries of one person in which a button is looked for
_INVALID = ("refused:invalid", "ok")
_UNSIGNED = ("refused:401", "ok")
_ERRORS = {
    "500": (500, {"error": "internal error"}),
    "400": (400, {"error": "this recipient cannot be served"}),
    "blocked": (
        403,
        {"error": "the recipient has blocked this sender", "recipient": "blocked"},
    ),
    "deactivated": (
        403,
        {"error": "the recipient is deactivated", "recipient": "deactivated"},
    ),
}


class Webhook:
    """Serves every path that neither Telegram nor the simulator's own pages take."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self._run = token_hex(4)  # ids of a run differ from those of the run before
        self._inbound = 0

    def handler(self, path: str) -> Handler:
        """The handler for one path; the path is the channel's name in the log."""
        return partial(self._receive, self.desk.log.channel("webhook", path))

    def inbound(self, url: str, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        """Post one callback of this type, such as message.received, to `url`; returns its body.

        Signed with `callback_secret`. A message without an id gets one.
        """
        self._inbound += 1
        if kind == "message.received":
            data = {"id": f"in-{self._run}-{self._inbound}", **data}
        lane = str(data.get("from") or data.get("to") or "")
        return self._tell(url, kind, data, f"msg_in_{self._run}_{self._inbound}", lane, 0.0)

    def label(self, person: str, value: str) -> str:
        """What stands on the button that sends back `value`: the last that this person was sent;
        "" where there is none."""
        entries = self.desk.log.search(recipient=person, outcome="accepted", limit=LOOKED_AT)
        for entry in reversed(entries):
            for button in entry.get("buttons", []):
                if button["kind"] == "reply" and button["value"] == value:
                    return str(button["label"])
        return ""

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
            message = read(conn.body, _text(headers.get(b"callback")))
        except ValueError as error:
            desk.log.add(channel, _INVALID, conn.received, "", key)
            conn.answer(json_reply(400, {"error": f"{error}."}))
            return
        fate = desk.judge.decide(channel, message.to, conn.received, conn.spared)
        self._settle(channel, conn, message, key, fate)

    def _settle(
        self, channel: Channel, conn: Connection, message: Message, key: str, fate: Fate
    ) -> None:
        desk = self.desk
        to, text, _, callback, parts = message
        do = fate.do
        doing = DOINGS[do]
        if doing[0] != "accepted":
            desk.log.add(channel, doing, conn.received, to, key, text, parts)
            self._refuse(conn, fate)
            return
        first = channel.accepted.get(key) if key and desk.behaviour.honour_idempotency else None
        if first is not None:
            doing = ("repeated", doing[1])
        number = desk.log.add(channel, doing, conn.received, to, key, text, parts)
        sim_id = f"sim-{first or number}"
        reply = http_reply(200, f'{{"id": "{sim_id}"}}')
        if do == "ok":
            conn.answer(reply, delay=fate.delay)
        else:
            conn.act(do, fate.delay, reply)
        url = callback or desk.behaviour.callback_url
        if url and first is None:
            self._report(url, message, sim_id, fate)

    def _refuse(self, conn: Connection, fate: Fate) -> None:
        if fate.do in _ERRORS:
            status, error = _ERRORS[fate.do]
            conn.answer(json_reply(status, error), delay=fate.delay)
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

    def _report(self, url: str, message: Message, sim_id: str, fate: Fate) -> None:
        to = message.to
        for receipt in self.desk.judge.receipts(to, str(message.id), fate.do):
            own_id = message.id if message.id is not None else sim_id
            data: dict[str, Any] = {"id": own_id, "to": to, "sim_id": sim_id}
            if receipt.kind == "message.failed":
                data["reason"] = "simulated failure"
            # Twice the same receipt carries the same id, as at-least-once providers do it.
            event_id = f"msg_{sim_id}_{receipt.kind.removeprefix('message.')}"
            self._tell(url, receipt.kind, data, event_id, to, fate.delay + receipt.delay)

    def _tell(
        self, url: str, kind: str, data: dict[str, Any], event_id: str, lane: str, delay: float
    ) -> dict[str, Any]:
        happened = datetime.fromtimestamp(time.time() + delay, UTC)
        event = {"type": kind, "timestamp": happened.isoformat(), "data": data}
        secret = self.desk.behaviour.callback_secret
        call = Call(url, json.dumps(event).encode(), lane, event_id, secret)
        self.desk.caller.add(delay, call)
        return event


def _text(header: bytes | None) -> str:
    return header.decode("latin-1") if header else ""
