"""Workers' leases, and what becomes of the deliveries that a dead worker had claimed."""

import os
import socket
from collections.abc import Sequence

from django.conf import settings

from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.contacts import imports
from clarion.engine.models import Worker
from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.reasons import reason_ids
from clarion.records.states import DeliveryState as D

CHUNK = 5_000
SETTLED_BY_NOW = 5 * clock.SECOND  # a claim's answer has come by then, or never will
DIED = (
    "worker_died",
    "The engine died while this message was being sent; it may or may not have arrived.",
)


def lease() -> int:
    """How long a worker may send without renewing, in microseconds."""
    return int(settings.CLARION.lease_seconds) * clock.SECOND


def register() -> int:
    """Enter this process as a worker; return its id."""
    now = db.now_us()
    worker = Worker.objects.create(
        host=socket.gethostname()[:200],
        pid=os.getpid(),
        started_at=clock.from_us(now),
        lease_until=clock.from_us(now + lease()),
    )
    return worker.pk


def renew(worker_id: int) -> bool:
    """Prolong a worker's lease. False: it has been declared dead and must not send any more."""
    now = db.now_us()
    return bool(
        db.execute(
            "UPDATE engine_worker SET lease_until = %s "
            "WHERE id = %s AND NOT dead AND lease_until > %s",
            [now + lease(), worker_id, now],
        )
    )


def sign_off(worker_id: int) -> None:
    """End a worker that has settled or given back all it had claimed."""
    db.execute("UPDATE engine_worker SET lease_until = 0 WHERE id = %s", [worker_id])
    reap()


def declare_all_dead() -> None:
    """End all leases: for the one who holds the only engine's lock on an SQLite database."""
    db.execute("UPDATE engine_worker SET lease_until = 0")


def reap() -> int:
    """Settle what dead workers left ``sending``; return how many deliveries that were.

    Where the channel has an idempotency key they are queued again, elsewhere they are in doubt.
    """
    # Marked first, in a transaction of its own: from then on no claim of this worker succeeds, so
    # that none of its rows can appear behind our back.
    db.execute(
        "UPDATE engine_worker SET dead = %s WHERE lease_until <= %s AND NOT dead",
        [True, db.now_us()],
    )
    imports.release_abandoned(Worker.objects.filter(dead=False).values("pk"))
    dead = db.fetch("SELECT id FROM engine_worker WHERE dead")
    return sum(_reap_one(worker_id) for (worker_id,) in dead)


def claimed_before(worker_id: int) -> list[int]:
    """The deliveries that this worker claimed some seconds ago or earlier, by the database."""
    found = db.fetch(
        "SELECT id FROM records_delivery WHERE state = 'sending' AND worker_id = %s "
        "AND moved_at < %s LIMIT %s",
        [worker_id, db.now_us() - SETTLED_BY_NOW, CHUNK],
    )
    return [row[0] for row in found]


def requeue(worker_id: int, deliveries: Sequence[int]) -> int:
    """Queue again what this worker claimed and certainly did not send; return how many."""
    with db.write():
        rows = db.fetch(
            "UPDATE records_delivery SET state = 'queued', worker_id = NULL, moved_at = %s "
            f"WHERE id {db.in_list()} AND +worker_id = %s RETURNING broadcast_id, channel_id",
            [db.now_us(), db.json_param([key] for key in deliveries), worker_id],
        )
        deltas: dict[tuple[int, int, str], int] = {}
        for place in rows:
            for state, delta in ((D.SENDING, -1), (D.QUEUED, 1)):
                key = (*place, state.value)
                deltas[key] = deltas.get(key, 0) + delta
        tallies.add(deltas)
    return len(rows)


def _reap_one(worker_id: int) -> int:
    total = 0
    while True:
        left = db.fetch(
            "SELECT id, channel_id FROM records_delivery "
            "WHERE state = 'sending' AND worker_id = %s LIMIT %s",
            [worker_id, CHUNK],
        )
        if not left:
            break
        for channel_id in {row[1] for row in left}:
            total += _reap_rows(
                worker_id, channel_id, [row[0] for row in left if row[1] == channel_id]
            )
    db.execute("DELETE FROM engine_worker WHERE id = %s", [worker_id])
    return total


def _reap_rows(worker_id: int, channel_id: int, deliveries: list[int]) -> int:
    again = _is_idempotent(channel_id)
    reason_id = None if again else reason_ids([DIED])[DIED]
    state = D.QUEUED if again else D.IN_DOUBT
    with db.write():
        now = db.now_us()
        rows = db.fetch(
            "UPDATE records_delivery SET state = %s, worker_id = NULL, due_at = 0, "
            "reason_id = %s, moved_at = %s, maybe_sent = %s "
            f"WHERE id {db.in_list()} AND +worker_id = %s RETURNING id, broadcast_id",
            [state, reason_id, now, True, db.json_param([key] for key in deliveries), worker_id],
        )
        if not again:
            _record([row[0] for row in rows], reason_id, now)
        deltas: dict[tuple[int, int, str], int] = {}
        for _, broadcast_id in rows:
            for where, delta in ((D.SENDING, -1), (state, 1)):
                key = (broadcast_id, channel_id, str(where.value))
                deltas[key] = deltas.get(key, 0) + delta
        tallies.add(deltas)
    return len(rows)


def _record(deliveries: list[int], reason_id: int | None, now: int) -> None:
    """The try that nobody saw the end of has its record too; what it sent is not known."""
    db.execute(
        "INSERT INTO records_record (delivery_id, broadcast_id, channel_id, address_id, attempt, "
        "status, reason_id, responses, latency, recorded_at, content) "
        "SELECT d.id, d.broadcast_id, d.channel_id, d.address_id, d.attempts + 1, 'error', %s, 0, "
        f"%s - b.scheduled_at, %s, '' FROM {db.json_table([('id', 'int')])} "
        "JOIN records_delivery d ON d.id = v.id "
        "JOIN broadcasts_broadcast b ON b.id = d.broadcast_id",
        [reason_id, now, now, db.json_param([key] for key in deliveries)],
    )


def _is_idempotent(channel_id: int) -> bool:
    try:
        return adapter(Channel.objects.get(pk=channel_id)).idempotent
    except (Channel.DoesNotExist, ValueError):  # settings that can't be read promise nothing
        return False
