"""One record as people see it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.contacts.identities import USER_ID
from clarion.kit import clock, db
from clarion.records.contents import with_contents
from clarion.records.directory import directory
from clarion.records.messages import Messages, Recorded, messages_of


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
    delivery_id: int
    in_doubt: bool  # nobody knows whether its last message was sent
    messages: Messages


_COLUMNS = (
    "r.id, r.recorded_at, r.broadcast_id, coalesce(h.name, ''),"
    f" coalesce(h.kind, ''), r.address_id, coalesce(c.id, 0), coalesce({USER_ID}, ''),"
    " coalesce(c.name, ''), r.status, coalesce(o.text, ''), coalesce(o.code, ''), r.attempt,"
    " r.responses, r.latency, r.delivery_id,"
    # Earlier attempts of the same delivery ended with a certain answer.
    " coalesce(r.status = 'error' AND d.state = 'in_doubt' AND r.attempt >= d.attempts, false),"
    " r.shared_id, r.content"
)
_TABLES = (
    "records_record AS r"
    " LEFT JOIN contacts_address AS a ON a.id = r.address_id"
    " LEFT JOIN contacts_contact AS c ON c.id = a.contact_id"
    " LEFT JOIN channels_channel AS h ON h.id = r.channel_id"
    " LEFT JOIN records_reason AS o ON o.id = r.reason_id"
    " LEFT JOIN records_delivery AS d ON d.id = r.delivery_id"
)


def load(ids: Sequence[int]) -> list[RecordRow]:
    """The records with these ids, in this order; without those that are gone meanwhile."""
    if not ids:
        return []
    rows = {row.id: row for row in read(f"r.id IN ({', '.join(['%s'] * len(ids))})", list(ids))}
    return [rows[key] for key in ids if key in rows]


def read(where: str, params: Sequence[Any]) -> list[RecordRow]:
    """The records AS r that meet a condition, in its order if it has one."""
    rows = with_contents(db.fetch(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {where}", params))
    titles = directory().titles({row[2] for row in rows})
    messages = messages_of([_recorded(row) for row in rows])
    return [
        RecordRow(
            row[0],
            clock.from_us(row[1]),
            row[2],
            titles.get(row[2], ""),
            *(*row[3:-2], bool(row[-2]), of_it),
        )
        for row, of_it in zip(rows, messages, strict=True)
    ]


def _recorded(row: tuple[Any, ...]) -> Recorded:
    attempt, responses, _, delivery, _, content = row[-6:]
    return Recorded(delivery, attempt, row[9] == "error", responses, row[1], content)
