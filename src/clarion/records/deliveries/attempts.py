"""The records: one for each attempt at a delivery."""

from collections.abc import Iterable
from typing import NamedTuple

from clarion.kit import db
from clarion.records.deliveries.shared import pack_all

_COLUMNS = [
    ("delivery", "int"), ("broadcast", "int"), ("channel", "int"), ("address", "int"),
    ("attempt", "int"), ("status", "text"), ("reason", "int"), ("responses", "int"),
    ("latency", "int"), ("at", "int"), ("shared", "int"), ("content", "text"),
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
    at: int  # microseconds
    content: str


def record(attempts: Iterable[Attempt], *, again: bool = False) -> None:
    """Write a record of each attempt. ``again``: those that are recorded already are left out."""
    made = list(attempts)
    packed = pack_all([(attempt.broadcast, attempt.content) for attempt in made])
    unknown = (
        " WHERE NOT EXISTS (SELECT 1 FROM records_record r WHERE r.address_id = v.address "
        "AND r.delivery_id = v.delivery AND r.attempt = v.attempt AND r.recorded_at = v.at)"
    )
    db.execute(
        "INSERT INTO records_record (delivery_id, broadcast_id, channel_id, address_id, attempt, "
        "status, reason_id, responses, latency, recorded_at, shared_id, content) "
        "SELECT delivery, broadcast, channel, address, attempt, status, reason, responses, "
        f"latency, at, shared, content FROM {db.json_table(_COLUMNS)}{unknown if again else ''}",
        [db.json_param((*attempt[:-1], *one) for attempt, one in zip(made, packed, strict=True))],
    )
