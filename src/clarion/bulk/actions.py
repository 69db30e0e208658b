"""Starting bulk actions, carrying them out in steps, canceling them.

An action is a row first (``start``). A worker does it step by step (``run_next``), or the process
that started it (``carry_out``). Each step takes the row by its cursor, changes some contacts and
writes the progress in one transaction: a process that is killed loses no contact and does nothing
twice, and of two processes at the same action only one is successful with each step.
"""

from collections.abc import Callable
from typing import Any, Final

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.bulk.acts import Act, Outcome, act_of
from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.contacts.models import Contact
from clarion.kit import clock, db
from clarion.kit.numbers import BIGGEST

log = structlog.get_logger()
NAMED: Final = 20  # contacts that are listed for one reason
Progress = Callable[[BulkAction], None]
Stopping = Callable[[], bool]


def count(selection: Selection) -> int:
    """How many contacts a selection has now."""
    return selection.count(BIGGEST)


def start(
    kind: str,
    selection: Selection,
    options: dict[str, Any],
    *,
    by: Agent | str,
    counted: int | None = None,
) -> BulkAction:
    """Have a worker do something to these contacts; ``options`` as ``acts`` makes them.

    ``counted``: how many contacts the agent agreed to. Raises BulkError where there are none, or
    another number by now.
    """
    with transaction.atomic():
        newest = Contact.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
        total = selection.count(newest)
        if not total:
            raise BulkError(_("No contacts match. Nothing would be changed."))
        if counted is not None and counted != total:
            raise BulkError(
                _("By now there are %(now)s contacts, not %(before)s. Check the number again.")
                % {"now": f"{total:,}", "before": f"{counted:,}"}
            )
        agent, actor = (by, by.name) if isinstance(by, Agent) else (None, by)
        action = BulkAction.objects.create(
            kind=kind,
            contacts=selection.dump(),
            options=options,
            last_id=newest,
            total=total,
            agent=agent,
            actor=actor,
        )
        act_of(action)  # what can't be done is refused at once
        audit.note("bulk.start", str(action), by, kind=kind, contacts=total,
                   only=selection.words(), options=options)  # fmt: skip
    return action


def cancel(action: BulkAction, *, by: Agent | str) -> None:
    """Stop an action after its present step; what is changed stays so. Raises BulkError."""
    with transaction.atomic():
        canceled = BulkAction.objects.filter(pk=action.pk, state__in=BulkAction.OPEN).update(
            state=BulkAction.State.CANCELED, finished_at=clock.now()
        )
        if not canceled:
            raise BulkError(_("This action has ended already."))
        audit.note("bulk.cancel", str(action), by)
    action.refresh_from_db()


def carry_out(
    action: BulkAction,
    progress: Progress = lambda action: None,
    stopping: Stopping = lambda: False,
) -> bool:
    """Do an action from where it broke off; False when it was left to others.

    ``progress`` is called with the row after each step. What is wrong is in the row then. A
    database error that passes by itself is raised: the next call continues.
    """
    try:
        act = act_of(action)
        while _step(action, act):
            act.committed()
            progress(action)
            if stopping():
                return False
        _finish(action, BulkAction.State.DONE)
    except _TakenOverError:
        return False
    except BulkError as error:
        _finish(action, BulkAction.State.FAILED, str(error))
    except Exception as error:
        if isinstance(error, DatabaseError) and db.is_passing(error):
            raise
        log.exception("bulk_action_failed", action=action.pk)
        sentence = "Clarion had a fault with this action. The worker's log has the details."
        _finish(action, BulkAction.State.FAILED, sentence)
    return True


def run_next(stopping: Stopping = lambda: False) -> bool:
    """Do the oldest open action; False when there is none, or it was left to others."""
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN).select_related("agent")
    action = rows.order_by("pk").first()
    return action is not None and carry_out(action, stopping=stopping)


class _TakenOverError(Exception):
    """Another process does the action, or it was canceled."""


def _step(action: BulkAction, act: Act) -> bool:
    """Do one step; False when no contact is left. Raises _TakenOverError."""
    with db.write():
        _take(action)
        selection = Selection.stored(action.contacts)
        ids = selection.after(action.cursor, action.last_id, act.size)
        if not ids:
            return False
        outcome = act.do(ids)
        refused = sum(map(len, outcome.refused.values()))
        _write(
            action,
            cursor=ids[-1],
            done=action.done + len(ids),
            changed=action.changed + outcome.changed,
            unchanged=action.unchanged + len(ids) - outcome.changed - refused,
            refused=action.refused + refused,
            refusals=_with_refusals(action.refusals, outcome),
        )
    return True


def _take(action: BulkAction) -> None:
    """Take the action for one step, which others wait for. Raises _TakenOverError."""
    started = action.started_at or clock.now()
    updated = BulkAction.objects.filter(
        pk=action.pk, state__in=BulkAction.OPEN, cursor=action.cursor
    ).update(state=BulkAction.State.RUNNING, started_at=started)
    if not updated:
        raise _TakenOverError
    action.state, action.started_at = BulkAction.State.RUNNING, started


def _write(action: BulkAction, **changes: Any) -> None:
    BulkAction.objects.filter(pk=action.pk).update(**changes)
    for field, value in changes.items():
        setattr(action, field, value)


def _with_refusals(before: list[Any], outcome: Outcome) -> list[Any]:
    by_reason = {reason: (number, contacts) for reason, number, contacts in before}
    for reason, ids in outcome.refused.items():
        number, contacts = by_reason.get(reason, (0, []))
        by_reason[reason] = (number + len(ids), [*contacts, *ids][:NAMED])
    return [[reason, number, contacts] for reason, (number, contacts) in by_reason.items()]


def _finish(action: BulkAction, state: BulkAction.State, error: str = "") -> None:
    with transaction.atomic():
        ended = BulkAction.objects.filter(
            pk=action.pk, state__in=BulkAction.OPEN, cursor=action.cursor
        ).update(state=state, error=error, finished_at=clock.now())
        if ended:
            audit.note(f"bulk.{state}", str(action), action.by, kind=action.kind,
                       changed=action.changed, unchanged=action.unchanged,
                       refused=action.refused)  # fmt: skip
    action.refresh_from_db()
