"""The moments that a channel may send at, which all workers take from one row."""

import structlog

from clarion.kit import clock, db

log = structlog.get_logger()
SAME_WAIT = 60 * clock.SECOND


def advance(channel_id: int, next_slot_at: int) -> None:
    """Let the next message leave no earlier than at this moment, in microseconds.

    Part of the transaction that has locked the channel and taken the slots before.
    """
    db.execute(
        "UPDATE channels_channel SET next_slot_at = %s WHERE id = %s", [next_slot_at, channel_id]
    )


def wait(channel_id: int, now: int, until: int, reason: str) -> bool:
    """Let nothing leave before ``until``; a later moment that is set stays. All microseconds.

    A wait that follows another within a minute belongs to it: it has been waiting since then.
    Returns whether a wait began by this.
    """
    waits = db.fetch(
        "UPDATE channels_channel SET waits_until = %s, waits_reason = %s, waits_since = "
        "CASE WHEN waits_until > %s THEN COALESCE(waits_since, %s) ELSE %s END "
        "WHERE id = %s AND (waits_until IS NULL OR waits_until < %s) RETURNING waits_since",
        [until, reason, now - SAME_WAIT, now, now, channel_id, until],
    )
    began = waits == [(now,)]
    if began:
        log.warning("channel_waiting", channel=channel_id, seconds=(until - now) // clock.SECOND)
    return began


def waited(channel_id: int, now: int) -> None:
    """The provider takes messages again: forget a wait that is over by ``now``, microseconds."""
    ended = db.execute(
        "UPDATE channels_channel SET waits_until = NULL, waits_since = NULL, waits_reason = '' "
        "WHERE id = %s AND waits_until <= %s",
        [channel_id, now],
    )
    if ended:
        log.info("channel_active_again", channel=channel_id)
