"""Periodic broadcasts (C3): live, they are never sent themselves; each run is a broadcast.

A run is made when its moment has come, as a broadcast scheduled for that moment, so that one which
is too late is missed by the same rule as any other.
"""

from datetime import datetime, timedelta
from itertools import islice

from django.db import transaction
from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import events
from clarion.broadcasts import recurrence as recurrences
from clarion.broadcasts.errors import LaunchError, RecurrenceError
from clarion.broadcasts.live import go_live, new_run
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.picks import copy_picks
from clarion.broadcasts.recurrence import Recurrence
from clarion.broadcasts.states import BroadcastState
from clarion.kit import clock

S = BroadcastState
MOST_COUNTED = 1_000  # runs that are counted one by one when nobody was there for long
_LOOK_BACK = [timedelta(hours=1), *(timedelta(days=days) for days in (1, 8, 32, 367, 3_000))]


def start(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Make a draft with a recurrence live. Raises LaunchError with all that is in the way."""
    try:
        first = following(broadcast, clock.now())
    except ValueError as error:
        raise LaunchError(str(error)) from None
    return go_live(broadcast, by=by, next_run_at=first, time_zone=broadcast.zone)


def following(broadcast: Broadcast, after: datetime) -> datetime:
    """Its first run later than ``after``, in UTC. Raises ValueError for an invalid recurrence."""
    rule = recurrences.parse(broadcast.recurrence)
    return recurrences.next_run(rule, broadcast.zone, after)


def upcoming(broadcast: Broadcast, n: int) -> list[datetime]:
    """Its next ``n`` runs, in UTC. Raises ValueError for an invalid recurrence."""
    rule = recurrences.parse(broadcast.recurrence)
    return recurrences.runs(rule, broadcast.zone, clock.now(), n)


def words(broadcast: Broadcast) -> str:
    """For people: “Every Monday at 09:00, Europe/Berlin”; the fault of an invalid recurrence."""
    try:
        return recurrences.words(recurrences.parse(broadcast.recurrence), broadcast.zone)
    except RecurrenceError as error:
        return str(error)


def recompute() -> int:
    """Compute all next runs afresh, for the rules of a zone may have changed; how many moved.

    To be called when an engine starts: a process keeps the rules that it began with. A run whose
    moment has passed stays as it is: it is due.
    """
    now = clock.now()
    moved = 0
    for broadcast in _periodic(next_run_at__gt=now):
        try:
            first = following(broadcast, now)
        except ValueError as error:
            _give_up(broadcast, error)
            continue
        if first != broadcast.next_run_at:
            moved += _advance(broadcast, first)
    return moved


def spawn_due(now: datetime) -> int:
    """Make a broadcast of every run that has come due; return how many were made.

    Of several runs that came due while no engine was running, the newest is made alone. Runs that
    fall into a pause are left out. Any number of engines may call this at the same time.
    """
    return sum(_spawn(broadcast, now) for broadcast in _periodic(next_run_at__lte=now))


def skip_to_now(broadcast: Broadcast) -> None:
    """Leave out the runs that have passed: after a pause it goes on with the next one."""
    if broadcast.next_run_at is not None and broadcast.next_run_at <= clock.now():
        try:
            _advance(broadcast, following(broadcast, clock.now()))
        except ValueError as error:
            _give_up(broadcast, error)


def _periodic(**when: datetime) -> "QuerySet[Broadcast]":
    live = Broadcast.objects.filter(state__in=[S.LIVE, S.PAUSED], **when)
    return live.exclude(recurrence={}).order_by("pk")


def _spawn(parent: Broadcast, now: datetime) -> int:
    planned = parent.next_run_at
    assert planned is not None
    try:
        after = following(parent, now)
        at, passed_over = _newest(parent, planned, now)
    except ValueError as error:
        _give_up(parent, error)
        return 0
    with transaction.atomic():
        if not _advance(parent, after) or parent.state == S.PAUSED:
            return 0
        run = new_run(parent, at, state_reason=passed_over)
        copy_picks(parent, run)
        events.note(
            parent, "run", audit.WORKER, run=run.pk, at=at.isoformat(),
            **({"left_out": passed_over} if passed_over else {}),
        )  # fmt: skip
        events.observe(run.pk, "create", run_of=parent.pk, at=at.isoformat())
    return 1


def _advance(broadcast: Broadcast, after: datetime) -> bool:
    """Write the next run; False when somebody else did, or its state has changed meanwhile."""
    same = Broadcast.objects.filter(
        pk=broadcast.pk, state=broadcast.state, next_run_at=broadcast.next_run_at
    )
    return bool(same.update(next_run_at=after))


def _newest(broadcast: Broadcast, planned: datetime, now: datetime) -> tuple[datetime, str]:
    """The newest run that is due, and a sentence about those before it, if any."""
    rule, zone = recurrences.parse(broadcast.recurrence), broadcast.zone
    moments = [planned]
    for moment in islice(recurrences.stream(rule, zone, planned), MOST_COUNTED):
        if moment > now:
            break
        moments.append(moment)
    left_out = len(moments) - 1
    if left_out < MOST_COUNTED:
        return moments[-1], _said(f"{left_out:,}", left_out) if left_out else ""
    last = _last_before(rule, zone, now) or moments[-1]
    return last, _said(f"At least {MOST_COUNTED:,}", left_out)


def _said(number: str, count: int) -> str:
    what = "run before this one was" if count == 1 else "runs before this one were"
    return f"{number} {what} left out: no worker was running then."


def _last_before(rule: Recurrence, zone: str, now: datetime) -> datetime | None:
    """The newest run until now, of a rule that has run often."""
    for back in _LOOK_BACK:
        last = None
        for moment in recurrences.stream(rule, zone, now - back):
            if moment > now:
                break
            last = moment
        if last is not None:
            return last
    return None


def _give_up(broadcast: Broadcast, error: ValueError) -> None:
    """Pause one whose next run can't be told, so that an agent sees why; the others go on."""
    if broadcast.state == S.LIVE:
        reason = f"Its next run can't be calculated. {error} Stop it, and start a corrected copy."
        with transaction.atomic():
            if move(broadcast, S.PAUSED, before=S.LIVE, state_reason=reason):
                events.note(broadcast, "pause", audit.WORKER, reason=reason)
