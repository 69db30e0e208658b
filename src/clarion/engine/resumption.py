"""Whether a worker that starts may continue with what is in the database, or has to ask first.

After an outage longer than the lateness limit people may not want it any more, and after a restore
from a backup they may have had it already. So what is running is paused, or missed, with a reason.
After a restore, webhook endpoints are disabled too, and imports, their undoing and bulk actions
end: agents may have done otherwise since, or have had them done already.
"""

from datetime import datetime, timedelta
from uuid import uuid4

import structlog
from django.conf import settings
from django.db.models import Exists, OuterRef, Q, QuerySet

from clarion.accounts import audit
from clarion.broadcasts import events
from clarion.broadcasts.control import pause, stop
from clarion.broadcasts.models import IS_LIVE, Broadcast, Firing
from clarion.broadcasts.moves import move
from clarion.broadcasts.states import BroadcastState
from clarion.bulk import actions as bulk_actions
from clarion.contacts import import_undo, imports
from clarion.engine import heartbeat, reap
from clarion.engine.journal.file import folder_of
from clarion.engine.journal.known import known_beats
from clarion.kit import clock, db
from clarion.records.models import Delivery
from clarion.records.states import DeliveryState as D
from clarion.segments import watch
from clarion.webhooks.endpoints import disable
from clarion.webhooks.models import Endpoint

log = structlog.get_logger()
S = BroadcastState
AFTER_OUTAGE = (
    "No worker was running from {since:%Y-%m-%d %H:%M} to {now:%Y-%m-%d %H:%M} UTC. "
    "Check that this should still be sent. Then resume or stop it."
)
AFTER_RESTORE = (
    "The database was restored from a backup of {since:%Y-%m-%d %H:%M} UTC. Contacts who received "
    "this after the backup would receive it again. Resume it only if that is acceptable. Otherwise "
    "stop it."
)
ENDPOINT_AFTER_RESTORE = (
    "The database was restored from a backup of {since:%Y-%m-%d %H:%M} UTC: the receiver may have "
    "had some of its events, and another installation may still post to it."
)
IMPORT_AFTER_RESTORE = (
    "The database was restored from a backup of {since:%Y-%m-%d %H:%M} UTC, which was made before "
    "this import ended. If you still need it, import the file again: no one is imported twice."
)
BULK_AFTER_RESTORE = (
    "The database was restored from a backup of {since:%Y-%m-%d %H:%M} UTC, which was made before "
    "this action ended. If you still need it, start it again."
)
MISSED_AFTER_RESTORE = (
    "It was due at {due:%Y-%m-%d %H:%M} UTC, and the database was restored from a backup of "
    "{since:%Y-%m-%d %H:%M} UTC. It may have been sent after the backup. Send it now or delete it."
)


def ask_before_resuming() -> int:
    """Pause what people may have had already, or too late; return how many broadcasts that are.

    A message to one person is stopped.

    To be called before this process becomes a worker. What the journals of workers that have ended
    know is used first: afterwards the database has another identity if it was restored.
    """
    reap.reap()
    beats = known_beats(folder_of(settings.CLARION.data))
    with db.write():
        last = heartbeat.lock_latest()
        if last is None:
            return 0
        now, since = clock.from_us(db.now_us()), clock.from_us(last.at)
        is_restored = last.restored_at is not None or last.count < beats.get(last.identity, 0)
        if not is_restored and now - since <= timedelta(minutes=settings.CLARION.late_minutes):
            return 0
        waits = 0
        if is_restored:
            waits += _miss_what_was_due(since, now)
            watch.begin_anew()
            # What was asked for since is not in the backup. When a database was put back by other
            # means is not known.
            until = None if last.restored_at is None else clock.from_us(last.restored_at)
            imports.end_open(IMPORT_AFTER_RESTORE.format(since=since), until)
            import_undo.ask_again(until)
            bulk_actions.end_open(BULK_AFTER_RESTORE.format(since=since), until)
            # Other workers know the old one too: they are not to ask once more.
            heartbeat.set_identity(uuid4().hex)
            for endpoint in Endpoint.objects.filter(state=Endpoint.State.ACTIVE):
                disable(endpoint, ENDPOINT_AFTER_RESTORE.format(since=since))
        reason = (AFTER_RESTORE if is_restored else AFTER_OUTAGE).format(since=since, now=now)
        for broadcast in _running(is_restored=is_restored, now=now):
            # Of a message to one person its sender sees in the chat that it was not sent, and can
            # write it again: nobody looks for it among the paused broadcasts.
            end = stop if broadcast.type == Broadcast.Type.SINGLE else pause
            end(broadcast, by=audit.WORKER, reason=reason)
            waits += 1
        heartbeat.beat()
    log.warning("asks_before_resuming", restored=is_restored, since=since, broadcasts=waits)
    return waits


def _running(*, is_restored: bool, now: datetime) -> "QuerySet[Broadcast]":
    """What would send something by itself that belongs to the time before."""
    left = Delivery.objects.filter(broadcast=OuterRef("pk"), stage__in=[D.QUEUED, D.HELD])
    would_send = Q(Exists(left))
    if is_restored:  # else what is late is dropped or missed by its own rule
        fires = Firing.objects.filter(broadcast=OuterRef("pk"), state=Firing.State.WAITING)
        would_send |= Q(Exists(fires)) | Q(next_run_at__lte=now)
    return Broadcast.objects.filter(Q(state=S.SENDING) | Q(IS_LIVE, would_send, state=S.LIVE))


def _miss_what_was_due(since: datetime, now: datetime) -> int:
    missed = 0
    for broadcast in Broadcast.objects.filter(state=S.SCHEDULED, scheduled_at__lte=now):
        assert broadcast.scheduled_at is not None
        reason = MISSED_AFTER_RESTORE.format(due=broadcast.scheduled_at, since=since)
        if move(broadcast, S.MISSED, state_reason=reason):
            events.note(broadcast, "missed", audit.WORKER, reason=reason)
            missed += 1
    return missed
