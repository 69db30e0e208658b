"""The table of stored callbacks: what is stored, taken for a round, closed and deleted."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from clarion.channels.contract import HookRequest
from clarion.channels.models import Channel
from clarion.engine.models import Callback
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


def store(channel: Channel, hook: HookRequest, lane: str) -> None:
    """Keep a verified callback; a worker applies it soon."""
    Callback.objects.create(
        channel=channel,
        received_at=hook.received_at,
        headers=dict(hook.headers),
        query=hook.query,
        body=hook.body,
        lane=lane,
        next_try_at=hook.received_at,
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
    parsed: dict[str, str] = json.loads(value) if isinstance(value, str) else value
    return parsed


def delete(ids: Iterable[int]) -> None:
    """Delete callbacks that are applied."""
    if keys := [[key] for key in ids]:
        db.execute(f"DELETE FROM engine_callback WHERE id {db.in_list()}", [db.json_param(keys)])


def wait_for_match(waiting: Sequence[tuple[int, int, str]]) -> None:
    """Have callbacks looked at again: id, when, and what was dropped of each."""
    _update(
        "lane = 'unmatched', tries = d.tries + 1, next_try_at = v.at, error = v.error",
        [("at", "int"), ("error", "text")],
        waiting,
    )


def keep_dropped(rows: Sequence[tuple[int, str]]) -> None:
    """Keep callbacks of which something was dropped: id, and the reason of each."""
    _update("state = 'dropped', error = v.error", [("error", "text")], rows)


def _update(assignments: str, columns: list[db.Column], rows: Sequence[Sequence[Any]]) -> None:
    if rows:
        db.execute(
            f"UPDATE engine_callback AS d SET {assignments}"
            f" FROM {db.json_table([('id', 'int'), *columns])} WHERE d.id = v.id",
            [db.json_param(rows)],
        )


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


def forget_old() -> int:
    """Delete a chunk of the callbacks that were kept long enough; return how many."""
    newest = Callback.objects.filter(state=Callback.State.DROPPED).order_by("-received_at")
    edge = newest.values_list("received_at", flat=True)[MOST_KEPT : MOST_KEPT + 1].first()
    before = max(db.now_us() - KEPT, clock.to_us(edge) + 1 if edge else 0)
    return db.delete_first(
        "engine_callback", "state = 'dropped' AND received_at < %s", "received_at", [before], FORGET
    )
