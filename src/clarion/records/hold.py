"""Holding deliveries of people whom an agent is talking to, and releasing them (G2)."""

from collections.abc import Sequence

from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.states import DeliveryState as D


def hold(address_id: int, broadcast_ids: Sequence[int]) -> int:
    """Hold what is queued for an address in these broadcasts; return how many deliveries."""
    return _switch(D.QUEUED, D.HELD, address_id, broadcast_ids)


def release(address_id: int) -> int:
    """Queue everything that is held for an address; return how many deliveries."""
    return _switch(D.HELD, D.QUEUED, address_id, None)


def _switch(before: D, after: D, address_id: int, broadcast_ids: Sequence[int] | None) -> int:
    where, params = "", list(broadcast_ids or ())
    if broadcast_ids is not None:
        if not broadcast_ids:
            return 0
        where = f" AND broadcast_id IN ({', '.join(['%s'] * len(params))})"
    with db.write():
        # The state stands in the text and not in a parameter: the partial index needs to see it.
        rows = db.fetch(
            "UPDATE records_delivery SET state = %s, moved_at = %s "
            f"WHERE address_id = %s AND state = '{before.value}'{where} "
            "RETURNING broadcast_id, channel_id",
            [after.value, clock.now_us(), address_id, *params],
        )
        deltas: dict[tuple[int, int, str], int] = {}
        for broadcast_id, channel_id in rows:
            for state, delta in ((before, -1), (after, 1)):
                key = (broadcast_id, channel_id, state.value)
                deltas[key] = deltas.get(key, 0) + delta
        tallies.add(deltas)
    return len(rows)
