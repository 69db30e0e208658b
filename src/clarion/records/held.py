"""Who is held, for whom and since when."""

from collections.abc import Sequence
from datetime import datetime

from clarion.kit import clock, db


def held_since(broadcast_id: int) -> datetime | None:
    """Since when the one who waits longest is held by a broadcast; None when nobody is."""
    rows = db.fetch(
        "SELECT min(moved_at) FROM records_delivery "
        "WHERE stage = 'held' AND address_id > 0 AND broadcast_id + 0 = %s",
        [broadcast_id],
    )
    return clock.from_us(rows[0][0]) if rows[0][0] is not None else None


def held_counts(address_ids: Sequence[int]) -> dict[int, int]:
    """How many deliveries are held for each of these addresses that has some."""
    return dict(
        db.fetch(
            "SELECT address_id, count(*) FROM records_delivery WHERE stage = 'held' "
            f"AND address_id {db.in_list()} GROUP BY address_id",
            [db.json_param([key] for key in address_ids)],
        )
    )
