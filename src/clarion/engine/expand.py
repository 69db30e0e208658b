"""Expanding: one delivery per person, written before anything is sent.

Chunks go through the addresses in the order of their ids. A chunk, the tallies and the place it
reached are one transaction: after a crash the next chunk begins exactly where the last one ended.
"""

from collections import Counter
from typing import Any

from django.db import transaction
from django.db.models import F

from clarion.broadcasts.audience import Audience, Query, candidates, end_of_chunk
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reasons import SKIPPED
from clarion.broadcasts.states import BroadcastState
from clarion.chats import control as chats
from clarion.kit import clock, db
from clarion.records import cancel, progress, tallies
from clarion.records.reasons import Wording, reason_ids

CHUNK = 20_000  # addresses of one transaction: about 0.1 s on SQLite, so that claims get a turn
STATES = (BroadcastState.SENDING, BroadcastState.PAUSED, BroadcastState.STOPPED)


def expand_chunk(broadcast: Broadcast, size: int = CHUNK) -> bool:
    """Write the next deliveries of a broadcast; return False when there was nothing to do.

    Whoever can't be sent to gets a delivery too, skipped with its reason; people in an open chat
    are held. Of a broadcast stopped meanwhile everyone is unsent.
    """
    reasons = drop_reasons()
    with transaction.atomic():
        unexpanded = Broadcast.objects.filter(pk=broadcast.pk, state__in=STATES, expanded_at=None)
        locked = db.select_unlocked(unexpanded).first()
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
        written = _write(locked, query, span, reasons)
        if locked.restart_of_id is not None:
            progress.hand_on(locked.restart_of_id, locked.pk, span)
        if locked.end_open_chats:
            end_chats(locked.pk, span)
        Broadcast.objects.filter(pk=locked.pk).update(
            expand_cursor=last, total=locked.total + written
        )
    return True


def _audience(broadcast: Broadcast) -> tuple[Audience, list[int]]:
    channel_ids = list(broadcast.channels.order_by("pk").values_list("pk", flat=True))
    return Audience.model_validate(broadcast.audience), channel_ids


def drop_reasons() -> dict[str, int]:
    """The ids of all reasons why a delivery is written that never leaves, by the query's words.

    To be called before the transaction that uses them: two that stored the same reasons at the
    same time would wait for each other.
    """
    wordings: dict[str, Wording] = {state: (state, text) for state, text in SKIPPED.items()}
    wordings[BroadcastState.STOPPED] = cancel.STOPPED
    ids = reason_ids(wordings.values())
    return {state: ids[wording] for state, wording in wordings.items()}


def _write(
    broadcast: Broadcast, query: Query, span: tuple[int, int], reasons: dict[str, int]
) -> int:
    """Insert the deliveries of one span of address ids, and their tallies."""
    sql, params = _insert(broadcast, query, reasons)
    db.execute(sql, params)
    counted = db.fetch(
        "SELECT channel_id, state, count(*) FROM records_delivery "
        "WHERE broadcast_id = %s AND address_id BETWEEN %s AND %s GROUP BY channel_id, state",
        [broadcast.pk, *span],
    )
    tallies.add({(broadcast.pk, channel, state): count for channel, state, count in counted})
    return sum(count for _, _, count in counted)


def write_for(
    broadcast: Broadcast, query: Query, occurrence: int, reasons: dict[str, int]
) -> dict[int, int]:
    """Insert one delivery for each row of a query about a few people, and their tallies.

    ``occurrence``: how often the trigger had fired for them before. Returns the delivery of each
    address; who has one already is left out. To be called within a transaction.
    """
    sql, params = _insert(broadcast, query, reasons, occurrence)
    written = db.fetch(
        f"{sql} ON CONFLICT (broadcast_id, address_id, occurrence) DO NOTHING "
        "RETURNING id, address_id, channel_id, state",
        params,
    )
    counts = Counter((broadcast.pk, channel, state) for _, _, channel, state in written)
    tallies.add(dict(counts))
    Broadcast.objects.filter(pk=broadcast.pk).update(total=F("total") + len(written))
    return {address: delivery for delivery, address, _, _ in written}


def _insert(
    broadcast: Broadcast, query: Query, reasons: dict[str, int], occurrence: int = 0
) -> tuple[str, list[Any]]:
    """The statement that inserts one delivery for each row of the query."""
    cases = " ".join(f"WHEN '{state}' THEN {key}" for state, key in reasons.items())
    because = f"CASE reason {cases} END"
    leaves = "reason IN ('', 'open_chat')" if broadcast.end_open_chats else "reason = ''"
    state = (
        f"CASE WHEN {leaves} THEN 'queued' WHEN reason = 'open_chat' THEN 'held' ELSE 'skipped' END"
    )
    if broadcast.state == BroadcastState.STOPPED:
        state = "CASE WHEN reason IN ('', 'open_chat') THEN 'unsent' ELSE 'skipped' END"
        because = f"COALESCE({because}, {reasons[BroadcastState.STOPPED]})"
    sql = (
        "INSERT INTO records_delivery (broadcast_id, channel_id, address_id, occurrence, state, "
        "reason_id, attempts, due_at, recovered, maybe_sent, has_progress, moved_at) "
        f"SELECT %s, channel_id, address_id, %s, {state}, {because}, 0, 0, %s, %s, %s, %s "
        f"FROM ({query.sql}) q WHERE reason <> 'excluded_tag' ORDER BY address_id"
    )
    return sql, [broadcast.pk, occurrence, False, False, False, db.now_us(), *query.params]


def end_chats(broadcast_id: int, span: tuple[int, int]) -> None:
    """Close the open chats of those who get this broadcast (G1); ``span``: their address ids."""
    found = db.fetch(
        "SELECT c.address_id FROM chats_chat c JOIN records_delivery d "
        "ON d.broadcast_id = %s AND d.address_id = c.address_id AND d.state = 'queued' "
        "WHERE c.state = 'open' AND c.address_id BETWEEN %s AND %s",
        [broadcast_id, *span],
    )
    if found:
        chats.close_all([row[0] for row in found], broadcast_id)
