"""Restart: a stopped or finished broadcast is sent again to whom it did not reach (F3).

One that makes runs or fires for contacts is started again itself: it goes live under its old id, so
its URL, its runs and whom it has fired for stay what they were. Whom a trigger failed to reach gets
a restart like any other.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from clarion.accounts.models import Agent
from clarion.broadcasts import authors, events, firings, launch, periodic
from clarion.broadcasts.chains import chain, count_the_rest, pick_the_rest
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.fields import To, create_copy
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.problems import check
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import DELETABLE, FINISHED, BroadcastState
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.deliveries import cancel
from clarion.records.states import DeliveryState as D

S = BroadcastState


def can_restart(broadcast: Broadcast) -> bool:
    """Whether its state and type allow a restart; there may be nobody left to send to.

    One that paused by itself is stopped with its restart.
    """
    if broadcast.type == Broadcast.Type.SINGLE:
        return False
    return broadcast.state in FINISHED or _has_paused_itself(broadcast)


def _has_paused_itself(broadcast: Broadcast) -> bool:
    is_paused = broadcast.state == S.PAUSED and not broadcast.is_live
    return is_paused and bool(broadcast.state_reason)


def leftover(broadcast: Broadcast, cause: int | None = None) -> dict[str, int]:
    """How many a restart could go to: failed, unsent, in_doubt; without whom the chain reached.

    ``cause``: only those for this reason (its id).
    """
    links = [link.pk for link in chain(broadcast)]
    if len(links) == 1 and not broadcast.is_live and cause is None:
        counts = tallies.counts(links)[broadcast.pk]
        if broadcast.state in {S.STOPPED, S.PAUSED}:  # the engine is about to call them unsent
            counts[D.UNSENT] += counts[D.QUEUED] + counts[D.HELD]
        return {state.value: counts[state] for state in (D.FAILED, D.UNSENT, D.IN_DOUBT)}
    left = dict.fromkeys([D.FAILED.value, D.UNSENT.value, D.IN_DOUBT.value], 0)
    pending = (D.QUEUED, D.HELD) if broadcast.state == S.PAUSED else ()
    for in_doubt, states in ((False, (D.FAILED, D.UNSENT, *pending)), (True, (D.IN_DOUBT,))):
        for state, count in count_the_rest(broadcast, links, states, in_doubt, cause).items():
            left[D.UNSENT.value if state in pending else state] += count
    return left


def restart(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    in_doubt: bool = False,
    cause: int | None = None,
    undo_seconds: int | None = None,
) -> Broadcast:
    """Send again, as a new linked broadcast, to those who failed or were left unsent (F3).

    Nobody who received any broadcast of the chain, or still may, gets it again; people in doubt
    only with ``in_doubt``; with a ``cause`` only those it did not reach for this reason (its id),
    which is of no live one. What it says stays the same, a story in the same version, and so do
    the consents that it requires. One that paused by itself is stopped first. A periodic, trigger
    or external one goes live again itself, and is what is returned. Raises ControlError while the
    old one is still winding down, while another restart of the chain is on its way, or when nobody
    is left to send to.
    """
    if not can_restart(broadcast):
        raise ControlError(_why_not_restarted(broadcast))
    if broadcast.state == S.PAUSED:
        if cause is not None:
            raise ControlError(
                "Stop it first: a restart for one cause does not send to the other recipients."
            )
        _stop(broadcast, by)
    if broadcast.state == S.STOPPED:
        while cancel.cancel_remaining(broadcast.pk):
            pass
    with transaction.atomic():
        links = _lock_chain(broadcast)
        if broadcast.is_live:
            _go_live_again(broadcast, by)
        fresh = _send_to_the_rest(broadcast, links, by, in_doubt, cause, undo_seconds)
        if fresh is None and not broadcast.is_live:
            raise ControlError(
                "There are no recipients to send to: none of them failed or is unsent."
            )
        detail = {"restart": fresh.pk} if fresh else {}
        events.note(broadcast, "restart", by, **detail)
    return broadcast if fresh is None or broadcast.is_live else fresh


def _stop(broadcast: Broadcast, by: Agent | str) -> None:
    """Stop one that paused by itself; why it did stays with it."""
    reason = broadcast.state_reason
    with transaction.atomic():
        fields = {"finished_at": clock.now(), "next_run_at": None}
        if not move(broadcast, S.STOPPED, before=S.PAUSED, **fields):
            raise ControlError(_why_not_restarted(broadcast))
        events.note(broadcast, "stop", by, reason=reason)


def _why_not_restarted(broadcast: Broadcast) -> str:
    if broadcast.type == Broadcast.Type.SINGLE:
        return "This was sent to one contact. Write to them again in their chat."
    return "Only a stopped or completed broadcast can be restarted. Stop it first."


def _lock_chain(broadcast: Broadcast) -> list[Broadcast]:
    """All links, locked: one restart of a chain at a time. Raises ControlError when it is early."""
    root = chain(broadcast)[0]
    kept = Broadcast.objects.select_for_update().filter(pk=root.pk, deleted_at=None)
    if not kept.exists():
        raise ControlError("Its time is over: it is being deleted. Duplicate another one.")
    links = chain(root)
    _refuse_early(links, broadcast)
    return links


def _refuse_early(links: Sequence[Broadcast], broadcast: Broadcast) -> None:
    for link in links:
        runs_on = link.is_live and link.pk != broadcast.pk  # a trigger whose rest was restarted
        if link.state not in FINISHED and not runs_on:
            state = link.get_state_display().lower()
            what = "Delete it" if link.state in DELETABLE else "Stop it"
            raise ControlError(
                f"Broadcast {link.pk} of the same chain is {state}. {what} or let it finish first."
            )
        counts = tallies.counts([link.pk])[link.pk]
        is_expanded = link.expanded_at is not None or link.is_live
        if not is_expanded or (counts[D.SENDING] and not runs_on):
            raise ControlError("It is still winding down. Try again in a few seconds.")


def _send_to_the_rest(
    broadcast: Broadcast,
    links: Sequence[Broadcast],
    by: Agent | str,
    in_doubt: bool,
    cause: int | None,
    undo_seconds: int | None,
) -> Broadcast | None:
    """The restart, on its way; None when nobody is left, and nothing is left of it then."""
    if broadcast.is_live and not any(leftover(broadcast).values()):
        return None
    chosen = {
        "kind": "picks", "picked_from": "restart", "tags": [], "without_tags": [], "segments": [],
        "without_segments": [],
    }  # fmt: skip
    audience = Audience.model_validate({"consents": [], **broadcast.audience, **chosen})
    fresh = create_copy(
        broadcast,
        To.RESTART,
        **authors.drafter(by),
        audience=audience.model_dump(),
        restart_of=broadcast,
    )
    if not pick_the_rest(broadcast, fresh, [link.pk for link in links], in_doubt, cause):
        fresh.delete()
        return None
    events.observe(fresh.pk, "create", by, restart_of=broadcast.pk)
    return launch.start(fresh, by=by, undo_seconds=undo_seconds)


def _go_live_again(broadcast: Broadcast, by: Agent | str) -> None:
    """A stopped periodic, trigger or external broadcast is live from now on."""
    problems = check(broadcast)
    if problems:
        raise ControlError("\n".join(problems))
    firings.drop_waiting(broadcast)  # what was stopped stays stopped
    fields: dict[str, Any] = {"finished_at": None, "drained_at": None, "state_reason": ""}
    if broadcast.recurrence:
        fields["next_run_at"] = periodic.following(broadcast, clock.now())
    if not move(broadcast, S.LIVE, before=S.STOPPED, **fields, **authors.sender(by)):
        raise ControlError(f"It is {broadcast.get_state_display().lower()} already.")
