"""From a draft to a broadcast on its way: compose, check, send, schedule, undo."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts.audience import Audience, audience_problems
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.moves import move
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.channels.registry import kind_class
from clarion.contacts.search import known_variables
from clarion.content.rendering import ContentError, compile_text, unknown_variables
from clarion.kit import clock

PICK_CHUNK = 5_000


class LaunchError(ValueError):
    """A broadcast can't be sent as it is; says what to do, one problem a line."""


def create_draft(
    *,
    by: Agent | str,
    title: str = "",
    text: str = "",
    channels: Sequence[Channel] = (),
    audience: Audience | None = None,
    scheduled_at: datetime | None = None,
    picks: Iterable[int] = (),
    end_open_chats: bool = False,
) -> Broadcast:
    """Save a draft with whatever is filled in so far. ``picks`` are address ids."""
    with transaction.atomic():
        broadcast = Broadcast.objects.create(agent=by if isinstance(by, Agent) else None)
        edit_draft(
            broadcast,
            by=by,
            title=title,
            text=text,
            channels=channels,
            audience=audience,
            scheduled_at=scheduled_at,
            picks=picks,
            end_open_chats=end_open_chats,
        )
        audit.note("broadcast.create", f"broadcast {broadcast.pk}", by)
    return broadcast


def edit_draft(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    channels: Sequence[Channel] | None = None,
    audience: Audience | None = None,
    picks: Iterable[int] | None = None,
    **fields: Any,
) -> Broadcast:
    """Change a draft: title, text, scheduled_at, end_open_chats, channels, audience, picks.

    Raises LaunchError when it is no draft any more.
    """
    with transaction.atomic():
        if audience is not None:
            fields["audience"] = audience.model_dump()
        if "title" in fields:
            fields["title"] = fields["title"].strip()[:200]
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        if not draft.update(**fields, state=BroadcastState.DRAFT):
            raise LaunchError("This broadcast is no draft any more. Undo it first, then edit.")
        if channels is not None:
            broadcast.channels.set(channels)
        if picks is not None:
            set_picks(broadcast, picks)
    broadcast.refresh_from_db()
    return broadcast


def set_picks(broadcast: Broadcast, address_ids: Iterable[int]) -> None:
    """Replace the audience given person by person; the ids may be a long stream."""
    Pick.objects.filter(broadcast=broadcast).delete()
    chunk: list[Pick] = []
    for address_id in address_ids:
        chunk.append(Pick(broadcast=broadcast, address_id=address_id))
        if len(chunk) == PICK_CHUNK:
            Pick.objects.bulk_create(chunk, ignore_conflicts=True)
            chunk = []
    Pick.objects.bulk_create(chunk, ignore_conflicts=True)


def check(broadcast: Broadcast) -> list[str]:
    """What stands in the way of sending, one sentence each; empty when it can be sent."""
    problems = []
    channels = list(broadcast.channels.all())
    if not channels:
        problems.append("Choose at least one channel.")
    if not broadcast.text.strip():
        problems.append("Write a text.")
    else:
        problems += _text_problems(broadcast.text, channels)
    if not broadcast.audience:
        problems.append("Choose an audience.")
    elif channels:
        problems += audience_problems(
            Audience.model_validate(broadcast.audience), channels, broadcast_id=broadcast.pk
        )
    return problems


def _text_problems(text: str, channels: Sequence[Channel]) -> list[str]:
    try:
        compile_text(text)
    except ContentError as error:
        return [str(error)]
    unknown = unknown_variables(text, known_variables())
    problems = [
        f'No contact has “{name}”. Correct it, or give a default: {{{{ {name} | default("…") }}}}.'
        for name in unknown
    ]
    for channel in channels:
        longest = kind_class(channel.kind).limits.text_length
        if len(text) > longest and "{" not in text:
            problems.append(
                f"The text has {len(text)} characters; {channel.name} takes at most {longest}."
            )
    return problems


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
        if not move(broadcast, BroadcastState.SCHEDULED, scheduled_at=at, state_reason=""):
            raise LaunchError(f"This broadcast is already {broadcast.get_state_display().lower()}.")
        audit.note(action, f"broadcast {broadcast.pk}", by, at=at.isoformat())
    return broadcast


def undo(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a scheduled broadcast a draft again. Raises LaunchError when it has left."""
    with transaction.atomic():
        if not move(broadcast, BroadcastState.DRAFT, scheduled_at=None):
            raise LaunchError("Too late to undo: it is already being sent. You can stop it.")
        audit.note("broadcast.undo", f"broadcast {broadcast.pk}", by)
    return broadcast
