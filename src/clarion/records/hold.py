"""Holding deliveries of people whom an agent is talking to, and releasing them (G2)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.states import DeliveryState as D


def hold(address_id: int, broadcast_ids: Sequence[int]) -> int:
    """Hold what is queued for an address in these broadcasts; return how many deliveries."""
    if not broadcast_ids:
        return 0
    marks = ", ".join(["%s"] * len(broadcast_ids))
    return _switch(
        D.QUEUED, D.HELD, f"address_id = %s AND broadcast_id IN ({marks})",
        [address_id, *broadcast_ids],
    )  # fmt: skip


def release(address_ids: Sequence[int]) -> int:
    """Queue everything that is held for these addresses; return how many deliveries."""
    ids = db.json_param([key] for key in address_ids)
    return _switch(D.HELD, D.QUEUED, f"address_id {db.in_list()}", [ids])


def release_in(broadcast_id: int, address_ids: Sequence[int] | None = None) -> int:
    """Queue what one broadcast holds, for all or for these addresses; return how many."""
    # The sum keeps both databases from walking through all the broadcast's deliveries: held ones
    # are few, and have an index of their own.
    where, params = "broadcast_id + 0 = %s", [broadcast_id]
    if address_ids is None:
        return _switch(D.HELD, D.QUEUED, f"{where} AND address_id > 0", params)
    among = f"address_id {db.in_list()}"
    ids = db.json_param([key] for key in address_ids)
    return _switch(D.HELD, D.QUEUED, f"{where} AND {among}", [*params, ids])


def held_since(broadcast_id: int) -> datetime | None:
    """Since when the one who waits longest is held by a broadcast; None when nobody is."""
    found = db.fetch(
        "SELECT min(moved_at) FROM records_delivery "
        "WHERE state = 'held' AND address_id > 0 AND broadcast_id + 0 = %s",
        [broadcast_id],
    )
    return clock.from_us(found[0][0]) if found[0][0] is not None else None


def release_leftover() -> int:
    """Queue what is held for people whose chat is not open (any more); return how many.

    A chat that is closed while a broadcast to its person is being expanded may leave such rows.
    """
    return _switch(
        D.HELD, D.QUEUED,
        "address_id > 0 AND NOT EXISTS (SELECT 1 FROM chats_chat AS c "
        f"WHERE c.address_id = records_delivery.address_id AND c.state = 'open'"
        f"{db.planner_fence()})",
        [],
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Held:
    """One delivery that waits for a chat to be closed."""

    since: datetime
    broadcast_id: int
    title: str
    text: str


def held_for(address_id: int) -> list[Held]:
    """What is held for an address, oldest first."""
    found = db.fetch(
        "SELECT d.moved_at, d.broadcast_id, coalesce(b.title, ''), coalesce(b.text, '') "
        "FROM records_delivery AS d LEFT JOIN broadcasts_broadcast AS b ON b.id = d.broadcast_id "
        "WHERE d.address_id = %s AND d.state = 'held' ORDER BY d.moved_at, d.id",
        [address_id],
    )
    return [Held(clock.from_us(row[0]), *row[1:]) for row in found]


def held_counts(address_ids: Sequence[int]) -> dict[int, int]:
    """How many deliveries are held for each of these addresses that has some."""
    return dict(
        db.fetch(
            "SELECT address_id, count(*) FROM records_delivery WHERE state = 'held' "
            f"AND address_id {db.in_list()} GROUP BY address_id",
            [db.json_param([key] for key in address_ids)],
        )
    )


def _switch(before: D, after: D, where: str, params: Sequence[Any]) -> int:
    with db.write():
        # The state stands in the text and not in a parameter: the partial index needs to see it.
        rows = db.fetch(
            "UPDATE records_delivery SET state = %s, moved_at = %s "
            f"WHERE state = '{before.value}' AND {where} RETURNING broadcast_id, channel_id",
            [after.value, clock.now_us(), *params],
        )
        deltas: dict[tuple[int, int, str], int] = {}
        for broadcast_id, channel_id in rows:
            for state, delta in ((before, -1), (after, 1)):
                key = (broadcast_id, channel_id, state.value)
                deltas[key] = deltas.get(key, 0) + delta
        tallies.add(deltas)
    return len(rows)
