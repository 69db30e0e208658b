"""Settling: what became of claimed deliveries, in batches, one transaction each.

A batch writes the deliveries' new states, one record per attempt, and the tallies. Only rows that
are still ``sending`` for this worker move; for the others the attempt is recorded all the same,
and where they had been given up as in doubt, an answer that came late proves how they ended.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from clarion.kit import db, text
from clarion.records import measures, tallies
from clarion.records.deliveries.attempts import Attempt, record
from clarion.records.deliveries.guards import still_in_state
from clarion.records.deliveries.progress import forget, keep
from clarion.records.deliveries.shared import pack_all
from clarion.records.progress import Progress
from clarion.records.reasons import reason_ids
from clarion.records.states import DeliveryState as D
from clarion.records.states import may_move, sources

REASON_LENGTH = 400


@dataclass(slots=True)
class Settlement:
    """What became of one claimed delivery."""

    delivery: int
    broadcast: int
    channel: int
    address: int
    state: str  # where it goes
    attempts: int  # attempts used up, this one included if it counted
    at: int  # microseconds
    due_at: int = 0  # microseconds, for one that is queued again
    code: str = ""
    reason: str = ""
    external_id: str | None = None
    recovered: bool = False
    maybe_sent: bool = False  # this or an earlier attempt may have got through
    attempted: bool = False  # whether there is a record to write
    responses: int = 0  # messages that this attempt sent
    latency: int = 0  # microseconds
    content: str = ""  # the message that it ended with
    # Of a message that is not the last one of its delivery: how many of the story were before it.
    number: int | None = None
    mark: str = ""  # the state that the address gets, when it can't be reached any more
    # The id it was sent to and others that the provider gave for the same person, if it did.
    user_ids: tuple[str, ...] = ()
    moved_to: str = ""  # the id that replaces the one it was sent to
    progress: Progress | None = None  # what it needs to continue, unless it is completed
    forgets: bool = False  # it had progress before


_ReasonOf = Callable[[Settlement], int | None]
_PROVEN = (D.SENT, D.FAILED)  # what an answer proves of one that is in doubt
_MOVED = [
    ("id", "int"), ("state", "text"), ("attempts", "int"), ("due_at", "int"), ("reason", "int"),
    ("external_id", "text"), ("recovered", "bool"), ("maybe_sent", "bool"), ("at", "int"),
    ("has_progress", "bool"),
]  # fmt: skip
_PART = [
    ("delivery", "int"), ("broadcast", "int"), ("channel", "int"), ("address", "int"),
    ("number", "int"), ("attempt", "int"), ("at", "int"), ("name", "text"),
    ("shared", "int"), ("content", "text"),
]  # fmt: skip


def settle_rows(
    worker_id: int, batch: Sequence[Settlement], *, again: bool = False, reopen: bool = False
) -> int:
    """Write a batch. Returns how many deliveries moved. Repeating a batch moves nothing.

    ``again``: nobody knows whether this batch was written before (its commit broke off); then
    what is recorded already is not recorded twice. ``reopen``: what is in doubt, and is proven not
    to have been sent, is queued again; the caller has locked its broadcast, which must not be over.

    Raises OperationalError when the database is locked or away, and ValueError for a state that no
    claimed delivery may move to; nothing is written then.
    """
    if wrong := next((s.state for s in batch if not may_move(D.SENDING, s.state)), None):
        raise ValueError(f"no delivery that is being sent may become {wrong}")
    reasons = reason_ids({(s.code, text.clean(s.reason, REASON_LENGTH)) for s in batch if s.reason})

    def reason(s: Settlement) -> int | None:
        return reasons[s.code, text.clean(s.reason, REASON_LENGTH)] if s.reason else None

    with db.write():
        moved = _move(worker_id, batch, reason)
        provable = (*_PROVEN, D.QUEUED) if reopen else _PROVEN
        proven = _prove(
            [s for s in batch if s.delivery not in moved and s.state in provable], reason
        )
        reported = _reported([s for s in batch if s.attempted and s.delivery not in moved])
        if attempted := [_attempt(s, reason(s), reported) for s in batch if s.attempted]:
            record(attempted, again=again)
        _remember([s for s in batch if s.delivery in moved | proven])
        moves: Counter[tallies.Move] = Counter(
            (s.broadcast, s.channel, D.SENDING.value, str(s.state))
            for s in batch
            if s.delivery in moved
        )
        moves.update(
            (s.broadcast, s.channel, D.IN_DOUBT.value, str(s.state))
            for s in batch
            if s.delivery in proven
        )
        tallies.shift(moves)
        measures.note(_measured([s for s in batch if s.delivery in moved or s.delivery in proven]))
    return len(moved) + len(proven)


def _measured(moved: Sequence[Settlement]) -> dict[measures.Change, int]:
    """What moved, by the minute. Being sent and being in doubt count for nothing before."""
    minute = measures.MINUTE
    alike = Counter((s.broadcast, s.channel, s.state, s.recovered, s.at // minute) for s in moved)
    return {
        measures.Change(
            broadcast, channel, D.SENDING, str(state), at * minute, at * minute,
            was_recovered=False, is_recovered=recovered,
        ): count
        for (broadcast, channel, state, recovered, at), count in alike.items()
    }  # fmt: skip


def _move(worker_id: int, batch: Sequence[Settlement], reason: _ReasonOf) -> set[int]:
    # The + keeps both databases from walking an index of claimed rows with the whole batch inside;
    # the batch comes first and finds its rows by their ids.
    guard = f"+d.worker_id = %s AND {still_in_state([D.SENDING], 'd.state')}"
    return _update(batch, reason, guard, [worker_id])


def _prove(lost: Sequence[Settlement], reason: _ReasonOf) -> set[int]:
    """Answered after all, though its worker had been given up meanwhile: in doubt no more."""
    if not lost:
        return set()
    before = sources(*{str(s.state) for s in lost}, among={D.IN_DOUBT})
    # A refusal says nothing about a later attempt that may have got through.
    guard = (
        f"{still_in_state(before, 'd.state')} AND (v.state <> 'failed' OR d.attempts < v.attempts)"
    )
    return _update(lost, reason, guard, [])


def _update(
    batch: Sequence[Settlement], reason: _ReasonOf, guard: str, params: Sequence[int]
) -> set[int]:
    rows = db.fetch(
        "UPDATE records_delivery AS d SET state = v.state, attempts = v.attempts, "
        "due_at = v.due_at, reason_id = v.reason, external_id = v.external_id, "
        "recovered = v.recovered, maybe_sent = v.maybe_sent, has_progress = v.has_progress, "
        "moved_at = v.at, worker_id = NULL "
        f"FROM {db.json_table(_MOVED)} WHERE d.id = v.id AND {guard} {db.returning('d', 'id')}",
        [
            db.json_param(
                (
                    s.delivery, s.state, s.attempts, s.due_at, reason(s),
                    s.external_id if s.state == D.SENT else None,
                    s.recovered, s.maybe_sent, s.at, s.progress is not None,
                )
                for s in batch
            ),
            *params,
        ],
    )  # fmt: skip
    return {row[0] for row in rows}


_Reported = tuple[str, int | None]  # the state that a receipt has moved a delivery to, its reason


def _reported(lost: Sequence[Settlement]) -> dict[int, _Reported]:
    """What receipts have said meanwhile of attempts that end now: they were quicker than we."""
    if not lost:
        return {}
    reported = (
        "EXISTS (SELECT 1 FROM records_receipt AS t WHERE t.delivery_id = d.id AND CASE"
        " WHEN d.state = 'failed' THEN t.status = 'failed'"
        " ELSE t.status IN ('delivered', 'read') END)"
    )
    ended = still_in_state([D.FAILED, D.DELIVERED, D.READ], "d.state")
    rows = db.fetch(
        "SELECT d.id, d.state, d.reason_id FROM records_delivery AS d"
        f" WHERE d.id {db.in_list()} AND {ended} AND {reported}",
        [db.json_param([s.delivery] for s in lost)],
    )
    return {delivery: (state, reason) for delivery, state, reason in rows}


def _attempt(s: Settlement, reason_id: int | None, reported: Mapping[int, _Reported]) -> Attempt:
    """The record of an attempt; accepted or in doubt, it ended as receipts have said since."""
    status, responses = "error" if s.reason else "completed", s.responses
    if s.delivery in reported and s.state in {D.SENT, D.IN_DOUBT}:
        state, reason_id = reported[s.delivery]
        status = "error" if state == D.FAILED else "completed"
        responses += 1 if s.reason and status == "completed" else 0  # in doubt no more
    return Attempt(
        s.delivery, s.broadcast, s.channel, s.address, s.attempts,
        status, reason_id, responses, s.latency, s.at,
        s.content,
    )  # fmt: skip


def _remember(moved: Sequence[Settlement]) -> None:
    """Keep what deliveries need to continue and what they have sent; drop it when completed."""
    if kept := {s.delivery: s.progress for s in moved if s.progress is not None}:
        keep(kept)
    if forgotten := [s.delivery for s in moved if s.forgets and s.progress is None]:
        forget(forgotten)
    _keep_parts([s for s in moved if s.number is not None])
    if ended := [s for s in moved if s.state == D.SENT and s.responses and not s.content]:
        db.execute(
            f"UPDATE records_part SET is_last = %s WHERE delivery_id {db.in_list()} AND number = "
            "(SELECT max(o.number) FROM records_part AS o "
            "WHERE o.delivery_id = records_part.delivery_id)",
            [True, db.json_param([s.delivery] for s in ended)],
        )


def _keep_parts(sent: Sequence[Settlement]) -> None:
    """Keep messages that another one is to follow; a batch may be written a second time."""
    if not sent:
        return
    packed = pack_all([((s.broadcast, s.number), text.storable(s.content)) for s in sent])
    rows = [
        (
            s.delivery, s.broadcast, s.channel, s.address, s.number, s.attempts + 1, s.at,
            s.external_id, *content,
        )
        for s, content in zip(sent, packed, strict=True)
    ]  # fmt: skip
    db.execute(
        "INSERT INTO records_part (delivery_id, broadcast_id, channel_id, address_id, number, "
        "attempt, sent_at, external_id, shared_id, content, is_last) SELECT delivery, broadcast, "
        "channel, address, number, attempt, at, name, shared, content, %s "
        f"FROM {db.json_table(_PART)} WHERE true "
        "ON CONFLICT (delivery_id, number) DO NOTHING",
        [False, db.json_param(rows)],
    )
