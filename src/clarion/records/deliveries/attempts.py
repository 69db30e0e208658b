"""The records: one for each attempt at a delivery."""

from collections.abc import Iterable
from typing import NamedTuple

from clarion.kit import db, text
from clarion.records.deliveries.shared import pack_all

_COLUMNS = [
    ("delivery_id", "int"), ("broadcast_id", "int"), ("channel_id", "int"), ("address_id", "int"),
    ("attempt", "int"), ("status", "text"), ("reason_id", "int"), ("responses", "int"),
    ("latency", "int"), ("request_time", "int"), ("recorded_at", "int"), ("shared_id", "int"),
    ("content", "text"),
]  # fmt: skip


class Attempt(NamedTuple):
    """An attempt to be recorded; the fields are those of the model Record."""

    delivery: int
    broadcast: int
    channel: int
    address: int
    attempt: int
    status: str
    reason: int | None
    responses: int
    latency: int  # microseconds
    request_time: int  # microseconds
    at: int  # microseconds
    content: str


def record(attempts: Iterable[Attempt], *, again: bool = False) -> None:
    """Write a record of each attempt. ``again``: those that are recorded already are left out."""
    attempts = list(attempts)
    packed = pack_all(
        [((attempt.broadcast, None), text.storable(attempt.content)) for attempt in attempts]
    )
    rows = [(*attempt[:-1], *content) for attempt, content in zip(attempts, packed, strict=True)]
    if not again:
        db.copy_or_insert("records_record", _COLUMNS, rows, {})
        return
    names = ", ".join(name for name, _ in _COLUMNS)
    recorded = (
        "SELECT 1 FROM records_record r WHERE r.address_id = v.address_id AND "
        "r.delivery_id = v.delivery_id AND r.attempt = v.attempt AND r.recorded_at = v.recorded_at"
    )
    db.execute(
        f"INSERT INTO records_record ({names}) SELECT {names} FROM {db.json_table(_COLUMNS)} "
        f"WHERE NOT EXISTS ({recorded})",
        [db.json_param(rows)],
    )
