"""From a draft to a broadcast on its way: check, send, schedule, undo."""

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import drafts
from clarion.broadcasts.drafts import (
    EditConflict,
    LaunchError,
    create_draft,
    duplicate,
    edit_draft,
)
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.problems import check, problems_of
from clarion.broadcasts.states import BroadcastState
from clarion.content import stories
from clarion.kit import clock

__all__ = [
    "EditConflict",
    "LaunchError",
    "check",
    "create_draft",
    "duplicate",
    "edit",
    "edit_draft",
    "fix_story",
    "problems_of",
    "schedule",
    "send",
    "start",
    "undo",
]


def start(broadcast: Broadcast, *, by: Agent | str, revision: int | None = None) -> Broadcast:
    """Launch a draft in the way that it is made for: now, later, again and again, or when called.

    ``revision`` is the one that the agent saw: raises EditConflict when there is a newer one, so
    that nobody sends what somebody else has just written. Raises LaunchError with all that is in
    the way.
    """
    # They stand on this module.
    from clarion.broadcasts import external, periodic, triggers

    with transaction.atomic():
        if revision is not None:
            drafts.unchanged(broadcast, revision)
        broadcast.refresh_from_db()
        if broadcast.type == Broadcast.Type.EXTERNAL:
            launched = external.start(broadcast, by=by)
        elif broadcast.type == Broadcast.Type.TRIGGER:
            launched = triggers.start(broadcast, by=by)
        elif broadcast.recurrence:
            launched = periodic.start(broadcast, by=by)
        elif broadcast.scheduled_at is not None:
            launched = schedule(broadcast, at=broadcast.scheduled_at, by=by)
        else:
            launched = send(broadcast, by=by)
    return launched


def send(broadcast: Broadcast, *, by: Agent | str, undo_seconds: int | None = None) -> Broadcast:
    """Send a draft after its undo time (C1). Raises LaunchError with all that is in the way."""
    seconds = settings.CLARION.undo_seconds if undo_seconds is None else undo_seconds
    return _launch(broadcast, clock.now() + timedelta(seconds=seconds), by, "broadcast.send")


def schedule(broadcast: Broadcast, *, at: datetime, by: Agent | str) -> Broadcast:
    """Send a draft at a moment (C2). Raises LaunchError, also for a moment that has passed."""
    if at <= clock.now():
        raise LaunchError("That time has passed. Choose a later one, or send now.")
    return _launch(broadcast, at, by, "broadcast.schedule")


def _launch(broadcast: Broadcast, at: datetime, by: Agent | str, action: str) -> Broadcast:
    problems = check(broadcast)
    if problems:
        raise LaunchError("\n".join(problems))
    with transaction.atomic():
        fix_story(broadcast)
        fields: dict[str, Any] = {"scheduled_at": at, "state_reason": ""}
        if not move(broadcast, BroadcastState.SCHEDULED, **fields):
            raise LaunchError(f"This broadcast is already {broadcast.get_state_display().lower()}.")
        audit.note(action, f"broadcast {broadcast.pk}", by, at=at.isoformat())
    return broadcast


def fix_story(broadcast: Broadcast) -> Broadcast:
    """Fix the version of a draft's story: the newest. Later edits of the story change nothing.

    A restart comes with the version that the people have had the beginning of.
    """
    story = broadcast.story if broadcast.data_type == Broadcast.DataType.STORY else None
    if story is not None and broadcast.story_version_id is None:
        version = stories.newest(story)
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        draft.update(story_version=version)
        broadcast.story_version = version
    return broadcast


def undo(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a scheduled broadcast a draft again. Raises LaunchError when it has left.

    A time that was chosen is kept; the end of an undo time is not, for nobody chose it.
    """
    at = broadcast.scheduled_at
    nearest = clock.now() + timedelta(seconds=settings.CLARION.undo_seconds)
    fields: dict[str, Any] = {"scheduled_at": at if at is not None and at > nearest else None}
    if broadcast.restart_of_id is None:
        fields["story_version"] = None  # the newest, when it is sent again
    with transaction.atomic():
        if not move(broadcast, BroadcastState.DRAFT, **fields):
            raise LaunchError("Too late to undo: it is already being sent. You can stop it.")
        audit.note("broadcast.undo", f"broadcast {broadcast.pk}", by)
    return broadcast


def edit(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a broadcast ready for editing: a scheduled one becomes a draft again.

    Raises LaunchError for one that can't be edited any more.
    """
    if broadcast.state == BroadcastState.DRAFT:
        return broadcast
    if broadcast.state in {BroadcastState.SCHEDULED, BroadcastState.MISSED}:
        return undo(broadcast, by=by)
    raise LaunchError(
        f"This broadcast is {broadcast.get_state_display().lower()} and can't be edited. "
        "Duplicate it, and edit the copy."
    )
