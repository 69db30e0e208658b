"""Waits of a broadcast whose story's webhook answers nobody."""

from django.db import transaction

from clarion.broadcasts import events
from clarion.broadcasts.models import Broadcast
from clarion.kit import clock, db

LEAST_WAIT, MOST_WAIT = clock.SECOND, 60 * clock.SECOND


def wait(broadcast_id: int, reason: str) -> None:
    """Let nothing of it leave for a while, which doubles with each wait up to MOST_WAIT."""
    with db.write():
        now = db.now_us()
        rows = db.fetch(
            "SELECT waits_since FROM broadcasts_broadcast WHERE id = %s" + db.for_no_key_update(),
            [broadcast_id],
        )
        since = (rows and rows[0][0]) or now
        if rows and rows[0][0] is None:
            events.observe(broadcast_id, "webhook_waits", reason=reason)
        until = now + min(max(now - since, LEAST_WAIT), MOST_WAIT)
        db.execute(
            "UPDATE broadcasts_broadcast SET waits_until = %s, waits_since = %s, waits_reason = %s "
            "WHERE id = %s",
            [until, since, reason, broadcast_id],
        )


def wait_for_probe(broadcast_id: int, until: int) -> None:
    """A wait is over, and one message was claimed: nothing else until it has ended, microseconds.

    In the transaction that has locked the broadcast.
    """
    db.execute(
        "UPDATE broadcasts_broadcast SET waits_until = %s WHERE id = %s", [until, broadcast_id]
    )


def end_wait(broadcast_id: int) -> bool:
    """Let it be sent again. False: it did not wait."""
    waiting = Broadcast.objects.filter(pk=broadcast_id, waits_until__isnull=False)
    return bool(waiting.update(waits_until=None, waits_since=None, waits_reason=""))


def note_answered(broadcast_id: int) -> None:
    """Its story's webhook answers again: end its wait."""
    with transaction.atomic():
        if end_wait(broadcast_id):
            events.observe(broadcast_id, "webhook_answers")
