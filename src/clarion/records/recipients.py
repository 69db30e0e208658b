"""To whom a message was sent, by our id of it."""

from typing import NamedTuple

from clarion.kit import db
from clarion.records import message_ids
from clarion.records.directory import directory
from clarion.records.states import DeliveryState as D

_NOT_SENT = frozenset({D.QUEUED, D.HELD, D.SKIPPED, D.UNSENT})


class Recipient(NamedTuple):
    """Whom a message is for, and whether it has left, as far as that is known."""

    user_id: str
    was_sent: bool


def recipient_of(channel_id: int, message_id: str) -> Recipient | None:
    """Whom the message with this id is for; None where the channel has no such message."""
    own_id = message_ids.parse(message_id)
    broadcast = directory().with_keys([own_id.key]).get(own_id.key) if own_id else None
    if own_id is None or broadcast is None:
        return None
    rows = db.fetch(
        "SELECT a.value, d.state FROM records_delivery AS d"
        " JOIN contacts_address AS a ON a.id = d.address_id"
        " WHERE d.id = %s AND d.broadcast_id = %s AND d.channel_id = %s",
        [own_id.delivery, broadcast, channel_id],
    )
    return Recipient(rows[0][0], rows[0][1] not in _NOT_SENT) if rows else None
