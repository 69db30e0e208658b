"""The latency of large broadcasts, kept: it is read from every record, which takes seconds.

A worker reads it once there are enough messages, and again when more were sent or delivered. So it
is exact, of the moment that it was read at; of a broadcast that has ended it is exact for good.
Nothing needs to be repaired: what differs from the tallies is read again.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.latency import SHARES, Percentiles, latency
from clarion.records.states import COMPLETED
from clarion.records.states import DeliveryState as D

KEPT_FROM: Final = 20_000  # messages sent; fewer are read in less than 100 ms
_REST: Final = 60 * clock.SECOND  # between two readings of a broadcast, at least,
_REST_FOLD: Final = 100  # and so many times as long as a reading takes
_ARRIVED: Final = (D.DELIVERED, D.READ)


@dataclass(frozen=True, slots=True)
class Latency:
    """The percentiles of a broadcast by span, see ``records.latency``."""

    spans: Mapping[str, Percentiles]
    at: datetime | None = None  # when they were read, if more was sent or delivered since


def latency_of(broadcast_id: int) -> Latency:
    """The latency of a broadcast's completed records: as it is now, or as it was kept."""
    sent, arrived = _sent_and_arrived(broadcast_id)
    if sent >= KEPT_FROM:
        rows = db.fetch(
            "SELECT spans, sent, arrived, read_at FROM records_keptlatency WHERE broadcast_id = %s",
            [broadcast_id],
        )
        for spans, *numbers, read_at in rows:
            is_new = numbers == [sent, arrived]
            return Latency(_unpacked(spans), None if is_new else clock.from_us(read_at))
    return Latency(latency(broadcast_id))


def _sent_and_arrived(broadcast_id: int) -> tuple[int, int]:
    counts = tallies.counts([broadcast_id])[broadcast_id]
    return sum(counts[state] for state in COMPLETED), sum(counts[state] for state in _ARRIVED)


def keep() -> int:
    """Read the latency of one broadcast that needs it; return how many that were.

    At any time, by any number of processes. No lock is held meanwhile.
    """
    rows = db.fetch(
        "SELECT t.broadcast_id, t.sent, t.arrived FROM (SELECT broadcast_id,"
        f" {_sum(COMPLETED)} AS sent, {_sum(_ARRIVED)} AS arrived FROM records_tally"
        f" GROUP BY broadcast_id HAVING {_sum(COMPLETED)} >= %s) AS t"
        " LEFT JOIN records_keptlatency AS k ON k.broadcast_id = t.broadcast_id"
        " WHERE k.id IS NULL OR ((k.sent <> t.sent OR k.arrived <> t.arrived)"
        f" AND k.read_at + {_REST} + {_REST_FOLD} * k.took <= %s)"
        " ORDER BY coalesce(k.read_at, 0), t.broadcast_id LIMIT 1",
        [KEPT_FROM, clock.now_us()],
    )
    for broadcast_id, sent, arrived in rows:
        # The numbers first: what comes while the records are read is read again.
        began = clock.now_us()
        spans = latency(broadcast_id)
        _store(broadcast_id, spans, (sent, arrived, began, max(0, clock.now_us() - began)))
    return len(rows)


def _sum(states: Sequence[str]) -> str:
    among = ", ".join(f"'{state}'" for state in states)
    return f"CAST(sum(CASE WHEN state IN ({among}) THEN delta ELSE 0 END) AS bigint)"


def _store(
    broadcast_id: int, spans: Mapping[str, Percentiles], numbers: tuple[int, int, int, int]
) -> None:
    columns = ("spans", "sent", "arrived", "read_at", "took")
    with db.write():
        db.execute(
            f"INSERT INTO records_keptlatency (broadcast_id, {', '.join(columns)})"
            " SELECT CAST(%s AS bigint), %s, CAST(%s AS bigint), CAST(%s AS bigint),"
            " CAST(%s AS bigint), CAST(%s AS bigint)"
            # Not of one that is being deleted.
            " WHERE EXISTS (SELECT 1 FROM records_tally WHERE broadcast_id = %s)"
            " ON CONFLICT (broadcast_id) DO UPDATE SET "
            + ", ".join(f"{name} = excluded.{name}" for name in columns),
            [broadcast_id, _packed(spans), *numbers, broadcast_id],
        )


def _packed(spans: Mapping[str, Percentiles]) -> str:
    return json.dumps(
        {
            span: [percentiles.messages, *(percentiles.within[share] for share in SHARES)]
            for span, percentiles in spans.items()
        }
    )


def _unpacked(spans: str) -> dict[str, Percentiles]:
    return {
        span: Percentiles(messages, dict(zip(SHARES, within, strict=True)))
        for span, (messages, *within) in json.loads(spans).items()
    }


def delete(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete what is kept of up to ``limit`` of these broadcasts, which are going; return how
    many."""
    where = f"broadcast_id IN ({', '.join(['%s'] * len(broadcast_ids))})"
    return db.delete_first("records_keptlatency", where, "broadcast_id", broadcast_ids, limit)
