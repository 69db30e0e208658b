"""Expanding: one delivery per person, written before anything is sent.

Chunks go through the addresses in the order of their ids. A chunk, the tallies and the place it
reached are one transaction: after a crash the next chunk begins exactly where the last one ended.
"""

from django.db import transaction

from clarion.broadcasts.audience import Audience, Query, candidates, end_of_chunk
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.people import STOPPED
from clarion.broadcasts.states import BroadcastState
from clarion.kit import clock, db
from clarion.records import tallies, windup
from clarion.records.reasons import Wording, reason_ids

CHUNK = 20_000  # addresses of one transaction: about 0.1 s on SQLite, so that claims get a turn
STATES = (BroadcastState.SENDING, BroadcastState.PAUSED, BroadcastState.STOPPED)


def expand_chunk(broadcast: Broadcast, size: int = CHUNK) -> bool:
    """Write the next deliveries of a broadcast; return False when there was nothing to do.

    Whoever can't be sent to gets a delivery too, skipped with its reason; people in an open chat
    are held. Of a broadcast stopped meanwhile everyone is unsent.
    """
    wordings: dict[str, Wording] = {state: (state, text) for state, text in STOPPED.items()}
    reasons = reason_ids([*wordings.values(), windup.STOPPED])
    with transaction.atomic():
        locked = (
            Broadcast.objects.select_for_update(skip_locked=db.is_postgres())
            .filter(pk=broadcast.pk, state__in=STATES, expanded_at=None)
            .first()
        )
        if locked is None:
            return False
        audience, channel_ids = _audience(locked)
        now = clock.from_us(db.now_us())
        last = end_of_chunk(
            audience, channel_ids, broadcast_id=locked.pk, after=locked.expand_cursor, size=size
        )
        if last is None:
            Broadcast.objects.filter(pk=locked.pk).update(expanded_at=now)
            return True
        span = (locked.expand_cursor + 1, last)
        query = candidates(audience, channel_ids, broadcast_id=locked.pk, span=span)
        case = "CASE reason " + " ".join(
            f"WHEN '{state}' THEN {reasons[wording]}" for state, wording in wordings.items()
        )
        stopped = reasons[windup.STOPPED] if locked.state == BroadcastState.STOPPED else None
        written = _write(locked, query, span, f"{case} END", stopped)
        Broadcast.objects.filter(pk=locked.pk).update(
            expand_cursor=last, total=locked.total + written
        )
    return True


def _audience(broadcast: Broadcast) -> tuple[Audience, list[int]]:
    channel_ids = list(broadcast.channels.order_by("pk").values_list("pk", flat=True))
    return Audience.model_validate(broadcast.audience), channel_ids


def _write(
    broadcast: Broadcast, query: Query, span: tuple[int, int], reason: str, stopped: int | None
) -> int:
    """Insert the deliveries of one span of address ids, and their tallies."""
    leaves = "reason IN ('', 'open_chat')" if broadcast.end_open_chats else "reason = ''"
    state = (
        f"CASE WHEN {leaves} THEN 'queued' WHEN reason = 'open_chat' THEN 'held' ELSE 'skipped' END"
    )
    if stopped is not None:
        state = "CASE WHEN reason IN ('', 'open_chat') THEN 'unsent' ELSE 'skipped' END"
        reason = f"COALESCE({reason}, {stopped})"
    db.execute(
        "INSERT INTO records_delivery (broadcast_id, channel_id, address_id, state, reason_id, "
        "attempts, due_at, recovered, maybe_sent, moved_at) "
        f"SELECT %s, channel_id, address_id, {state}, {reason}, 0, 0, %s, %s, %s "
        f"FROM ({query.sql}) q WHERE reason <> 'excluded_tag' ORDER BY address_id",
        [broadcast.pk, False, False, db.now_us(), *query.params],
    )
    counted = db.fetch(
        "SELECT channel_id, state, count(*) FROM records_delivery "
        "WHERE broadcast_id = %s AND address_id BETWEEN %s AND %s GROUP BY channel_id, state",
        [broadcast.pk, *span],
    )
    tallies.add({(broadcast.pk, channel, state): count for channel, state, count in counted})
    return sum(count for _, _, count in counted)
