"""Control of broadcasts on their way: pause, resume, stop, rate, held people, delete."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import events, firings, launch, periodic, waits
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.live_edits import can_edit_live
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.restarts import can_restart
from clarion.broadcasts.states import ACTIVE, DELETABLE, FINISHED, RUNNING, BroadcastState, may_move
from clarion.kit import clock, db, rates
from clarion.kit.fields import InstantField
from clarion.records.deliveries import hold

S = BroadcastState


def actions(broadcast: Broadcast) -> list[str]:
    """What can be done with this broadcast now, in the order in which it is offered.

    edit (of a scheduled one: undo first), undo, send_now, accept_missed, pause, resume, end_wait,
    stop, rate, release (of held people), restart, duplicate, delete.
    """
    state = broadcast.state
    single = broadcast.type == Broadcast.Type.SINGLE
    sends = not broadcast.is_live or broadcast.type == Broadcast.Type.TRIGGER
    able = {
        "edit": may_move(state, S.DRAFT) or state == S.DRAFT or can_edit_live(broadcast),
        "undo": state == S.SCHEDULED,
        "send_now": state == S.SCHEDULED and broadcast.instant,
        "accept_missed": state == S.MISSED,
        "pause": may_move(state, S.PAUSED),
        "resume": state == S.PAUSED,
        "end_wait": state in ACTIVE and broadcast.waits_until is not None,
        "stop": may_move(state, S.STOPPED),
        "rate": state in ACTIVE and not single,
        "release": state in ACTIVE and sends and not single,
        "restart": can_restart(broadcast),
        "duplicate": not single,
        "delete": state in DELETABLE or _is_unsent(broadcast),
        "remove": state in FINISHED and not _is_unsent(broadcast) and not single,
    }
    return [name for name, possible in able.items() if possible]


def _is_unsent(broadcast: Broadcast) -> bool:
    """Whether it lives on and nothing of its own was sent; its runs are broadcasts themselves."""
    return broadcast.is_live and broadcast.total == 0 and broadcast.state != S.DRAFT


def pause(broadcast: Broadcast, *, by: Agent | str, reason: str = "") -> Broadcast:
    """Let nothing further leave until resumed. Raises ControlError unless it is sending or live.

    ``reason`` is shown beside the state. Of a periodic or external one: no new runs begin. Runs
    that have begun go on.
    """
    say = "Only a sending or live broadcast pauses"
    return _move(broadcast, S.PAUSED, by, "pause", say, reason=reason)


def resume(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Continue a paused or waiting broadcast, or send a missed one now.

    Raises ControlError for any other.
    A periodic one continues with its next run: runs that were due during the pause are left out.
    What a trigger has fired meanwhile is due now.
    """
    if broadcast.state == S.MISSED:
        return launch.accept_missed(broadcast, by=by)
    if broadcast.state in RUNNING and end_wait(broadcast, by=by):
        return broadcast
    if broadcast.state == S.SCHEDULED:
        raise ControlError("It is scheduled and starts by itself.")
    if broadcast.state == S.PAUSED and broadcast.recurrence:
        periodic.skip_to_now(broadcast)
    if broadcast.state == S.PAUSED and broadcast.type == Broadcast.Type.TRIGGER:
        firings.forgive_lateness(broadcast)
    after = S.LIVE if broadcast.is_live else S.SENDING
    say = "Only a paused broadcast resumes"
    # What failed before is no reason to pause again.
    since = {"watched_since": clock.from_us(db.now_us())}
    resumed = _move(broadcast, after, by, "resume", say, before=S.PAUSED, fields=since)
    waits.end_wait(broadcast.pk)
    return resumed


def end_wait(broadcast: Broadcast, *, by: Agent | str) -> bool:
    """Ask its story's webhook again now. False: it does not wait."""
    with transaction.atomic():
        ended = waits.end_wait(broadcast.pk)
        if ended:
            events.note(broadcast, "end_wait", by)
    broadcast.refresh_from_db(fields=["waits_until", "waits_since", "waits_reason"])
    return ended


def stop(broadcast: Broadcast, *, by: Agent | str, reason: str = "") -> Broadcast:
    """Let nothing further leave, for good: who was not sent to is unsent.

    What is in flight ends by itself. Raises ControlError unless it is sending, live or paused.
    """
    say = "Only a sending, live or paused broadcast can be stopped"
    return _move(broadcast, S.STOPPED, by, "stop", say, reason=reason)


def _move(
    broadcast: Broadcast,
    after: BroadcastState,
    by: Agent | str,
    verb: str,
    else_say: str,
    before: str | None = None,
    reason: str = "",
    fields: Mapping[str, Any] = MappingProxyType({}),
) -> Broadcast:
    ended = {"finished_at": clock.now(), "next_run_at": None} if after in FINISHED else {}
    with transaction.atomic():
        if not move(broadcast, after, before=before, state_reason=reason, **fields, **ended):
            raise ControlError(f"{else_say}; this one is {broadcast.get_state_display().lower()}.")
        detail = {"reason": reason} if reason else {}
        events.note(broadcast, verb, by, **detail)
    return broadcast


def set_rate(broadcast: Broadcast, rate: float | None, *, by: Agent | str) -> Broadcast:
    """Change the send rate of a running broadcast (F5): messages a second, None as fast as it goes.

    The channel's own rate still holds. It takes effect with the next claim, in every worker. The
    runs that a periodic or external one makes from now on take it over. Raises ControlError.
    """
    try:
        rates.checked(rate)
    except rates.RateError as error:
        raise ControlError(str(error)) from None
    with transaction.atomic():
        # The next slot is a step of the old rate after the last one; that step becomes a new one.
        step = round(clock.SECOND / rate) if rate else 0
        touched = db.execute(
            "UPDATE broadcasts_broadcast SET rate = %s, next_slot_at = CASE WHEN rate IS NULL "
            "THEN 0 ELSE next_slot_at + %s - CAST(1000000 / rate AS bigint) END "
            f"WHERE id = %s AND state IN ({', '.join(['%s'] * len(ACTIVE))})",
            [rate, step, broadcast.pk, *sorted(ACTIVE)],
        )
        broadcast.refresh_from_db()
        if not touched:
            raise ControlError(
                "The send rate can be changed while a broadcast is sending, live or paused; "
                f"this one is {broadcast.get_state_display().lower()}."
            )
        events.note(broadcast, "rate_changed", by, rate=rate)
    return broadcast


def release_held(
    broadcast: Broadcast, *, by: Agent | str, address_ids: Sequence[int] | None = None
) -> int:
    """Let people whom this broadcast holds have it now, though their chats stay open (G2).

    All of them, or those with these chat numbers. Returns how many; raises ControlError when
    there is nobody or the broadcast is over.
    """
    with transaction.atomic():
        # Locked, so that a stop comes either before, and all are unsent, or after.
        going = Broadcast.objects.select_for_update().filter(pk=broadcast.pk, state__in=ACTIVE)
        if not going.exists():
            raise ControlError("This broadcast has ended: no recipients are held any more.")
        released = hold.release_in(broadcast.pk, address_ids).total()
        if not released:
            raise ControlError("No recipients are held any more.")
        events.note(broadcast, "release", by, people=released)
    return released


def delete(broadcast: Broadcast, *, by: Agent | str) -> None:
    """Delete a broadcast of which nothing has left (F1). Raises ControlError otherwise.

    A periodic or external one may have had runs: they stay, with all their records.
    """
    number = broadcast.pk
    with transaction.atomic():
        unsent = Broadcast.objects.select_for_update().filter(pk=number, state__in=DELETABLE)
        if unsent.exists():
            Broadcast.objects.filter(pk=number).delete()
        elif not (broadcast.is_live and _take_away(number)):
            raise ControlError(_why_not_deleted(broadcast))
        audit.note("broadcast.delete", f"broadcast {number}", by, title=broadcast.title)


def delete_drafts(numbers: Sequence[int], *, by: Agent | str) -> int:
    """Delete these drafts, and return how many. What is no draft any more stays as it is."""
    with transaction.atomic():
        drafts = list(
            Broadcast.objects.select_for_update()
            .filter(pk__in=numbers, state=S.DRAFT)
            .order_by("pk")
            .values_list("pk", "title")
        )
        Broadcast.objects.filter(pk__in=[number for number, _title in drafts]).delete()
        for number, title in drafts:
            audit.note("broadcast.delete", f"broadcast {number}", by, title=title)
    return len(drafts)


def _take_away(number: int) -> bool:
    """End one that lives on, out of everybody's sight. Its row goes when its runs have gone."""
    now = clock.now()
    mine = Broadcast.objects.filter(
        pk=number, state__in=[*ACTIVE, S.STOPPED], total=0, deleted_at=None
    )
    return bool(
        mine.update(
            state=S.STOPPED,
            finished_at=Coalesce("finished_at", Value(now, output_field=InstantField())),
            next_run_at=None,
            deleted_at=now,
        )
    )


def _why_not_deleted(broadcast: Broadcast) -> str:
    say = "Only a broadcast that has not been sent can be deleted."
    what = "stop this one" if broadcast.state in ACTIVE else "remove this one with its records"
    return f"{say} You can {what}."
