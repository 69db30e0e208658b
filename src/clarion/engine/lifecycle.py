"""What happens by itself: broadcasts come due, are expanded, wound up and finished.

Every worker runs these; each step is guarded by the state it expects, so any number may. They run
five times a second and mostly find nothing, so that is asked in SQL, which the ORM takes 1 ms to
write.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from clarion.accounts import audit
from clarion.broadcasts import events, launch, periodic
from clarion.broadcasts.chains import forget_reached
from clarion.broadcasts.models import IS_LIVE, Broadcast
from clarion.broadcasts.moves import move
from clarion.broadcasts.numbering import give_number
from clarion.broadcasts.repairs import repair_contradicted
from clarion.broadcasts.sending import lock_active, note_drained, settled
from clarion.broadcasts.states import ACTIVE, BroadcastState
from clarion.engine.expand import STATES, expand_chunk
from clarion.kit import clock, db
from clarion.kit.batches import batches
from clarion.records import tallies
from clarion.records.deliveries import cancel
from clarion.records.states import PENDING
from clarion.records.states import DeliveryState as D

S = BroadcastState
AT_ONCE = 200  # broadcasts of one look at the tallies
# Broadcasts that are completed in one transaction. Singles may end by the hundred in a second, and
# a commit takes longer than completing one.
TOGETHER = 25


def start_due() -> int:
    """Start what has come due; what is later than the cutoff is missed instead (C6)."""
    moment = db.now_us()
    due = "SELECT 1 FROM broadcasts_broadcast WHERE state = 'scheduled' AND scheduled_at <= %s"
    if not db.fetch(f"{due} LIMIT 1", [moment]):
        return 0
    now = clock.from_us(moment)
    late = timedelta(minutes=settings.CLARION.late_minutes)
    started = 0
    for broadcast in Broadcast.objects.filter(state=S.SCHEDULED, scheduled_at__lte=now):
        assert broadcast.scheduled_at is not None
        if now - broadcast.scheduled_at > late:
            reason = (
                f"It was due at {broadcast.scheduled_at:%Y-%m-%d %H:%M} UTC, but no worker was "
                f"running. Send it now or delete it. {broadcast.state_reason}"
            ).rstrip()
            with transaction.atomic():
                if move(broadcast, S.MISSED, state_reason=reason):
                    events.note(broadcast, "missed", audit.WORKER, reason=reason)
        elif not launch.take_back_unapproved(broadcast):
            started += _begin(broadcast, now)
    return started


def _begin(broadcast: Broadcast, now: datetime) -> bool:
    """Let it be sent, under the next №; False when its state has changed meanwhile."""
    with transaction.atomic():
        begun = move(broadcast, S.SENDING, started_at=now)
        if begun:
            give_number(broadcast)
            events.note_begin(broadcast)
            if broadcast.restart_of_id is not None:
                forget_reached(broadcast)
    return begun


def spawn_runs() -> int:
    """Make the runs of periodic broadcasts that have come due; return how many."""
    return periodic.spawn_due(clock.from_us(db.now_us()))


def expand_next() -> bool:
    """Write the next chunk of deliveries of some broadcast; False: all are expanded."""
    rows = db.fetch(
        f"SELECT id FROM broadcasts_broadcast WHERE state IN ({_listed(STATES)}) "
        "AND expanded_at IS NULL AND drained_at IS NULL"
    )
    if not rows:
        return False
    waiting = Broadcast.objects.filter(pk__in=[pk for (pk,) in rows]).exclude(IS_LIVE)
    return any(expand_chunk(broadcast) for broadcast in waiting.order_by("-priority", "pk"))


def cancel_remaining() -> int:
    """Take back a chunk of what is still queued in stopped broadcasts; return how many rows."""
    winding = Broadcast.objects.filter(state=S.STOPPED, drained_at=None).order_by("finished_at")
    cancelled = 0
    for some in batches(winding.values_list("pk", flat=True), AT_ONCE):
        counts = tallies.counts(some)
        for pk in some:
            if counts[pk][D.QUEUED] or counts[pk][D.HELD]:
                cancelled += cancel.cancel_remaining(pk)
        now = clock.from_us(db.now_us())
        empty = settled([pk for pk in some if not any(counts[pk][state] for state in PENDING)], now)
        if empty:
            note_drained(empty - repair_contradicted(empty), now)
    return cancelled


def finish() -> int:
    """Complete the broadcasts of which every delivery has come to an end."""
    running = db.fetch(
        f"SELECT id FROM broadcasts_broadcast WHERE state IN ({_listed(ACTIVE)}) "
        "AND expanded_at IS NOT NULL"
    )
    counts = tallies.counts(pk for (pk,) in running)
    over = [pk for pk in counts if not any(counts[pk][state] for state in PENDING)]
    if not over:
        return 0
    now = clock.from_us(db.now_us())
    ended = Broadcast.objects.filter(pk__in=over).exclude(IS_LIVE)
    return sum(_complete(some, now) for some in batches(ended.order_by("pk"), TOGETHER))


def verify_tallies() -> int:
    """Repair the tallies of what is on its way, where they hide what is queued; return how many.

    Claims go by the tallies, for they are asked many times a second.
    """
    running = Broadcast.objects.filter(state__in=(S.SENDING, S.LIVE)).values_list("pk", flat=True)
    return sum(len(repair_contradicted(some)) for some in batches(running, AT_ONCE))


def _complete(broadcasts: Sequence[Broadcast], now: datetime) -> int:
    """Counted again under their lock: what was in doubt may have been queued again meanwhile."""
    keys = [broadcast.pk for broadcast in broadcasts]
    with db.write():
        lock_active(keys)
        counts = tallies.counts(keys)
        over = [key for key in keys if not any(counts[key][state] for state in PENDING)]
        ended = set(over) - repair_contradicted(over)
        completed = [
            broadcast
            for broadcast in broadcasts
            if broadcast.pk in ended and move(broadcast, S.COMPLETED, finished_at=now)
        ]
        for broadcast in completed:
            events.note_end(broadcast, counts[broadcast.pk])
    return len(completed)


def _listed(states: Iterable[str]) -> str:
    return ", ".join(f"'{state}'" for state in states)
