"""One record as people see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.kit import clock, db


@dataclass(frozen=True, slots=True)
class RecordRow:
    """One record with the words for what it points to, empty where that has been deleted."""

    id: int
    recorded_at: datetime
    broadcast_id: int
    broadcast: str  # its title
    channel: str
    kind: str  # of the channel
    chat: int  # the chat number
    contact_id: int  # 0 when the contact has been deleted
    user_id: str
    name: str
    status: str
    error: str  # empty for a completed record
    code: str
    attempt: int
    responses: int
    latency: int  # microseconds from the broadcast's scheduled moment
    content: str
    delivery_id: int


COLUMNS = (
    "r.id, r.recorded_at, r.broadcast_id, coalesce(b.title, ''), coalesce(h.name, ''),"
    " coalesce(h.kind, ''), r.address_id, coalesce(c.id, 0), coalesce(a.value, ''),"
    " coalesce(c.name, ''), r.status, coalesce(o.text, ''), coalesce(o.code, ''), r.attempt,"
    " r.responses, r.latency, r.content, r.delivery_id"
)
TABLES = (
    "records_record AS r"
    " LEFT JOIN contacts_address AS a ON a.id = r.address_id"
    " LEFT JOIN contacts_contact AS c ON c.id = a.contact_id"
    " LEFT JOIN channels_channel AS h ON h.id = r.channel_id"
    " LEFT JOIN broadcasts_broadcast AS b ON b.id = r.broadcast_id"
    " LEFT JOIN records_reason AS o ON o.id = r.reason_id"
)


def load(ids: Sequence[int]) -> list[RecordRow]:
    """The records with these ids, in this order; without those that are gone meanwhile."""
    if not ids:
        return []
    found = {
        row[0]: record_row(row)
        for row in db.fetch(
            f"SELECT {COLUMNS} FROM {TABLES} WHERE r.id IN ({', '.join(['%s'] * len(ids))})",
            list(ids),
        )
    }
    return [found[key] for key in ids if key in found]


def record_row(row: Sequence[Any]) -> RecordRow:
    """A record from the values of ``COLUMNS``."""
    return RecordRow(row[0], clock.from_us(row[1]), *row[2:])
