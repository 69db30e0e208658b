"""Moving a broadcast from one state to another, and nothing but legally."""

from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import sources


def move(broadcast: Broadcast, after: str, **fields: Any) -> bool:
    """Move a broadcast to ``after`` if its state in the database allows that.

    Other ``fields`` are written in the same statement. Returns whether it moved; losing a race is
    an ordinary answer. The object given is refreshed either way.
    """
    touched = Broadcast.objects.filter(pk=broadcast.pk, state__in=sources(after)).update(
        state=after, **fields
    )
    broadcast.refresh_from_db()
    return bool(touched)
