"""What attempts really sent: every message with its moment, and the one that was not sent.

The message that an attempt ended with is in its record. Those that it sent before, of a story, are
its parts.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from clarion.content.messages import shown_all
from clarion.kit import clock, db
from clarion.records.contents import with_contents


class Recorded(NamedTuple):
    """What the record of an attempt knows of its messages."""

    delivery: int
    attempt: int
    is_error: bool
    responses: int
    at: int  # microseconds
    content: str


@dataclass(frozen=True, slots=True)
class SentMessage:
    """One message that the provider accepted."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Messages:
    """What one attempt sent, oldest first, and what it did not get through."""

    sent: tuple[SentMessage, ...] = ()
    # The message that was refused, or of which nobody knows whether it was sent. Empty: none.
    attempted: str = ""
    # The provider accepted the last one and reported a failure of it later.
    failed_later: bool = False

    @property
    def text(self) -> str:
        """All that was sent, one message below the other."""
        return shown_all(message.text for message in self.sent)


def messages_of(records: Sequence[Recorded]) -> list[Messages]:
    """The messages of these records, in their order."""
    parts = _parts([record for record in records if not is_plain(*record[2:4], record.content)])
    return [_messages(record, parts.get(record[:2], [])) for record in records]


def is_plain(is_error: bool, responses: int, content: str) -> bool:
    """Whether the content is all that was sent, or, of an error, all that was not.

    Nearly all records are so, and need no look at the table of parts.
    """
    return responses == 0 if is_error or not content else responses == 1


def _messages(record: Recorded, parts: list[SentMessage]) -> Messages:
    if record.responses > len(parts) and record.content:
        last = SentMessage(clock.from_us(record.at), record.content)
        return Messages((*parts, last), failed_later=record.is_error)
    return Messages(tuple(parts), attempted=record.content)


def _parts(records: Sequence[Recorded]) -> dict[tuple[int, ...], list[SentMessage]]:
    """Messages by delivery and attempt."""
    parts: dict[tuple[int, ...], list[SentMessage]] = defaultdict(list)
    if not records:
        return parts
    columns = [("delivery", "int"), ("attempt", "int")]
    rows = db.fetch(
        "SELECT p.delivery_id, p.attempt, p.sent_at, p.shared_id, p.content "
        f"FROM {db.json_table(columns)} "
        + db.lateral_join("records_part", "p", "p.delivery_id = v.delivery")
        + " WHERE p.attempt = v.attempt ORDER BY p.delivery_id, p.number",
        [db.json_param({record[:2] for record in records})],
    )
    for delivery, attempt, at, content in with_contents(rows):
        parts[delivery, attempt].append(SentMessage(clock.from_us(at), content))
    return parts
