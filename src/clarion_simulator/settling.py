"""One message of a provider with an HTTP API: its fate, its entry in the log, its answer."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from clarion_simulator.desk import Desk
from clarion_simulator.fate import DOINGS, Fate
from clarion_simulator.log import Channel
from clarion_simulator.wire import Connection


class Message(NamedTuple):
    """What the log keeps of a message."""

    recipient: str
    text: str = ""
    key: str = ""
    parts: dict[str, Any] | None = None


class Answers(NamedTuple):
    """What a provider answers, as whole HTTP replies."""

    accepted: Callable[[], bytes]
    refused: Mapping[str, bytes]  # by 500, 400, blocked, deactivated
    too_many: Callable[[int | None], bytes]  # with the seconds to wait


def settle(
    desk: Desk, channel: Channel, conn: Connection, message: Message, answers: Answers
) -> Fate:
    """Log and answer a message that is well formed, as the behaviour in force says."""
    fate = desk.judge.decide(channel, message.recipient, conn.received, conn.spared)
    do, doing = fate.do, DOINGS[fate.do]
    desk.log.add(
        channel, doing, conn.received, message.recipient, message.key, message.text, message.parts
    )
    if doing[0] == "accepted":
        conn.act(do, fate.delay, answers.accepted())
    elif do in answers.refused:
        conn.answer(answers.refused[do], delay=fate.delay)
    elif do in ("429", "rate_limit"):
        conn.answer(answers.too_many(desk.behaviour.retry_after), delay=fate.delay)
    else:
        conn.act(do, fate.delay, b"")
    return fate
