"""Claiming: queued deliveries become a worker's, who alone may send them from then on."""

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from clarion.kit import db
from clarion.records import tallies
from clarion.records.deliveries.guards import in_state
from clarion.records.states import DeliveryState as D
from clarion.records.states import sources

_BEFORE = sources(D.SENDING)
MOST_HELD = 5_000  # deliveries of a worker that are read at once


class ClaimedRow(NamedTuple):
    """What a claim reads of a delivery."""

    delivery: int
    broadcast: int
    address: int
    attempts: int
    maybe_sent: bool
    due_at: int  # microseconds
    has_progress: bool


def claim_rows(
    worker_id: int, channel_id: int, portions: Iterable[tuple[int, int]], limit: int, now: int
) -> list[ClaimedRow]:
    """Claim due deliveries of a channel; return up to ``limit``, in the order of ``portions``.

    ``portions``: broadcasts, each with the most to take of it. ``now``: microseconds by the shared
    clock.
    """
    rows: list[ClaimedRow] = []
    for broadcast_id, most in portions:
        if len(rows) < limit:
            most = min(most, limit - len(rows))
            rows += _take(worker_id, channel_id, broadcast_id, most, now)
    before, after = D.QUEUED.value, D.SENDING.value
    counts = Counter([row.broadcast for row in rows])
    tallies.shift({(key, channel_id, before, after): count for key, count in counts.items()})
    return rows


def read_claimed(deliveries: Iterable[int]) -> list[ClaimedRow]:
    """What a claim had read of these deliveries; without those that are gone."""
    rows = db.fetch(
        "SELECT id, broadcast_id, address_id, attempts, maybe_sent, due_at, has_progress "
        f"FROM records_delivery WHERE id {db.in_list()}",
        [db.json_param([key] for key in deliveries)],
    )
    return [ClaimedRow._make(row) for row in rows]


def first_holder(broadcast_id: int) -> int | None:
    """Of the workers that hold deliveries of a broadcast the one that was registered first, if any.

    What is queued is looked through with it, so it is to be asked when little of that is left.
    """
    rows = db.fetch(
        "SELECT min(worker_id) FROM records_delivery "
        f"WHERE broadcast_id = %s AND {in_state([D.SENDING])}",
        [broadcast_id],
    )
    holder: int | None = rows[0][0]
    return holder


def completed_delivery(broadcast_id: int) -> int | None:
    """A delivery of a broadcast that has got everything, if there is one."""
    rows = db.fetch(
        "SELECT delivery_id FROM records_record WHERE broadcast_id = %s AND status = 'completed' "
        "LIMIT 1",
        [broadcast_id],
    )
    return rows[0][0] if rows else None


def occurrences(deliveries: Iterable[int]) -> dict[int, int]:
    """How often the trigger had fired for the contact before, for each of these deliveries."""
    rows = db.fetch(
        f"SELECT id, occurrence FROM records_delivery WHERE id {db.in_list()}",
        [db.json_param([key] for key in deliveries)],
    )
    return dict(rows)


def _take(
    worker_id: int, channel_id: int, broadcast_id: int, most: int, now: int
) -> Iterable[ClaimedRow]:
    due = (
        "SELECT id FROM records_delivery WHERE broadcast_id = %s AND channel_id = %s "
        f"AND {in_state(_BEFORE)} AND due_at <= %s ORDER BY due_at, id LIMIT %s{db.skip_locked()}"
    )
    rows = db.fetch(
        "UPDATE records_delivery SET state = 'sending', worker_id = %s, moved_at = %s "
        f"WHERE id {db.in_subquery(due)} RETURNING id, broadcast_id, address_id, attempts, "
        "maybe_sent, due_at, has_progress",
        [worker_id, now, broadcast_id, channel_id, now, most],
    )
    return map(ClaimedRow._make, rows)


def claimed_by(worker_id: int, before: int | None = None) -> list[tuple[int, int, int]]:
    """What a worker holds, up to 5,000: delivery, broadcast, channel.

    ``before``: only what it claimed before this moment, in microseconds. All that is queued is
    looked through, 1 s for 1,000,000 on PostgreSQL: for an index of their own claims would have to
    pay each time, and this is asked after a crash.
    """
    where, params = ("", []) if before is None else (" AND moved_at < %s", [before])
    # By its statistics PostgreSQL may take all that has been sent for less than what is queued.
    with db.disable_plans("seqscan"):
        return db.fetch(
            "SELECT id, broadcast_id, channel_id FROM records_delivery "
            f"WHERE {in_state([D.SENDING])} AND worker_id = %s{where} LIMIT %s",
            [worker_id, *params, MOST_HELD],
        )
