"""Starting bulk actions, carrying them out in steps, cancelling them.

An action is a row first (``start``). A worker does it step by step (``run_next``), or the process
that started it (``carry_out``). Each step takes the row by its cursor, changes some contacts and
writes the progress in one transaction: a process that is killed loses no contact and does nothing
twice, and of two processes at the same action only one is successful with each step.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final

import structlog
from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.bulk.acts import Act, Step, act_of
from clarion.bulk.errors import BulkError
from clarion.bulk.models import BulkAction
from clarion.bulk.selection import Selection
from clarion.contacts import uploads
from clarion.contacts.models import Contact
from clarion.contacts.suppressions.entries import SuppressionError
from clarion.contacts.tags import TagError
from clarion.kit import clock, db
from clarion.kit.csvfile import CsvError
from clarion.kit.numbers import BIGGEST

log = structlog.get_logger()
NAMED: Final = 20  # contacts that are listed for one reason
_SENTENCES: Final = (BulkError, TagError, SuppressionError, CsvError)  # written for people
_SAFE: Final = (BulkAction.Kind.SUPPRESS, BulkAction.Kind.DELETE_TAG)  # to do at any time
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
        return create(
            by, selection.words(), kind=kind, contacts=selection.dump(), options=options,
            last_id=newest, total=total,
        )  # fmt: skip


def create(by: Agent | str, only: list[str], **fields: Any) -> BulkAction:
    """Write down an action, in the caller's transaction; ``only``: whom it is about, in words.

    Raises what ``act_of`` raises where it can't be done.
    """
    agent, actor = (by, by.name) if isinstance(by, Agent) else (None, by)
    action = BulkAction.objects.create(agent=agent, actor=actor, **fields)
    act_of(action).close()  # what can't be done is refused at once
    audit.note("bulk.start", str(action), by, kind=action.kind, total=action.total, only=only,
               options=action.options)  # fmt: skip
    return action


def cancel(action: BulkAction, *, by: Agent | str) -> None:
    """Stop an action after its present step; what is changed stays so. Raises BulkError."""
    with transaction.atomic():
        cancelled = BulkAction.objects.filter(pk=action.pk, state__in=BulkAction.OPEN).update(
            state=BulkAction.State.CANCELLED, finished_at=clock.now()
        )
        if not cancelled:
            raise BulkError(_("This action has ended already."))
        audit.note("bulk.cancel", str(action), by)
    action.refresh_from_db()


def end_open(reason: str, until: datetime | None) -> int:
    """End the actions that wait or run, with a reason; return how many. For a database that was
    restored from a backup, in the caller's transaction.

    Those asked for after ``until``, the moment of the restore, go on; None ends all. So do those
    that can only keep messages from being sent, and those that could not be started again: the tag
    is gone.
    """
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN).select_related("agent")
    if until is not None:
        rows = rows.filter(created_at__lte=until)
    actions = list(rows.exclude(kind__in=_SAFE))
    for action in actions:
        _finish(action, BulkAction.State.FAILED, reason)
    return len(actions)


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
        try:
            while _step(action, act):
                act.committed()
                progress(action)
                if stopping():
                    return False
            with transaction.atomic():
                act.end()
                _finish(action, BulkAction.State.DONE)
        finally:
            act.close()
    except _TakenOverError:
        return False
    except _SENTENCES as error:
        _finish(action, BulkAction.State.FAILED, str(error))
    except OSError as error:
        _finish(action, BulkAction.State.FAILED, f"A file can't be used: {error.strerror}.")
    except Exception as error:
        if isinstance(error, DatabaseError) and db.is_passing(error):
            raise
        log.exception("bulk_action_failed", action=action.pk)
        sentence = "Clarion had a fault with this action. The worker's log has the details."
        _finish(action, BulkAction.State.FAILED, sentence)
    if action.upload:
        uploads.drop(action.upload)
    return True


def run_next(stopping: Stopping = lambda: False) -> bool:
    """Do the oldest open action; False when there is none, or it was left to others."""
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN).select_related("agent")
    action = rows.order_by("pk").first()
    return action is not None and carry_out(action, stopping=stopping)


class _TakenOverError(Exception):
    """Another process does the action, or it was cancelled."""


def _step(action: BulkAction, act: Act) -> bool:
    """Do one step; False when nothing is left. Raises _TakenOverError."""
    with db.write():
        _take(action)
        step = act.step(action)
        if step is None:
            return False
        _write(
            action,
            cursor=step.cursor,
            done=action.done + step.done,
            changed=action.changed + step.changed,
            unchanged=action.unchanged + step.done - step.changed - step.refused,
            refused=action.refused + step.refused,
            refusals=_with_refusals(action.refusals, step),
            rejects_size=step.rejects_size,
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


def _with_refusals(before: list[Any], step: Step) -> list[Any]:
    by_reason = {reason: (number, contacts) for reason, number, contacts in before}
    for reason, ids in step.refusals.items():
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
