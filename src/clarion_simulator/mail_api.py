"""What the simulated e-mail APIs share: the channel in the log, fates, and receipts to come."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pydantic_core import from_json

from clarion_simulator import settling
from clarion_simulator.callbacks import Call
from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection

INVALID = ("refused:invalid", "ok")
UNAUTHORIZED = ("refused:401", "ok")


@dataclass(frozen=True, slots=True)
class Sent:
    """One message as the log keeps it; ``accept`` and ``report`` are the protocol's own."""

    to: str
    key: str
    text: str
    accept: bytes  # the reply that takes it
    url: str  # where its callbacks go, "" for nowhere
    report: Callable[[str, float], Call | None]  # of a receipt's kind, and in how many seconds
    parts: dict[str, Any] | None = None  # see log.Log.add


def settle(
    desk: Desk, channel: Channel, conn: Connection, sent: Sent, errors: Mapping[str, bytes]
) -> None:
    """Decide what happens to a message, answer, and plan its callbacks.

    ``errors``: the protocol's replies by 500, 400, blocked, deactivated and 429. A complaint
    follows a delivery to an address with “+complaint@”, a hard bounce one with “+bounce@”.
    """
    message = settling.Message(sent.to, sent.text, sent.key, sent.parts)
    answers = settling.Answers(lambda: sent.accept, errors, lambda _: errors["429"])
    fate = settling.settle(desk, channel, conn, message, answers)
    if DOINGS[fate.do][0] != "accepted" or not sent.url:
        return
    planned = [
        (receipt.kind.partition(".")[2], receipt.delay)
        for receipt in desk.judge.receipts(sent.to, sent.key, fate.do)
    ]
    if "+complaint@" in sent.to:
        planned.append(("complaint", max([0.0, *(delay for _, delay in planned)])))
    if "+bounce@" in sent.to:
        planned = [("bounce", 0.0)]
    for kind, seconds in planned:
        if call := sent.report(kind, fate.delay + seconds):
            desk.caller.add(fate.delay + seconds, call)


def object_of(conn: Connection) -> dict[str, Any]:
    """The JSON object of a request; an empty one where there is none."""
    try:
        value = from_json(conn.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def moment(seconds: float) -> str:
    """A Unix time in ISO 8601."""
    return datetime.fromtimestamp(seconds, UTC).isoformat()
