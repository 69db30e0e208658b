"""Progress: what a delivery keeps between its messages (a story's answers, a trigger's data)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clarion.kit import db

Sent = Sequence[str]  # the messages that have left, as they were shown


@dataclass(frozen=True, slots=True)
class Progress:
    """What one delivery needs to go on after a message."""

    data: Mapping[str, Any] = field(default_factory=dict)  # {{ data.x }}
    sent: Sent = ()
    answers: Mapping[str, Any] = field(default_factory=dict)  # step -> what its webhook answered
    memory: Mapping[str, Any] = field(default_factory=dict)  # {{ memory.x }}


NOTHING = Progress()
_COLUMNS = [
    ("delivery", "int"), ("data", "text"), ("sent", "text"), ("answers", "text"),
    ("memory", "text"),
]  # fmt: skip


def load(delivery_ids: Sequence[int]) -> dict[int, Progress]:
    """The memories of these deliveries, by delivery."""
    if not delivery_ids:
        return {}
    return {
        row[0]: Progress(*(json.loads(v) if isinstance(v, str) else v for v in row[1:]))
        for row in db.fetch(
            "SELECT m.delivery_id, m.data, m.sent, m.answers, m.memory "
            f"FROM {db.json_table([('id', 'int')])} "
            "JOIN records_deliveryprogress m ON m.delivery_id = v.id",
            [db.json_param([key] for key in delivery_ids)],
        )
    }


def keep(memories: Iterable[tuple[int, Progress]]) -> None:
    """Write the memories of these deliveries over what they remembered before."""
    values = ", ".join(map(db.json_cast, ("data", "sent", "answers", "memory")))
    db.execute(
        "INSERT INTO records_deliveryprogress (delivery_id, data, sent, answers, memory) "
        f"SELECT delivery, {values} "
        f"FROM {db.json_table(_COLUMNS)} WHERE true ON CONFLICT (delivery_id) DO UPDATE SET "
        "data = excluded.data, sent = excluded.sent, answers = excluded.answers, "
        "memory = excluded.memory",
        [
            db.json_param(
                [key, _text(m.data), _text(m.sent), _text(m.answers), _text(m.memory)]
                for key, m in memories
            )
        ],
    )


def _text(value: Any) -> str:
    # PostgreSQL's jsonb takes no NUL.
    return json.dumps(value).replace("\\u0000", "")


def give(memories: Mapping[int, Progress]) -> None:
    """Write the memories of deliveries that had none."""
    keep(memories.items())
    db.execute(
        f"UPDATE records_delivery SET has_progress = %s WHERE id {db.in_list()}",
        [True, db.json_param([key] for key in memories)],
    )


def forget(delivery_ids: Sequence[int]) -> None:
    """Drop the memories of deliveries that are completed."""
    db.execute(
        f"DELETE FROM records_deliveryprogress WHERE delivery_id {db.in_list()}",
        [db.json_param([key] for key in delivery_ids)],
    )


def hand_on(old_broadcast: int, new_broadcast: int, span: tuple[int, int]) -> None:
    """Give the deliveries of a restart what those of the old broadcast remembered.

    So who had got the first messages of a story goes on with the next one. ``span``: the first
    and last address id to look at.
    """
    fresh = "n.broadcast_id = %s AND n.address_id = o.address_id AND n.occurrence = 0"
    pairs = f"FROM records_delivery o {db.lateral_join('records_delivery', 'n', fresh)} "
    chosen = "WHERE o.broadcast_id = %s AND o.address_id BETWEEN %s AND %s AND o.has_progress"
    params = [new_broadcast, old_broadcast, *span]
    moved = db.execute(
        "INSERT INTO records_deliveryprogress (delivery_id, data, sent, answers, memory) "
        "SELECT n.id, m.data, m.sent, m.answers, m.memory "
        f"{pairs} "
        + db.lateral_join("records_deliveryprogress", "m", "m.delivery_id = o.id")
        + f" {chosen}",
        params,
    )
    if moved:
        ids = f"SELECT n.id {pairs} {chosen}"
        db.execute(
            f"UPDATE records_delivery SET has_progress = %s WHERE id {db.in_subquery(ids)}",
            [True, *params],
        )
