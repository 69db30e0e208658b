"""Moving a broadcast from one state to another, and nothing but legally."""

from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import sources


def move(broadcast: Broadcast, after: str, *, before: str | None = None, **fields: Any) -> bool:
    """Move a broadcast to ``after`` if its state in the database allows that.

    ``before``: only from that state, where the table allows several. Other ``fields`` are written
    in the same statement. Returns whether it moved; losing a race is an ordinary answer. The
    object given is refreshed either way.
    """
    legal = [state for state in sources(after) if before in {None, state}]
    touched = Broadcast.objects.filter(pk=broadcast.pk, state__in=legal).update(
        state=after, **fields
    )
    broadcast.refresh_from_db()
    return bool(touched)
