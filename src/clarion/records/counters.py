"""Numbers that only grow, for monitoring: how much was sent, refused and reported since the start.

Unlike tallies and measures they outlast the broadcasts that were counted. Whoever moves deliveries
notes changes as rows in the same transaction; a number is the sum of its rows, and ``squash``
merges them from time to time.
"""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

from clarion.kit import clock, db

Key = tuple[int, str]  # channel id, name
REFUSED: Final = "refused:"  # and the class of the refusal
LATENCY: Final = "latency:"  # and the bucket's place in BUCKETS
LATENCY_SUM: Final = "latency_ms"
# Seconds from the moment a broadcast was due until a message was sent, at most. One more bucket
# has the rest.
BUCKETS: Final = (1, 2, 5, 10, 30, 60, 300, 900, 3_600, 14_400, 86_400)
_BOUNDS: Final = [most * clock.SECOND for most in BUCKETS]


def add(changes: Mapping[Key, int]) -> None:
    """Note how much was added to numbers, part of the caller's transaction. Raises ValueError for
    what would make a number smaller.
    """
    rows = [(*key, delta) for key, delta in changes.items() if delta]
    if any(delta < 0 for *_, delta in rows):
        raise ValueError("a counter never gets smaller")
    if rows:
        values = ", ".join(["(%s, %s, %s)"] * len(rows))
        db.execute(
            f"INSERT INTO records_count (channel_id, name, delta) VALUES {values}",
            [value for row in rows for value in row],
        )


def latencies(pairs: Sequence[tuple[int, int]]) -> dict[Key, int]:
    """What messages add that were sent: for each its channel, and how long it took (µs)."""
    buckets = Counter([(channel, bisect_left(_BOUNDS, latency)) for channel, latency in pairs])
    grown: dict[Key, int] = {
        (channel, f"{LATENCY}{bucket}"): count for (channel, bucket), count in buckets.items()
    }
    for channel in {channel for channel, _ in pairs}:
        total = sum(latency for other, latency in pairs if other == channel)
        grown[channel, LATENCY_SUM] = max(0, total // 1_000)
    return grown


def totals() -> dict[Key, int]:
    """All numbers."""
    rows = db.fetch(
        "SELECT channel_id, name, CAST(sum(delta) AS bigint) FROM records_count"
        " GROUP BY channel_id, name"
    )
    return {(channel, name): number for channel, name, number in rows}


def squash() -> int:
    """Merge the rows; return how many that saved. May run in any number of processes at once."""
    with db.write():
        free = f"SELECT id FROM records_count{db.skip_locked()}"
        rows = db.fetch(
            f"DELETE FROM records_count WHERE id {db.in_subquery(free)} "
            "RETURNING channel_id, name, delta"
        )
        sums: defaultdict[Key, int] = defaultdict(int)
        for channel, name, delta in rows:
            sums[channel, name] += delta
        add(sums)
    return len(rows) - len(sums)
