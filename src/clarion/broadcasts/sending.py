"""What is noted in a broadcast while it is being sent, beside its state."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db.models import Exists, F, OuterRef, Q

from clarion.broadcasts.models import IS_LIVE, Broadcast, Firing
from clarion.broadcasts.states import ACTIVE, BroadcastState
from clarion.kit import clock, db

SETTLED = timedelta(minutes=1)  # no transaction lasts as long that a stop may have overtaken


def scheduled_at(broadcast_ids: Iterable[int]) -> dict[int, int]:
    """When each of these began, in microseconds."""
    return dict(
        db.fetch(
            f"SELECT id, scheduled_at FROM broadcasts_broadcast WHERE id {db.in_list()}",
            [db.json_param([key] for key in broadcast_ids)],
        )
    )


def lock_active(broadcast_ids: Iterable[int]) -> set[int]:
    """Those of these that are not over; none of them is before this transaction has ended."""
    states = ", ".join(f"'{state}'" for state in sorted(ACTIVE))
    rows = db.fetch(
        f"SELECT id FROM broadcasts_broadcast WHERE id {db.in_list()} AND state IN ({states}) "
        f"ORDER BY id{db.for_no_key_update()}",
        [db.json_param([key] for key in broadcast_ids)],
    )
    return {key for (key,) in rows}


def expansion(broadcast_id: int) -> tuple[bool, bool]:
    """Whether all deliveries of a broadcast are written, and whether it writes them one by one."""
    rows = db.fetch(
        "SELECT expanded_at IS NOT NULL, type = %s FROM broadcasts_broadcast WHERE id = %s",
        [Broadcast.Type.TRIGGER, broadcast_id],
    )
    return (bool(rows[0][0]), bool(rows[0][1])) if rows else (True, False)


def accepts_gaps(broadcast_id: int) -> bool:
    """Whether an agent decided to send it although no message can be made for some recipients."""
    gaps = Broadcast.objects.filter(pk=broadcast_id).values_list("accepted_gaps", flat=True).first()
    return bool(gaps)


def advance_slots(broadcast_id: int, next_slot_at: int) -> None:
    """Let its next message leave no earlier than at this moment, in microseconds.

    For one with a rate of its own, in the transaction that has locked it and taken the slots
    before.
    """
    db.execute(
        "UPDATE broadcasts_broadcast SET next_slot_at = %s WHERE id = %s",
        [next_slot_at, broadcast_id],
    )


def note_chunk(broadcast_id: int, last: int, written: int) -> None:
    """A chunk of deliveries has been written, up to the address ``last``."""
    Broadcast.objects.filter(pk=broadcast_id).update(expand_cursor=last, total=F("total") + written)


def over_with_codes() -> list[Broadcast]:
    """Broadcasts that are over, and may have codes of contacts who were never sent anything."""
    over = Q(state=BroadcastState.COMPLETED) | Q(
        state=BroadcastState.STOPPED, drained_at__isnull=False
    )
    with_codes = Broadcast.objects.filter(code_pool__isnull=False, codes_returned_at__isnull=True)
    return list(with_codes.filter(over).order_by("pk"))


def note_codes_returned(broadcast: Broadcast) -> None:
    """Its codes that were never sent are free again."""
    Broadcast.objects.filter(pk=broadcast.pk).update(codes_returned_at=clock.now())


def note_expanded(broadcast_id: int, now: datetime) -> None:
    """All of its deliveries have been written."""
    Broadcast.objects.filter(pk=broadcast_id).update(expanded_at=now)


def note_written(broadcast_id: int, written: int) -> None:
    """A trigger has written further deliveries."""
    Broadcast.objects.filter(pk=broadcast_id).update(total=F("total") + written)


def settled(broadcast_ids: Iterable[int], now: datetime) -> set[int]:
    """Those of these that were stopped so long ago that what had begun before must have ended."""
    over = Broadcast.objects.filter(pk__in=broadcast_ids, finished_at__lte=now - SETTLED)
    over = over.filter(Q(expanded_at__isnull=False) | IS_LIVE)
    return set(over.values_list("pk", flat=True))


def note_drained(broadcast_ids: Iterable[int], now: datetime) -> None:
    """These are stopped and settled, and nothing of them was left a moment ago.

    Noted once no firing of theirs waits.
    """
    over = Broadcast.objects.filter(pk__in=broadcast_ids)
    waiting = Firing.objects.filter(broadcast=OuterRef("pk"), state=Firing.State.WAITING)
    over.exclude(Exists(waiting)).update(drained_at=now)
