"""Control of broadcasts on their way: pause, resume, stop, restart, delete."""

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.broadcasts import launch
from clarion.broadcasts.audience import Audience
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.states import DELETABLE, FINISHED, BroadcastState, may_move
from clarion.kit import clock, db
from clarion.records import tallies, windup
from clarion.records.states import DeliveryState as D


class ControlError(ValueError):
    """The broadcast's state does not allow this; says what does."""


def actions(broadcast: Broadcast) -> list[str]:
    """What can be done with this broadcast now, in the order in which it is offered."""
    state = broadcast.state
    able = {
        "edit": state == BroadcastState.DRAFT,
        "undo": state == BroadcastState.SCHEDULED,
        "accept_missed": state == BroadcastState.MISSED,
        "pause": may_move(state, BroadcastState.PAUSED),
        "resume": state == BroadcastState.PAUSED,
        "stop": may_move(state, BroadcastState.STOPPED),
        "restart": state in FINISHED,
        "delete": state in DELETABLE,
    }
    return [name for name, possible in able.items() if possible]


def pause(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Let nothing further leave until resumed. Raises ControlError unless it is sending."""
    return _move(broadcast, BroadcastState.PAUSED, by, "pause", "Only a sending broadcast pauses")


def resume(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Go on after a pause. Raises ControlError unless it is paused."""
    if broadcast.state == BroadcastState.SCHEDULED:
        raise ControlError("It is scheduled and starts by itself.")
    return _move(broadcast, BroadcastState.SENDING, by, "resume", "Only a paused broadcast resumes")


def stop(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Let nothing further leave, for good: who was not sent to is unsent.

    What is in flight ends by itself. Raises ControlError unless it is sending or paused.
    """
    return _move(
        broadcast,
        BroadcastState.STOPPED,
        by,
        "stop",
        "Only a sending or paused broadcast can be stopped",
    )


def _move(
    broadcast: Broadcast, after: BroadcastState, by: Agent | str, verb: str, else_say: str
) -> Broadcast:
    fields = {"finished_at": clock.now()} if after in FINISHED else {}
    with transaction.atomic():
        if not move(broadcast, after, state_reason="", **fields):
            raise ControlError(f"{else_say}; this one is {broadcast.get_state_display().lower()}.")
        audit.note(f"broadcast.{verb}", f"broadcast {broadcast.pk}", by)
    return broadcast


def accept_missed(broadcast: Broadcast, *, by: Agent | str) -> Broadcast:
    """Send a missed broadcast after all, with a new undo time (C6)."""
    if broadcast.state != BroadcastState.MISSED:
        raise ControlError("Only a missed broadcast can be sent late.")
    return launch.send(broadcast, by=by)


def delete(broadcast: Broadcast, *, by: Agent | str) -> None:
    """Delete a broadcast of which nothing has left (F1). Raises ControlError otherwise."""
    number = broadcast.pk
    with transaction.atomic():
        locked = Broadcast.objects.select_for_update().filter(pk=number, state__in=DELETABLE)
        if not locked.exists():
            raise ControlError(
                "Only a broadcast that has not been sent can be deleted. You can stop this one."
            )
        Broadcast.objects.filter(pk=number).delete()
        audit.note("broadcast.delete", f"broadcast {number}", by, title=broadcast.title)


def restart(
    broadcast: Broadcast,
    *,
    by: Agent | str,
    in_doubt: bool = False,
    undo_seconds: int | None = None,
) -> Broadcast:
    """Send again, as a new linked broadcast, to those who failed or were left unsent (F3).

    Nobody who received any broadcast of the chain, or still may, gets it again; people in doubt
    only with ``in_doubt``. Raises ControlError while the old one is still winding down, while
    another restart of the chain is on its way, or when nobody is left to send to.
    """
    if broadcast.state == BroadcastState.STOPPED:
        while windup.unsend(broadcast.pk):
            pass
    with transaction.atomic():
        root = broadcast
        while root.restart_of is not None:
            root = root.restart_of
        Broadcast.objects.select_for_update().get(pk=root.pk)  # one restart of a chain at a time
        chain = _chain(root)
        _refuse_early(broadcast, chain)
        fresh = Broadcast.objects.create(
            title=broadcast.title,
            text=broadcast.text,
            agent=by if isinstance(by, Agent) else None,
            audience=Audience(kind="picks", picked_from="restart").model_dump(),
            end_open_chats=broadcast.end_open_chats,
            restart_of=broadcast,
        )
        fresh.channels.set(broadcast.channels.all())
        if not _pick_the_rest(broadcast, fresh, [link.pk for link in chain], in_doubt):
            raise ControlError("Nobody is left to send to: no one failed or was left unsent.")
        audit.note("broadcast.restart", f"broadcast {broadcast.pk}", by, restart=fresh.pk)
        return launch.send(fresh, by=by, undo_seconds=undo_seconds)


def _chain(root: Broadcast) -> list[Broadcast]:
    links, level = [root], [root]
    while level:
        level = list(Broadcast.objects.filter(restart_of__in=level))
        links += level
    return links


def _refuse_early(broadcast: Broadcast, chain: list[Broadcast]) -> None:
    if broadcast.state not in FINISHED:
        raise ControlError("Only a stopped or completed broadcast can be restarted. Stop it first.")
    for link in chain:
        if link.state not in FINISHED:
            raise ControlError(
                f"Broadcast {link.pk} of the same chain is {link.get_state_display().lower()}. "
                "Stop it or let it finish first."
            )
        counts = tallies.counts([link.pk]).get(link.pk, {})
        if link.expanded_at is None or counts.get(D.SENDING):
            raise ControlError("It is still winding down. Try again in a few seconds.")


def _pick_the_rest(old: Broadcast, fresh: Broadcast, chain: list[int], in_doubt: bool) -> int:
    left: list[str] = [D.FAILED, D.UNSENT]
    got: list[str] = [D.SENT, D.DELIVERED, D.READ, D.SENDING]
    (left if in_doubt else got).append(D.IN_DOUBT)
    marks = ", ".join(["%s"] * len(chain))
    return db.execute(
        "INSERT INTO broadcasts_pick (broadcast_id, address_id) "
        "SELECT %s, d.address_id FROM records_delivery d "
        f"WHERE d.broadcast_id = %s AND d.state IN ({', '.join(['%s'] * len(left))}) "
        "AND NOT EXISTS (SELECT 1 FROM records_delivery x WHERE x.address_id = d.address_id "
        f"AND x.broadcast_id IN ({marks}) AND x.state IN ({', '.join(['%s'] * len(got))}))",
        [fresh.pk, old.pk, *left, *chain, *got],
    )
