"""The table of stored callbacks: what is stored, taken for a round, closed and deleted."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import from_json

from clarion.channels.contract import HookRequest
from clarion.channels.models import Channel
from clarion.engine.models import Callback, DropCount
from clarion.kit import clock, db

KEPT = 7 * 24 * 3_600 * clock.SECOND  # how long a callback of which something was dropped stays
MOST_KEPT = 10_000  # of them, the newest
FORGET = 5_000  # rows of one deletion
MOST_BYTES = 2_000_000  # of the bodies of one round; one callback may have a megabyte
_DUE = "state = 'waiting' AND lane = %s AND next_try_at <= %s"


@dataclass(slots=True)
class Taken:
    """A callback that was taken to be applied."""

    id: int
    channel: Channel
    hook: HookRequest
    tries: int
    dropped: str  # what was dropped of it before, a sentence


@dataclass(frozen=True, slots=True)
class Verified:
    """A verified callback that is to be stored."""

    channel_id: int
    hook: HookRequest
    lane: str


def store(verified: Sequence[Verified]) -> None:
    """Keep verified callbacks; a worker applies them soon.

    One statement, whatever their number: Python gives its lock up once, not once for each row.
    """
    values: list[Any] = []
    for callback in verified:
        at, headers = (
            clock.to_us(callback.hook.received_at),
            json.dumps(dict(callback.hook.headers)),
        )
        values += (
            callback.channel_id,
            at,
            headers,
            callback.hook.query,
            callback.hook.body,
            callback.lane,
            at,
        )
    rows = ", ".join(["(%s, %s, %s, %s, %s, %s, 'waiting', %s, 0, '')"] * len(verified))
    db.execute(
        "INSERT INTO engine_callback (channel_id, received_at, headers, query, body, lane, state, "
        f"next_try_at, tries, error) VALUES {rows}",
        values,
    )


def is_due(lane: str, at: int) -> bool:
    """Whether anything waits in a lane; asks without a lock."""
    return bool(db.fetch(f"SELECT 1 FROM engine_callback WHERE {_DUE} LIMIT 1", [lane, at]))


def take(lane: str, at: int, most: int) -> list[Taken]:
    """Lock the next callbacks of a lane, up to ``most`` and up to 2 MB of bodies."""
    sizes = db.fetch(
        f"SELECT id, length(body) FROM engine_callback WHERE {_DUE}"
        f" ORDER BY next_try_at LIMIT %s{db.skip_locked()}",
        [lane, at, most],
    )
    chosen: list[list[int]] = []
    room = MOST_BYTES
    for key, size in sizes:
        if chosen and size > room:
            break
        chosen.append([key])
        room -= size
    rows = db.fetch(
        "SELECT id, channel_id, received_at, headers, query, body, tries, error"
        f" FROM engine_callback WHERE id {db.in_list()} ORDER BY id",
        [db.json_param(chosen)],
    )
    channels = Channel.objects.in_bulk({row[1] for row in rows})
    return [
        Taken(
            key,
            channels[channel],
            HookRequest(_object(headers), query, bytes(body), clock.from_us(received_at)),
            tries,
            dropped,
        )
        for key, channel, received_at, headers, query, body, tries, dropped in rows
    ]


def _object(value: Any) -> dict[str, str]:
    """A JSON column as either database gives it."""
    parsed: dict[str, str] = from_json(value) if isinstance(value, str) else value
    return parsed


def delete(ids: Iterable[int]) -> None:
    """Delete callbacks that are applied."""
    if keys := [[key] for key in ids]:
        db.execute(f"DELETE FROM engine_callback WHERE id {db.in_list()}", [db.json_param(keys)])


def wait_for_match(waiting: Iterable[tuple[int, int, str]]) -> None:
    """Have callbacks looked at again: id, when, and what was dropped of each."""
    for (at, dropped), ids in _alike(waiting).items():
        db.execute(
            "UPDATE engine_callback SET lane = 'unmatched', tries = tries + 1, next_try_at = %s,"
            f" error = %s WHERE id {db.in_list()}",
            [at, dropped, db.json_param(ids)],
        )


def try_again(waiting: Iterable[tuple[int, int]]) -> None:
    """Have callbacks looked at again: id, and when."""
    for (at,), ids in _alike(waiting).items():
        db.execute(
            "UPDATE engine_callback SET tries = tries + 1, next_try_at = %s"
            f" WHERE id {db.in_list()}",
            [at, db.json_param(ids)],
        )


def keep_dropped(rows: Iterable[tuple[int, str]]) -> None:
    """Keep callbacks of which something was dropped: id, and the reason of each."""
    for (reason,), ids in _alike(rows).items():
        db.execute(
            f"UPDATE engine_callback SET state = 'dropped', error = %s WHERE id {db.in_list()}",
            [reason, db.json_param(ids)],
        )


def _alike(rows: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[list[int]]]:
    """The ids of rows by what else they have. There are few different ones in a round.

    A join with the rows would be read whole on PostgreSQL while the table counts as empty.
    """
    groups: defaultdict[tuple[Any, ...], list[list[int]]] = defaultdict(list)
    for key, *rest in rows:
        groups[tuple(rest)].append([key])
    return groups


def count_drops(drops: Iterable[tuple[int, str]], at: int) -> None:
    """Add to the numbers of what was dropped: channel and reason of each."""
    if counts := Counter(drops):
        # Always in the same order, so that no two transactions wait for each other.
        rows = [(*key, count, at) for key, count in sorted(counts.items())]
        columns = [("channel", "int"), ("reason", "text"), ("count", "int"), ("at", "int")]
        db.execute(
            "INSERT INTO engine_dropcount (channel_id, reason, count, last_at)"
            f" SELECT channel, reason, count, at FROM {db.json_table(columns)} WHERE true"
            " ON CONFLICT (channel_id, reason) DO UPDATE"
            " SET count = engine_dropcount.count + excluded.count, last_at = excluded.last_at",
            [db.json_param(rows)],
        )


@dataclass(frozen=True, slots=True)
class Dropped:
    """A stored callback of which something was dropped, as it came."""

    id: int
    received_at: datetime
    reason: str
    body: bytes


def drop_counts(channel_id: int) -> list[DropCount]:
    """How much of a channel's callbacks was dropped, by reason, the most frequent first."""
    return list(DropCount.objects.filter(channel=channel_id).order_by("-count", "reason"))


def newest_dropped(channel_id: int, most: int) -> list[Dropped]:
    """The newest callbacks of a channel of which something was dropped."""
    rows = Callback.objects.filter(channel=channel_id, state=Callback.State.DROPPED)
    return [
        Dropped(row.pk, row.received_at, row.error, bytes(row.body))
        for row in rows.order_by("-pk")[:most]
    ]


def forget_old() -> int:
    """Delete a chunk of the callbacks that were kept long enough; return how many."""
    newest = Callback.objects.filter(state=Callback.State.DROPPED).order_by("-received_at")
    edge = newest.values_list("received_at", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    before = max(db.now_us() - KEPT, clock.to_us(edge) + 1 if edge else 0)
    return db.delete_first(
        "engine_callback", "state = 'dropped' AND received_at < %s", "received_at", [before], FORGET
    )
