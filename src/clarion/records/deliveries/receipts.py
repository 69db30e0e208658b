"""Keeping receipts, and moving the deliveries that they are about.

What a receipt means is decided in ``records.receipts``; all of this is part of its transaction.
"""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from clarion.kit import clock, db
from clarion.records import failures, measures, tallies
from clarion.records.states import DeliveryState as D
from clarion.records.states import may_move

Receipt = tuple[int, int, str, str, int, int]  # channel, delivery, id, status, at, received at
_RECEIPT = [
    ("channel", "int"), ("delivery", "int"), ("name", "text"), ("status", "text"),
    ("at", "int"), ("received_at", "int"),
]  # fmt: skip
_MOVED = [
    ("id", "int"), ("before", "text"), ("state", "text"), ("recovered", "bool"), ("name", "text"),
    ("reason", "int"),
]  # fmt: skip


_CORRECTED = [("id", "int"), ("status", "text"), ("reason", "int")]
# The record of the attempt is written: a delivery that is still being sent gets it with its settle.
_RECORDED = frozenset({D.SENT, D.FAILED, D.IN_DOUBT})


@dataclass(frozen=True, slots=True)
class LockedDelivery:
    """A delivery as receipts find it."""

    id: int
    broadcast_id: int
    channel_id: int
    address_id: int
    state: str
    recovered: bool
    external_id: str | None
    reason_id: int | None
    moved_at: int  # microseconds


def lock(ids: Iterable[int]) -> dict[int, LockedDelivery]:
    """The deliveries with these ids, which nobody else moves until the transaction ends."""
    rows = db.fetch(
        "SELECT id, broadcast_id, channel_id, address_id, state, recovered, external_id, reason_id,"
        f" moved_at FROM records_delivery WHERE id {db.in_list()} ORDER BY id{db.for_update()}",
        [db.json_param([number] for number in set(ids))],
    )
    return {
        key: LockedDelivery(
            key, broadcast, channel, address, state, bool(recovered), name, reason, moved_at
        )
        for key, broadcast, channel, address, state, recovered, name, reason, moved_at in rows
    }


def keep(receipts: Iterable[Receipt]) -> None:
    """Store receipts that are not stored yet, always in the same order, so that no two
    transactions wait for each other."""
    db.execute(
        "INSERT INTO records_receipt"
        " (channel_id, delivery_id, external_id, status, at, received_at)"
        f" SELECT channel, delivery, name, status, at, received_at FROM {db.json_table(_RECEIPT)}"
        " WHERE true ON CONFLICT (channel_id, external_id, status) DO NOTHING",
        [db.json_param(sorted(receipts))],
    )


def move(
    changes: Sequence[tuple[LockedDelivery, LockedDelivery]], unreachable: Collection[int] = ()
) -> None:
    """Write locked deliveries as they have become: before and after, which may be one state.

    ``unreachable``: those of them that failed because their recipients can't be reached.

    Raises ValueError, with nothing written, for a state that may not follow, and RuntimeError,
    which has to undo the transaction, for deliveries that were not locked.
    """
    for before, after in changes:
        if after.state != before.state and not may_move(before.state, after.state):
            raise ValueError(f"no delivery that is {before.state} may become {after.state}")
    if not changes:
        return
    now = clock.now_us()
    moved = db.execute(
        "UPDATE records_delivery AS d SET state = v.state, recovered = v.recovered,"
        " external_id = v.name, reason_id = v.reason, worker_id = CASE WHEN v.state = d.state"
        " THEN d.worker_id END, moved_at = CASE WHEN v.state = d.state THEN d.moved_at ELSE %s END"
        f" FROM {db.json_table(_MOVED)} WHERE d.id = v.id AND d.state = v.before",
        [
            now,
            db.json_param(
                (b.id, b.state, a.state, a.recovered, a.external_id, a.reason_id)
                for b, a in changes
            ),
        ],
    )
    if moved != len(changes):
        raise RuntimeError("a delivery has moved that was to be locked")
    tallies.shift(Counter((b.broadcast_id, b.channel_id, b.state, a.state) for b, a in changes))
    measures.note(
        Counter(
            measures.Change(
                b.broadcast_id, b.channel_id, b.state, a.state, b.moved_at, now,
                b.recovered, a.recovered,
            )
            for b, a in changes
        )
    )  # fmt: skip
    _note_failures(changes, unreachable)
    _correct_records([(b, a) for b, a in changes if b.state in _RECORDED and a.state != b.state])


def _note_failures(
    changes: Sequence[tuple[LockedDelivery, LockedDelivery]], unreachable: Collection[int]
) -> None:
    """What a broadcast may have to pause for: what failed after it was accepted."""
    failed = [
        failures.Failed(b.broadcast_id, b.id in unreachable, a.reason_id, b.moved_at)
        for b, a in changes
        if a.state == D.FAILED and b.state != D.FAILED
    ]
    if failed:
        among = Counter(b.broadcast_id for b, a in changes if a.state in failures.REPORTED)
        failures.note(failed, among, late=True)


def _correct_records(changes: Sequence[tuple[LockedDelivery, LockedDelivery]]) -> None:
    """Let the newest record of each delivery end as the provider reports it now.

    What failed has the status and the reason of an error. What arrived after all is completed.
    Accepted messages that arrive, which is what nearly all receipts report, are completed already.
    """
    ended = {
        b.id: ("error" if a.state == D.FAILED else "completed", a.reason_id)
        for b, a in changes
        if a.state == D.FAILED or b.state != D.SENT
    }
    if not ended:
        return
    newest = db.fetch(
        "SELECT v.delivery, (SELECT max(r.id) FROM records_record AS r"
        " WHERE r.address_id = v.address AND r.delivery_id = v.delivery)"
        f" FROM {db.json_table([('delivery', 'int'), ('address', 'int')])}",
        [db.json_param((b.id, b.address_id) for b, _ in changes if b.id in ended)],
    )
    db.execute(
        "UPDATE records_record AS r SET status = v.status, reason_id = v.reason, responses ="
        # What arrived was sent: the message that the attempt ended with is a response, too.
        " CASE WHEN v.status = 'completed' AND r.content <> '' AND r.responses = (SELECT count(*)"
        " FROM records_part AS p WHERE p.delivery_id = r.delivery_id AND p.attempt = r.attempt)"
        " THEN r.responses + 1 ELSE r.responses END"
        f" FROM {db.json_table(_CORRECTED)} WHERE r.id = v.id",
        [db.json_param((record, *ended[delivery]) for delivery, record in newest if record)],
    )
