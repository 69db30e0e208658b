"""What becomes of claimed deliveries that nobody settles: their worker died, or never had them."""

from collections import Counter
from collections.abc import Mapping, Sequence

from clarion.kit import db
from clarion.records import tallies
from clarion.records.deliveries.attempts import Attempt, record
from clarion.records.deliveries.guards import still_in_state
from clarion.records.models import Record
from clarion.records.states import DeliveryState as D
from clarion.records.states import sources

NOTHING_ELSE: Mapping[str, int | None] = {}
_Row = tuple[int, int, int, int, int]  # delivery, broadcast, channel, address, attempts


def requeue(worker_id: int, deliveries: Sequence[int]) -> int:
    """Queue again what this worker claimed and certainly did not send; return how many."""
    with db.write():
        return len(_move(worker_id, deliveries, D.QUEUED, db.now_us()))


def requeue_maybe_sent(worker_id: int, deliveries: Sequence[int]) -> int:
    """Queue again what this worker may have sent, for receivers who drop what they get twice."""
    also = {"due_at": 0, "reason_id": None, "maybe_sent": True}
    with db.write():
        return len(_move(worker_id, deliveries, D.QUEUED, db.now_us(), also))


def requeue_unsent(deliveries: Sequence[int]) -> int:
    """Queue again what was given up as in doubt and, as is proven now, was not sent.

    Return how many. The caller has locked their broadcasts, which must not be over.
    """
    before = sources(D.QUEUED, among={D.IN_DOUBT})
    with db.write():
        rows = db.fetch(
            "UPDATE records_delivery SET state = 'queued', reason_id = NULL, moved_at = %s "
            f"WHERE id {db.in_list()} AND {still_in_state(before)} "
            "RETURNING broadcast_id, channel_id",
            [db.now_us(), db.json_param([key] for key in deliveries)],
        )
        tallies.shift(Counter((*row, D.IN_DOUBT.value, D.QUEUED.value) for row in rows))
    return len(rows)


def end_in_doubt(
    worker_id: int,
    meant: Mapping[int, str],
    reason_id: int,
    scheduled_at: Mapping[int, int],
) -> int:
    """Give up what this worker may have sent, as in doubt; return how many.

    The attempt that nobody saw the end of has its record too. ``meant``: the deliveries, each with
    the message that was or would have been sent, empty where that can't be known. ``scheduled_at``:
    when their broadcasts began, by broadcast, in microseconds; of one that is not there any more
    nothing is recorded.
    """
    with db.write():
        now = db.now_us()
        also = {"due_at": 0, "reason_id": reason_id}
        rows = _move(worker_id, list(meant), D.IN_DOUBT, now, also)
        sent = _sent_by_attempt([(row[0], row[4] + 1) for row in rows])
        record(
            Attempt(
                delivery, broadcast, channel, address, attempts + 1, Record.Status.ERROR.value,
                reason_id, sent.get(delivery, 0), now - scheduled_at[broadcast], 0, now,
                meant[delivery],
            )
            for delivery, broadcast, channel, address, attempts in rows
            if broadcast in scheduled_at
        )  # fmt: skip
    return len(rows)


def _sent_by_attempt(attempts: Sequence[tuple[int, int]]) -> dict[int, int]:
    """How many messages of a story these attempts had sent: delivery and attempt."""
    columns = [("delivery", "int"), ("attempt", "int")]
    return dict(
        db.fetch(
            f"SELECT v.delivery, count(*) FROM {db.json_table(columns)} "
            + db.lateral_join("records_part", "p", "p.delivery_id = v.delivery")
            + " WHERE p.attempt = v.attempt GROUP BY v.delivery",
            [db.json_param(attempts)],
        )
    )


def _move(
    worker_id: int,
    deliveries: Sequence[int],
    after: D,
    now: int,
    also: Mapping[str, int | None] = NOTHING_ELSE,
) -> list[_Row]:
    """Take claimed deliveries from a worker, and shift the tallies; ``also``: further columns."""
    further = "".join(f", {column} = %s" for column in also)
    before = sources(after, among={D.SENDING})
    rows: list[_Row] = db.fetch(
        f"UPDATE records_delivery SET state = %s, worker_id = NULL, moved_at = %s{further} "
        f"WHERE id {db.in_list()} AND +worker_id = %s AND {still_in_state(before)} "
        "RETURNING id, broadcast_id, channel_id, address_id, attempts",
        [after, now, *also.values(), db.json_param([key] for key in deliveries), worker_id],
    )
    tallies.shift(Counter((row[1], row[2], D.SENDING.value, after.value) for row in rows))
    return rows
