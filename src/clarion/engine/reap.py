"""Workers' leases, and what becomes of the deliveries that a dead worker had claimed."""

import os
import socket
from collections import Counter
from collections.abc import Mapping, Sequence

import structlog
from django.conf import settings

from clarion.broadcasts import events
from clarion.broadcasts.sending import scheduled_at
from clarion.channels.models import Channel
from clarion.channels.registry import is_idempotent, sends_batches
from clarion.contacts import imports
from clarion.engine import heartbeat
from clarion.engine.dry_runs import running as dry_runs
from clarion.engine.heartbeat import Beat
from clarion.engine.journal.file import folder_of
from clarion.engine.journal.gone import gone_journals
from clarion.engine.journal.proof import Proof, forget, no_proof, proof_of
from clarion.engine.meant import meant
from clarion.engine.models import Worker
from clarion.kit import clock, db
from clarion.records.deliveries.claim import claimed_by
from clarion.records.deliveries.requeue import end_in_doubt, requeue, requeue_maybe_sent
from clarion.records.reasons import reason_ids

log = structlog.get_logger()
SETTLED_BY_NOW = 5 * clock.SECOND  # a claim's answer has come by then, or never will
DIED = (
    "worker_died",
    "The worker ended while this message was being sent. It may or may not have been sent.",
)


def lease() -> int:
    """How long a worker may send without renewing, in microseconds."""
    return int(settings.CLARION.lease_seconds) * clock.SECOND


def register(journal: str = "") -> int:
    """Enter this process as a worker, with its journal's token; return its id."""
    now = db.now_us()
    worker = Worker.objects.create(
        host=socket.gethostname()[:200],
        pid=os.getpid(),
        journal=journal,
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


def report_trouble(worker_id: int, trouble: str) -> None:
    """Let everybody know why this worker sends nothing at present; empty: it does again."""
    db.execute("UPDATE engine_worker SET trouble = %s WHERE id = %s", [trouble[:400], worker_id])


def reap() -> int:
    """Settle what dead workers left ``sending``; return how many deliveries that were.

    What the journal of a worker proves is settled so. The rest is queued again where the channel
    has an idempotency key, elsewhere it is in doubt.
    """
    with gone_journals(folder_of(settings.CLARION.data)) as journals:
        # Nobody holds the lock of its journal any more, so there is no need to wait for its lease.
        _end_leases(list(journals))
        # Marked first, in a transaction of its own: from then on no claim of this worker succeeds,
        # so that none of its rows can appear behind our back.
        db.execute(
            "UPDATE engine_worker SET dead = %s WHERE lease_until <= %s AND NOT dead",
            [True, db.now_us()],
        )
        working = Worker.objects.filter(dead=False).values("pk")
        imports.release_abandoned(working)
        dry_runs.release_abandoned(working)
        here = heartbeat.latest() if journals else None
        proofs = {token: proof_of(journal, here) for token, journal in journals.items()}
        dead = db.fetch("SELECT id, journal FROM engine_worker WHERE dead")
        total = sum(_reap_one(key, proofs.get(token, no_proof())) for key, token in dead)
        for proof in proofs.values():
            proof.resolve_doubts()
        tokens = {token for (token,) in db.fetch("SELECT journal FROM engine_worker")}
        for token, journal in journals.items():
            if token not in tokens:
                forget(journal, proofs[token])
    return total


def _end_leases(tokens: Sequence[str]) -> None:
    if tokens:
        db.execute(
            "UPDATE engine_worker SET lease_until = 0 "
            f"WHERE journal {db.in_list('text')} AND NOT dead",
            [db.json_param([token] for token in tokens)],
        )


def claimed_before(worker_id: int) -> list[int]:
    """The deliveries that this worker claimed some seconds ago or earlier, by the database."""
    return [row[0] for row in claimed_by(worker_id, before=db.now_us() - SETTLED_BY_NOW)]


def _reap_one(worker_id: int, proof: Proof) -> int:
    total = 0
    while True:
        left = claimed_by(worker_id)
        if not left:
            break
        events.observe_each(Counter(row[1] for row in left), "worker_ended")
        ids = [row[0] for row in left]
        total += proof.settle_answered(worker_id, ids)
        unbegun = [key for key in ids if proof.is_unbegun(key)]
        total += requeue(worker_id, unbegun)
        proven = {*unbegun, *(key for key in ids if proof.answer(key))}
        left = [row for row in left if row[0] not in proven]
        for channel_id in {row[2] for row in left}:
            rows = [row[:2] for row in left if row[2] == channel_id]
            total += _reap_rows(worker_id, channel_id, dict(rows), proof)
    if db.execute("DELETE FROM engine_worker WHERE id = %s", [worker_id]):
        log.info("worker_reaped", worker=worker_id, deliveries=total)
    return total


def _reap_rows(worker_id: int, channel_id: int, left: Mapping[int, int], proof: Proof) -> int:
    """Move what a dead worker left on a channel: delivery -> its broadcast."""
    repeated = _repeatable(channel_id, left, proof)
    total = requeue_maybe_sent(worker_id, repeated) if repeated else 0
    doubtful = {key: left[key] for key in left.keys() - set(repeated)}
    if not doubtful:
        return total
    return total + end_in_doubt(
        worker_id,
        meant(channel_id, list(doubtful)),
        reason_ids([DIED])[DIED],
        scheduled_at(set(doubtful.values())),
    )


def _repeatable(channel_id: int, left: Mapping[int, int], proof: Proof) -> list[int]:
    """Those whose repeat the provider drops if they were sent before.

    It knows a request again, not a message: what others were in is not known any more.
    """
    if not is_idempotent(channel_id):
        return []
    kind = Channel.objects.values_list("kind", flat=True).get(pk=channel_id)
    return [key for key in left if proof.was_alone(key)] if sends_batches(kind) else list(left)


def renewed(worker_id: int) -> tuple[bool, int, Beat]:
    """Whether the lease lasts, how far the shared clock is ahead of ours, and the heartbeat."""
    with db.write():
        alive, beat = renew(worker_id), heartbeat.beat()
    return alive, db.clock_ahead(), beat
