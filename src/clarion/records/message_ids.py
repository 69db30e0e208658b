"""Our ids of messages: made when a message is sent, read where a provider echoes it.

``KEY-DELIVERY``, and ``KEY-DELIVERY-NUMBER`` for a further message of the same delivery. The key is
random per broadcast, so that a restored backup, which gives delivery ids out anew, never repeats an
id. An id is the same over all attempts: receivers that know it drop what they get twice.
"""

import re
from typing import NamedTuple

_MESSAGE = re.compile(r"([a-z0-9]{1,16})-([1-9][0-9]{0,17})(?:-([1-9][0-9]{0,3}))?", re.ASCII)


class MessageId(NamedTuple):
    """What an id says of its message."""

    key: str  # of its broadcast
    delivery: int
    number: int  # messages of the delivery before it


def message_id(key: str, delivery: int, number: int = 0) -> str:
    """The id of a delivery's message; ``number`` counts the messages before it."""
    return f"{key}-{delivery}-{number}" if number else f"{key}-{delivery}"


def question_id(key: str, delivery: int, step: int) -> str:
    """The id under which a step of a story asks its webhook for a delivery."""
    return f"{message_id(key, delivery)}-w{step}"


def parse(text: str | None) -> MessageId | None:
    """Which message an id names; None for an id that is not ours to the letter."""
    match = _MESSAGE.fullmatch(text) if text else None
    return MessageId(match[1], int(match[2]), int(match[3] or 0)) if match else None
