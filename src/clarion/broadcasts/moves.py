"""Moving a broadcast from one state to another, and nothing but legally."""

from functools import partial
from typing import Any

import structlog
from django.db import transaction

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState as S
from clarion.broadcasts.states import sources

log = structlog.get_logger()
# What a log says of a move by the state after it, and of one that ends a pause.
LINES: dict[str, str] = {
    S.DRAFT: "broadcast_taken_back",
    S.SCHEDULED: "broadcast_scheduled",
    S.SENDING: "broadcast_started",
    S.LIVE: "broadcast_started",
    S.PAUSED: "broadcast_paused",
    S.STOPPED: "broadcast_stopped",
    S.COMPLETED: "broadcast_finished",
    S.MISSED: "broadcast_missed",
}
RESUMED = "broadcast_resumed"


def move(broadcast: Broadcast, after: str, *, before: str | None = None, **fields: Any) -> bool:
    """Move a broadcast to ``after`` if its state in the database allows that.

    ``before``: only from that state, where the table allows several. Other ``fields`` are written
    in the same statement. Returns whether it moved; losing a race is an ordinary answer. The
    object given is refreshed either way. A move is a line in the log once it is committed.
    """
    was = broadcast.state
    legal = [state for state in sources(after) if before in {None, state}]
    touched = Broadcast.objects.filter(pk=broadcast.pk, state__in=legal).update(
        state=after, **fields
    )
    broadcast.refresh_from_db()
    if touched:
        _log(broadcast, RESUMED if was == S.PAUSED and after in (S.SENDING, S.LIVE) else "", after)
    return bool(touched)


def _log(broadcast: Broadcast, line: str, after: str) -> None:
    # Replies and test sends may be many; nobody looks for them one by one.
    write = log.debug if broadcast.type == Broadcast.Type.SINGLE else log.info
    line = line or LINES[after]
    transaction.on_commit(partial(write, line, broadcast=broadcast.pk, type=str(broadcast.type)))
