"""The moments that a channel may send at, which all workers take from one row."""

from clarion.kit import db


def advance(channel_id: int, next_slot_at: int) -> None:
    """Let the next message leave no earlier than at this moment, in microseconds.

    Part of the transaction that has locked the channel and taken the slots before.
    """
    db.execute(
        "UPDATE channels_channel SET next_slot_at = %s WHERE id = %s", [next_slot_at, channel_id]
    )


def throttle(channel_id: int, until: int) -> None:
    """Let nothing leave before this moment, in microseconds; a later one that is set stays."""
    db.execute(
        "UPDATE channels_channel SET throttled_until = %s "
        "WHERE id = %s AND (throttled_until IS NULL OR throttled_until < %s)",
        [until, channel_id, until],
    )
