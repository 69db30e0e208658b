"""Expanding: one delivery per person, written before anything is sent.

Chunks go through the addresses in the order of their ids. A chunk, the tallies and the place it
reached are one transaction: after a crash the next chunk begins exactly where the last one ended.
"""

from django.db import transaction

from clarion.broadcasts import events
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import Audience, Query, audience_of, candidates, end_of_chunk
from clarion.broadcasts.reasons import EXCLUDED, SKIPPED
from clarion.broadcasts.sending import note_chunk, note_expanded
from clarion.broadcasts.states import BroadcastState
from clarion.chats import control as chats
from clarion.kit import clock, db
from clarion.records.deliveries import cancel
from clarion.records.deliveries.guards import in_state
from clarion.records.deliveries.progress import hand_on
from clarion.records.deliveries.write import Fate, Recipients, write_new
from clarion.records.reasons import Wording, reason_ids
from clarion.records.states import DeliveryState as D

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
            note_expanded(locked.pk, now)
            events.note_expanded(locked)
            return True
        span = (locked.expand_cursor + 1, last)
        query = candidates(audience, channel_ids, broadcast_id=locked.pk, span=span)
        written = write_new(locked.pk, recipients(locked, query, reasons), span)
        if locked.restart_of_id is not None:
            hand_on(locked.restart_of_id, locked.pk, span)
        if locked.end_open_chats:
            end_chats(locked.pk, span)
        note_chunk(locked.pk, last, written)
    return True


def _audience(broadcast: Broadcast) -> tuple[Audience, list[int]]:
    channel_ids = list(broadcast.channels.order_by("pk").values_list("pk", flat=True))
    return audience_of(broadcast), channel_ids


def drop_reasons() -> dict[str, int]:
    """The ids of all reasons why a delivery is written that never leaves, by the query's words.

    To be called before the transaction that uses them: two that stored the same reasons at the
    same time would wait for each other.
    """
    wordings: dict[str, Wording] = {state: (state, text) for state, text in SKIPPED.items()}
    wordings[BroadcastState.STOPPED] = cancel.STOPPED
    ids = reason_ids(wordings.values())
    return {state: ids[wording] for state, wording in wordings.items()}


def recipients(broadcast: Broadcast, query: Query, reasons: dict[str, int]) -> Recipients:
    """What is written for each person of a query; ``reasons`` as from ``drop_reasons``."""
    if broadcast.state == BroadcastState.STOPPED:
        fit = in_chat = Fate(D.UNSENT, reasons[BroadcastState.STOPPED])
    else:
        fit = Fate(D.QUEUED)
        in_chat = fit if broadcast.end_open_chats else Fate(D.HELD)
    skipped = {reason: Fate(D.SKIPPED, reasons[reason]) for reason in SKIPPED}
    excluded = dict.fromkeys(EXCLUDED)
    fates = {"": fit, "open_chat": in_chat, **excluded, **skipped}
    return Recipients(query.sql, query.params, fates)


def end_chats(broadcast_id: int, span: tuple[int, int]) -> None:
    """Close the open chats of those who get this broadcast (G1); ``span``: their address ids."""
    rows = db.fetch(
        "SELECT c.address_id FROM chats_chat c JOIN records_delivery d "
        f"ON d.broadcast_id = %s AND d.address_id = c.address_id AND {in_state([D.QUEUED], 'd.')} "
        "WHERE c.state = 'open' AND c.address_id BETWEEN %s AND %s",
        [broadcast_id, *span],
    )
    if closed := chats.close_all([row[0] for row in rows], broadcast_id):
        events.observe(broadcast_id, "close_all", chats=closed)
