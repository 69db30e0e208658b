"""From a draft to a broadcast on its way, and back: launch, undo, edit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import (
    approvals,
    authors,
    drafts,
    events,
    external,
    firings,
    live_edits,
    periodic,
)
from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.errors import GapsError, LaunchError
from clarion.broadcasts.gaps import Gap, find_gaps, unaccepted
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.problems import check
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.versions import fix_content
from clarion.kit import clock

Timing = Broadcast.Timing


def start(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    undo_seconds: int | None = None,
    revision: int | None = None,
    counted: "Counted | None" = None,
) -> Broadcast:
    """Launch a draft in the way that it is made for: now, at its time, periodic, trigger, external.

    A draft in which a live broadcast is edited changes that one, which is what is returned.

    This is the only way to launch. ``undo_seconds``: how long a broadcast that is sent now can be
    undone (C1), CLARION_UNDO_SECONDS where it is None; it has no effect on any other. ``revision``
    is the one that the agent saw: raises EditConflict when there is a newer one, so that nobody
    sends what somebody else has just written. ``counted``: of somebody who has a transaction of
    their own and has called ``count`` before it. Raises LaunchError with all that is in the way.
    """
    # Before the transaction: of a million people it takes seconds, in which others may write.
    counted = counted or count(broadcast)
    with transaction.atomic():
        drafts.lock(broadcast, revision)
        if broadcast.revision != counted.revision:
            counted = count(broadcast)
        return _start(broadcast, counted, by=by, undo_seconds=undo_seconds)


@dataclass(frozen=True, slots=True)
class Counted:
    """What is counted of the recipients of a draft."""

    revision: int  # of the draft
    gaps: list[Gap]
    recipients: int | None  # None for those who come later


def count(broadcast: Broadcast) -> Counted:
    """Count the recipients of a draft, before it is started."""
    gaps = find_gaps(broadcast, list(broadcast.channels.order_by("name")))
    audience = None if broadcast.is_live else summary_of(broadcast)
    return Counted(broadcast.revision, gaps, audience.total if audience else None)


def _start(
    broadcast: Broadcast, counted: Counted, *, by: Agent | str, undo_seconds: int | None
) -> Broadcast:
    """Launch a draft that is locked, and whose recipients are counted."""
    gaps = counted.gaps
    broadcast.expected = counted.recipients
    if missing := unaccepted(broadcast, gaps):
        raise GapsError("\n".join([*check(broadcast), *missing]))
    approvals.require(broadcast, counted.recipients, by)
    if broadcast.edit_of_id is not None:
        return live_edits.apply(broadcast, by=by)
    if broadcast.timing == Timing.NOW:
        _send(broadcast, by=by, undo_seconds=undo_seconds)
    else:
        _STARTERS[broadcast.timing](broadcast, by=by)
    _keep_accepted(broadcast, gaps, by)
    return broadcast


def _keep_accepted(broadcast: Broadcast, gaps: Sequence[Gap], by: Agent | str) -> None:
    """Keep which gaps were accepted, of those that there are, and note how many people get nothing.

    A live broadcast has people yet to come: what was accepted stays accepted.
    """
    if gaps:
        without = {gap.key: gap.people for gap in gaps}
        events.note(broadcast, "send_to_others", by, without=without)
    keys = [gap.key for gap in gaps]
    if not broadcast.is_live and broadcast.accepted_gaps != keys:
        broadcast.accepted_gaps = keys
        broadcast.save(update_fields=["accepted_gaps"])


def start_new(*, by: Agent | str, undo_seconds: int | None = None, **content: Any) -> Broadcast:
    """Create a broadcast as ``drafts.create_draft`` does, and launch it as ``start`` does.

    Raises LaunchError when it can't be launched; nothing is left of it then. A draft is left by a
    process that is killed while it counts: that is no part of a transaction, see ``start``.
    """
    draft, _is_new = drafts.write_draft(by=by, **content)
    try:
        counted = count(draft)
        with transaction.atomic():
            drafts.lock(draft)
            drafts.note_created(draft, by)
            return _start(draft, counted, by=by, undo_seconds=undo_seconds)
    except BaseException:  # also when somebody interrupts the count
        Broadcast.objects.filter(pk=draft.pk, state=BroadcastState.DRAFT).delete()
        raise


def send_now(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """End the undo window of a broadcast: it is sent at once. Raises LaunchError."""
    with transaction.atomic():
        drafts.lock(broadcast)
        if broadcast.state != BroadcastState.SCHEDULED or not broadcast.instant:
            raise LaunchError("There is nothing to wait for: its undo window has ended.")
        broadcast.scheduled_at = clock.now()
        broadcast.save(update_fields=["scheduled_at"])
        events.note(broadcast, "send_now", by)
    return broadcast


def accept_missed(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Send a missed broadcast now, with a new undo window (C6). Raises LaunchError."""
    with transaction.atomic():
        drafts.lock(broadcast)
        if broadcast.state != BroadcastState.MISSED:
            raise LaunchError("Only a missed broadcast can be sent late.")
        return _send(broadcast, by=by)


def _send(broadcast: Broadcast, *, by: Agent | str, undo_seconds: int | None = None) -> Broadcast:
    """Send it when its undo window has passed (C1)."""
    seconds = settings.CLARION.undo_seconds if undo_seconds is None else undo_seconds
    at = clock.now() + timedelta(seconds=seconds)
    return _move_to_scheduled(broadcast, by, "send", scheduled_at=at, instant=True)


def _schedule(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Send it at its time (C2)."""
    at = broadcast.scheduled_at
    assert at is not None
    return _move_to_scheduled(broadcast, by, "schedule", scheduled_at=at, instant=False)


def _move_to_scheduled(
    broadcast: Broadcast, by: Agent | str, action: str, *, scheduled_at: datetime, instant: bool
) -> Broadcast:
    problems = check(broadcast)
    if problems:
        raise LaunchError("\n".join(problems))
    fix_content(broadcast)
    fields: dict[str, Any] = {"scheduled_at": scheduled_at, "instant": instant, "state_reason": ""}
    fields |= {"expected": broadcast.expected, **authors.sender(by)}
    if not move(broadcast, BroadcastState.SCHEDULED, **fields):
        raise LaunchError(f"This broadcast is already {broadcast.get_state_display().lower()}.")
    events.note(broadcast, action, by, at=scheduled_at.isoformat())
    return broadcast


_STARTERS: dict[Timing, Callable[..., Broadcast]] = {  # of all that is not sent now
    Timing.SCHEDULED: _schedule,
    Timing.PERIODIC: periodic.start,
    Timing.TRIGGER: firings.start,
    Timing.EXTERNAL: external.start,
}


def undo(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a scheduled broadcast a draft again. Raises LaunchError when it is being sent already.

    A time that was chosen is kept; the end of an undo window is not, for nobody chose it.
    """
    with transaction.atomic():
        drafts.lock(broadcast)
        fields: dict[str, Any] = {"instant": False, **authors.NOBODY}
        if broadcast.instant:
            fields["scheduled_at"] = None
        if broadcast.restart_of_id is None:
            # The newest of each, when it is sent again.
            fields |= {"story_version": None, "mail_layout": {}}
        if not move(broadcast, BroadcastState.DRAFT, **fields):
            raise LaunchError("Too late to undo: it is already being sent. You can stop it.")
        events.note(broadcast, "undo", by)
    return broadcast


def take_back_unapproved(broadcast: Broadcast) -> bool:
    """Make a broadcast that has come due a draft again, and ask for approval, if it needs one now.

    Counts its audience again, where the workspace has rules for approval.
    """
    reason = approvals.why_no_longer(broadcast)
    if not reason:
        return False
    by = broadcast.agent or broadcast.agent_name
    with transaction.atomic():
        try:
            undo(broadcast, by=audit.WORKER)
        except LaunchError:  # another worker, or an agent, was quicker
            return True
        approvals.ask(broadcast, approvals.recipients_of(broadcast), by=by, reason=reason)
    return True


def edit(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a broadcast ready for editing: a scheduled one becomes a draft again.

    A live one goes on as it is, and is edited in a draft of its own, which is what is returned.
    Raises LaunchError for one that can't be edited any more.
    """
    if broadcast.state == BroadcastState.DRAFT:
        return broadcast
    if broadcast.state in {BroadcastState.SCHEDULED, BroadcastState.MISSED}:
        return undo(broadcast, by=by)
    if live_edits.can_edit_live(broadcast):
        return live_edits.begin(broadcast, by=by)
    raise LaunchError(
        f"This broadcast is {broadcast.get_state_display().lower()} and can't be edited. "
        "Duplicate it, and edit the copy."
    )
