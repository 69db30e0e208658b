"""Control of broadcasts on their way: pause, resume, stop, rate, held people, delete, restart."""

from collections.abc import Sequence

from django.db import transaction
from django.db.models import Value
from django.db.models.functions import Coalesce

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import authors, firings, launch, periodic
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.fields import To, create_copy
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.query import Audience
from clarion.broadcasts.states import ACTIVE, DELETABLE, FINISHED, BroadcastState, may_move
from clarion.kit import clock, db, rates
from clarion.kit.fields import InstantField
from clarion.records import tallies
from clarion.records.deliveries import cancel, hold
from clarion.records.states import DeliveryState as D

S = BroadcastState


def actions(broadcast: Broadcast) -> list[str]:
    """What can be done with this broadcast now, in the order in which it is offered.

    edit (of a scheduled one: undo first), undo, send_now, accept_missed, pause, resume, stop, rate,
    release (of held people), restart, duplicate, delete.
    """
    state = broadcast.state
    single = broadcast.type == Broadcast.Type.SINGLE
    sends = not broadcast.is_live or broadcast.type == Broadcast.Type.TRIGGER
    able = {
        "edit": may_move(state, S.DRAFT) or state == S.DRAFT,
        "undo": state == S.SCHEDULED,
        "send_now": state == S.SCHEDULED and broadcast.instant,
        "accept_missed": state == S.MISSED,
        "pause": may_move(state, S.PAUSED),
        "resume": state == S.PAUSED,
        "stop": may_move(state, S.STOPPED),
        "rate": state in ACTIVE and not single,
        "release": state in ACTIVE and sends and not single,
        "restart": state in FINISHED and not broadcast.is_live and not single,
        "duplicate": not single,
        "delete": state in DELETABLE or _is_unsent(broadcast),
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
    """Continue a paused broadcast, or send a missed one now. Raises ControlError for any other.

    A periodic one continues with its next run: runs that were due during the pause are left out.
    What a trigger has fired meanwhile is due now.
    """
    if broadcast.state == S.MISSED:
        return launch.accept_missed(broadcast, by=by)
    if broadcast.state == S.SCHEDULED:
        raise ControlError("It is scheduled and starts by itself.")
    if broadcast.state == S.PAUSED and broadcast.recurrence:
        periodic.skip_to_now(broadcast)
    if broadcast.state == S.PAUSED and broadcast.type == Broadcast.Type.TRIGGER:
        firings.forgive_lateness(broadcast)
    after = S.LIVE if broadcast.is_live else S.SENDING
    say = "Only a paused broadcast resumes"
    return _move(broadcast, after, by, "resume", say, before=S.PAUSED)


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
) -> Broadcast:
    fields = {"finished_at": clock.now(), "next_run_at": None} if after in FINISHED else {}
    with transaction.atomic():
        if not move(broadcast, after, before=before, state_reason=reason, **fields):
            raise ControlError(f"{else_say}; this one is {broadcast.get_state_display().lower()}.")
        detail = {"reason": reason} if reason else {}
        audit.note(f"broadcast.{verb}", f"broadcast {broadcast.pk}", by, **detail)
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
        audit.note("broadcast.rate_changed", f"broadcast {broadcast.pk}", by, rate=rate)
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
            raise ControlError("This broadcast is over: nobody is held any more.")
        released = hold.release_in(broadcast.pk, address_ids)
        if not released:
            raise ControlError("Nobody is held any more.")
        audit.note("broadcast.release", f"broadcast {broadcast.pk}", by, people=released)
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
    return f"{say} You can stop this one." if broadcast.state in ACTIVE else say


def chain(broadcast: Broadcast) -> list[Broadcast]:
    """All links of its chain: the broadcast that was restarted first, its restarts, and theirs."""
    root = broadcast
    while root.restart_of is not None:
        root = root.restart_of
    links, level = [root], [root]
    while level:
        level = list(Broadcast.objects.filter(restart_of__in=level).order_by("pk"))
        links += level
    return links


def leftover(broadcast: Broadcast) -> dict[str, int]:
    """How many a restart could go to: failed, unsent, in_doubt; without whom the chain reached."""
    links = [link.pk for link in chain(broadcast)]
    if len(links) == 1:
        counts = tallies.counts(links)[broadcast.pk]
        if broadcast.state == S.STOPPED:  # the engine is about to call them unsent
            counts[D.UNSENT] += counts[D.QUEUED] + counts[D.HELD]
        return {state.value: counts[state] for state in (D.FAILED, D.UNSENT, D.IN_DOUBT)}
    found = dict.fromkeys([D.FAILED.value, D.UNSENT.value, D.IN_DOUBT.value], 0)
    for in_doubt, states in ((False, (D.FAILED, D.UNSENT)), (True, (D.IN_DOUBT,))):
        where, params = _the_rest(broadcast.pk, links, states, in_doubt)
        found |= dict(db.fetch(f"SELECT d.state, count(*) {where} GROUP BY d.state", params))
    return found


def restart(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    in_doubt: bool = False,
    undo_seconds: int | None = None,
) -> Broadcast:
    """Send again, as a new linked broadcast, to those who failed or were left unsent (F3).

    Nobody who received any broadcast of the chain, or still may, gets it again; people in doubt
    only with ``in_doubt``. What it says stays the same, a story in the same version, and so do
    the consents that it requires. Raises ControlError while the old one is still winding down,
    while another restart of the chain is on its way, or when nobody is left to send to.
    """
    if "restart" not in actions(broadcast):
        raise ControlError(_why_not_restarted(broadcast))
    if broadcast.state == S.STOPPED:
        while cancel.cancel_remaining(broadcast.pk):
            pass
    with transaction.atomic():
        root = chain(broadcast)[0]
        # Locked: one restart of a chain at a time.
        kept = Broadcast.objects.select_for_update().filter(pk=root.pk, deleted_at=None)
        if not kept.exists():
            raise ControlError("Its time is over: it is being deleted. Duplicate another one.")
        links = chain(root)
        _refuse_early(links)
        chosen = {"kind": "picks", "picked_from": "restart", "tags": [], "without_tags": []}
        fresh = create_copy(
            broadcast,
            To.RESTART,
            **authors.drafter(by),
            audience=Audience.model_validate({**broadcast.audience, **chosen}).model_dump(),
            restart_of=broadcast,
        )
        if not _pick_the_rest(broadcast, fresh, [link.pk for link in links], in_doubt):
            raise ControlError("Nobody is left to send to: no one failed or was left unsent.")
        audit.note("broadcast.restart", f"broadcast {broadcast.pk}", by, restart=fresh.pk)
        return launch.start(fresh, by=by, undo_seconds=undo_seconds)


def _why_not_restarted(broadcast: Broadcast) -> str:
    if broadcast.type == Broadcast.Type.SINGLE:
        return "This went to one person alone. Write to them again in their chat."
    if broadcast.is_live:
        return "It makes its runs itself. Restart one of its runs, or duplicate it."
    return "Only a stopped or completed broadcast can be restarted. Stop it first."


def _refuse_early(links: Sequence[Broadcast]) -> None:
    for link in links:
        if link.state not in FINISHED:
            state = link.get_state_display().lower()
            what = "Delete it" if link.state in DELETABLE else "Stop it"
            raise ControlError(
                f"Broadcast {link.pk} of the same chain is {state}. {what} or let it finish first."
            )
        counts = tallies.counts([link.pk])[link.pk]
        if link.expanded_at is None or counts[D.SENDING]:
            raise ControlError("It is still winding down. Try again in a few seconds.")


def _pick_the_rest(old: Broadcast, fresh: Broadcast, links: list[int], in_doubt: bool) -> int:
    states = (D.FAILED, D.UNSENT, D.IN_DOUBT) if in_doubt else (D.FAILED, D.UNSENT)
    where, params = _the_rest(old.pk, links, states, in_doubt)
    return db.execute(
        f"INSERT INTO broadcasts_pick (broadcast_id, address_id) SELECT %s, d.address_id {where}",
        [fresh.pk, *params],
    )


def _the_rest(
    old: int, links: Sequence[int], states: Sequence[str], in_doubt: bool
) -> tuple[str, list[object]]:
    """SQL for the deliveries of ``old`` in these states whose people the chain has not reached."""
    # The states stand in the text: the partial index of trouble needs to see them.
    among = " OR ".join(f"d.state = '{D(state).value}'" for state in states)
    where = f"FROM records_delivery d WHERE d.broadcast_id = %s AND ({among})"
    others = [link for link in links if link != old]
    if not others:
        return where, [old]
    got = [D.SENT, D.DELIVERED, D.READ, D.SENDING] + ([] if in_doubt else [D.IN_DOUBT])
    where += (
        " AND NOT EXISTS (SELECT 1 FROM records_delivery x WHERE x.address_id = d.address_id "
        f"AND x.broadcast_id IN ({', '.join(['%s'] * len(others))}) "
        f"AND x.state IN ({', '.join(['%s'] * len(got))}){db.planner_fence()})"
    )
    return where, [old, *others, *got]
