"""Writing what deliveries keep between their messages; ``records.progress`` reads it."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from clarion.kit import db
from clarion.records.progress import Progress

_COLUMNS = [
    ("delivery", "int"), ("data", "text"), ("sent", "int"), ("recorded", "int"),
    ("answers", "text"), ("memory", "text"),
]  # fmt: skip


def keep(progress: Mapping[int, Progress]) -> None:
    """Store the progress of deliveries that are known to have one, over what they had before."""
    data, answers, memory = map(db.json_cast, ("data", "answers", "memory"))
    _store(
        f"SELECT delivery, {data}, sent, recorded, {answers}, {memory} "
        f"FROM {db.json_table(_COLUMNS)} WHERE true",
        [
            db.json_param(
                [key, _text(p.data), p.sent, p.recorded, _text(p.answers), _text(p.memory)]
                for key, p in progress.items()
            )
        ],
    )


def _text(value: Any) -> str:
    # PostgreSQL's jsonb takes no NUL.
    return json.dumps(value).replace("\\u0000", "")


def give(progress: Mapping[int, Progress]) -> None:
    """Store the progress of deliveries that had none."""
    keep(progress)
    _note(db.in_list(), [db.json_param([key] for key in progress)])


def forget(delivery_ids: Sequence[int]) -> None:
    """Drop the progress of deliveries that are completed."""
    db.execute(
        f"DELETE FROM records_deliveryprogress WHERE delivery_id {db.in_list()}",
        [db.json_param([key] for key in delivery_ids)],
    )


def hand_on(old_broadcast: int, new_broadcast: int, span: tuple[int, int]) -> None:
    """Give the deliveries of a restart the progress of those of the old broadcast.

    So who had received the first messages of a story gets the next one. What was sent before is
    recorded with the old broadcast. ``span``: the first and last address id to look at.
    """
    fresh = "n.broadcast_id = %s AND n.address_id = o.address_id AND n.occurrence = 0"
    pairs = f"FROM records_delivery o {db.lateral_join('records_delivery', 'n', fresh)} "
    # A trigger may have several of one address: that of the last time counts.
    chosen = (
        "WHERE o.broadcast_id = %s AND o.address_id BETWEEN %s AND %s AND o.has_progress "
        "AND NOT EXISTS (SELECT 1 FROM records_delivery l WHERE l.broadcast_id = o.broadcast_id "
        "AND l.address_id = o.address_id AND l.occurrence > o.occurrence AND l.has_progress)"
    )
    params = [new_broadcast, old_broadcast, *span]
    moved = _store(
        f"SELECT n.id, m.data, m.sent, m.sent, m.answers, m.memory {pairs} "
        + db.lateral_join("records_deliveryprogress", "m", "m.delivery_id = o.id")
        + f" {chosen}",
        params,
    )
    if moved:
        _note(db.in_subquery(f"SELECT n.id {pairs} {chosen}"), params)


def _store(select: str, params: Sequence[Any]) -> int:
    return db.execute(
        "INSERT INTO records_deliveryprogress (delivery_id, data, sent, recorded, answers, memory) "
        f"{select} ON CONFLICT (delivery_id) DO UPDATE SET data = excluded.data, "
        "sent = excluded.sent, recorded = excluded.recorded, answers = excluded.answers, "
        "memory = excluded.memory",
        params,
    )


def _note(chosen: str, params: Sequence[Any]) -> None:
    """Let the chosen deliveries say that there is progress of theirs."""
    db.execute(f"UPDATE records_delivery SET has_progress = %s WHERE id {chosen}", [True, *params])
