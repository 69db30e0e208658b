"""Holding deliveries of contacts whom an agent is talking to, and releasing them (G2)."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.deliveries.guards import in_state
from clarion.records.states import DeliveryState as D
from clarion.records.states import sources

Moved = Counter[int]  # broadcast -> how many of its deliveries


def hold(address_id: int, broadcast_ids: Sequence[int]) -> Moved:
    """Hold what is queued for an address in these broadcasts."""
    if not broadcast_ids:
        return Moved()
    marks = ", ".join(["%s"] * len(broadcast_ids))
    return _switch(
        D.QUEUED, D.HELD, f"address_id = %s AND broadcast_id IN ({marks})",
        [address_id, *broadcast_ids],
    )  # fmt: skip


def release(address_ids: Sequence[int]) -> Moved:
    """Queue everything that is held for these addresses."""
    ids = db.json_param([key] for key in address_ids)
    return _switch(D.HELD, D.QUEUED, f"address_id {db.in_list()}", [ids])


def release_in(broadcast_id: int, address_ids: Sequence[int] | None = None) -> Moved:
    """Queue what one broadcast holds, for all or for these addresses."""
    # The sum keeps both databases from walking through all the broadcast's deliveries: held ones
    # are few, and have an index of their own.
    where, params = "broadcast_id + 0 = %s", [broadcast_id]
    if address_ids is None:
        return _switch(D.HELD, D.QUEUED, f"{where} AND address_id > 0", params)
    ids = db.json_param([key] for key in address_ids)
    return _switch(D.HELD, D.QUEUED, f"{where} AND address_id {db.in_list()}", [*params, ids])


def release_leftover() -> Moved:
    """Queue what is held for contacts whose chat is not open (any more).

    A chat that is closed while a broadcast to its contact is being expanded may leave such rows.
    """
    return _switch(
        D.HELD, D.QUEUED,
        "address_id > 0 AND NOT EXISTS (SELECT 1 FROM chats_chat AS c "
        f"WHERE c.address_id = records_delivery.address_id AND c.state = 'open'"
        f"{db.planner_fence()})",
        [],
    )  # fmt: skip


def _switch(before: D, after: D, where: str, params: Sequence[Any]) -> Moved:
    with db.write():
        rows = db.fetch(
            "UPDATE records_delivery SET state = %s, moved_at = %s "
            f"WHERE {in_state(sources(after, among={before}))} AND {where} "
            "RETURNING broadcast_id, channel_id",
            [after, clock.now_us(), *params],
        )
        tallies.shift(Counter((*row, before.value, after.value) for row in rows))
    return Counter(broadcast for broadcast, _ in rows)
