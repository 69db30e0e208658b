"""What periodic, trigger and external broadcasts have in common: they go live, and have runs."""

from datetime import datetime
from typing import Any

from django.db import transaction

from clarion.accounts.models import Agent
from clarion.broadcasts import authors, events
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.fields import To, create_copy
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.problems import check
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.versions import fix_content
from clarion.kit import clock


def go_live(broadcast: Broadcast, *, by: Agent | str, **fields: Any) -> Broadcast:
    """Make a draft live; ``fields`` are written with it. Raises LaunchError with all problems."""
    problems = check(broadcast)
    if problems:
        raise LaunchError("\n".join(problems))
    with transaction.atomic():
        fix_content(broadcast)
        values = {"started_at": clock.now(), "state_reason": "", **authors.sender(by), **fields}
        if not move(broadcast, BroadcastState.LIVE, before=BroadcastState.DRAFT, **values):
            raise LaunchError(f"This broadcast is already {broadcast.get_state_display().lower()}.")
        events.note(broadcast, "start", by)
    return broadcast


def new_run(parent: Broadcast, at: datetime, **fields: Any) -> Broadcast:
    """A broadcast of its own, scheduled for ``at``, that says what its parent says.

    ``fields`` are what is different. To be called in a transaction.
    """
    return create_copy(
        parent, To.RUN, parent=parent, state=BroadcastState.SCHEDULED, scheduled_at=at, **fields
    )
