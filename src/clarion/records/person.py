"""What one person was sent, and why or why not (N1)."""

from dataclasses import dataclass
from datetime import datetime

from clarion.kit import clock, db

LOOKED_AT = 500  # broadcasts, newest first


@dataclass(frozen=True, slots=True)
class Place:
    """This person's place in one broadcast."""

    moved_at: datetime
    broadcast_id: int
    title: str
    channel: str
    state: str
    reason: str
    attempts: int
    record_id: int | None  # the newest attempt


def history(contact_id: int, limit: int = 50) -> list[Place]:
    """Where this person stands in the newest broadcasts that they are part of.

    Of the last 500 broadcasts; each is a look-up in the index of deliveries.
    """
    found = db.fetch(
        "SELECT d.moved_at, b.id, b.title, h.name, d.state, coalesce(o.text, ''), d.attempts,"
        " (SELECT max(r.id) FROM records_record AS r"
        "  WHERE r.address_id = d.address_id AND r.delivery_id = d.id)"
        " FROM (SELECT id, title FROM broadcasts_broadcast ORDER BY id DESC LIMIT %s) AS b"
        " CROSS JOIN contacts_address AS a"
        " JOIN records_delivery AS d ON d.broadcast_id = b.id AND d.address_id = a.id"
        " JOIN channels_channel AS h ON h.id = d.channel_id"
        " LEFT JOIN records_reason AS o ON o.id = d.reason_id"
        " WHERE a.contact_id = %s ORDER BY b.id DESC, d.id DESC LIMIT %s",
        [LOOKED_AT, contact_id, limit],
    )
    return [Place(clock.from_us(row[0]), *row[1:]) for row in found]
