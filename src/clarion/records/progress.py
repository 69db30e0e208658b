"""Progress: what a delivery keeps between its messages (a story's answers, a trigger's data).

``records.deliveries.progress`` writes it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from clarion.kit import db


@dataclass(frozen=True, slots=True)
class Progress:
    """What one delivery needs to go on after a message."""

    data: Mapping[str, Any] = field(default_factory=dict)  # {{ data.x }}
    sent: int = 0  # messages of its story that have left, also by an earlier broadcast
    recorded: int = 0  # those of them that belong to an earlier attempt
    answers: Mapping[str, Any] = field(default_factory=dict)  # step -> what its webhook answered
    memory: Mapping[str, Any] = field(default_factory=dict)  # {{ memory.x }}

    @property
    def sent_by_attempt(self) -> int:
        """How many messages the present attempt has sent."""
        return self.sent - self.recorded


NOTHING = Progress()


def between_messages(broadcast_id: int) -> bool:
    """Whether somebody of a broadcast has had a message of its story, and waits for the next."""
    waiting = db.fetch(
        "SELECT d.id FROM records_delivery AS d WHERE d.broadcast_id = %s"
        " AND d.state IN ('queued', 'held', 'sending') AND d.has_progress",
        [broadcast_id],
    )
    return any(
        progress.sent or progress.answers for progress in load([key for (key,) in waiting]).values()
    )


def load(delivery_ids: Sequence[int]) -> dict[int, Progress]:
    """The progress of these deliveries, by delivery."""
    if not delivery_ids:
        return {}
    return {
        row[0]: Progress(*(json.loads(v) if isinstance(v, str) else v for v in row[1:]))
        for row in db.fetch(
            "SELECT m.delivery_id, m.data, m.sent, m.recorded, m.answers, m.memory "
            f"FROM {db.json_table([('id', 'int')])} "
            "JOIN records_deliveryprogress m ON m.delivery_id = v.id",
            [db.json_param([key] for key in delivery_ids)],
        )
    }
