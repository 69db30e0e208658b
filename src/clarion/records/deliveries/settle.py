"""Settling: what became of claimed deliveries, in batches, one transaction each.

A batch writes the deliveries' new states, one record per attempt, and the tallies. Only rows that
are still ``sending`` for this worker move; for the others the attempt is recorded all the same,
and where they had been given up as in doubt, an answer that came late proves how they ended.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clarion.kit import db, text
from clarion.kit.db import bulk
from clarion.records import counters, failures, measures, segments, tallies
from clarion.records.deliveries.attempts import Attempt, record
from clarion.records.deliveries.guards import still_in_state
from clarion.records.deliveries.progress import forget, keep
from clarion.records.deliveries.shared import pack_all
from clarion.records.progress import Progress
from clarion.records.reasons import reason_ids
from clarion.records.states import MOVES, sources
from clarion.records.states import DeliveryState as D

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
    parts: tuple[str, ...] = ()  # of a message of several parts the provider's id of each
    recovered: bool = False
    maybe_sent: bool = False  # this or an earlier attempt may have got through
    attempted: bool = False  # whether there is a record to write
    responses: int = 0  # messages that this attempt sent
    latency: int = 0  # microseconds
    request_time: int = 0  # microseconds; 0: no request left
    content: str = ""  # the message that it ended with
    # Of a message that is not the last one of its delivery: how many of the story were before it.
    number: int | None = None
    mark: str = ""  # the state that the address gets, when it can't be reached any more
    # The id it was sent to and others that the provider gave for the same person, if it did.
    user_ids: tuple[str, ...] = ()
    moved_to: str = ""  # the id that replaces the one it was sent to
    progress: Progress | None = None  # what it needs to continue, unless it is completed
    forgets: bool = False  # it had progress before
    attributes: Mapping[str, Any] | None = None  # that its contact gets, from a story's webhook
    refusal: str = ""  # the class of a refusal, see channels.contract.Refusal


_ReasonOf = Callable[[Settlement], int | None]
_PROVEN = (D.SENT, D.FAILED)  # what an answer proves of one that is in doubt
_SENDING, _IN_DOUBT, _SENT = D.SENDING.value, D.IN_DOUBT.value, D.SENT.value
_AFTER = MOVES[D.SENDING]
ALIKE = 16  # deliveries that become the same, beside which it is not written for each of them
_CHANGED = [
    ("state", "text"), ("attempts", "int"), ("due_at", "int"), ("reason_id", "int"),
    ("external_id", "text"), ("recovered", "bool"), ("maybe_sent", "bool"),
    ("has_progress", "bool"),
]  # fmt: skip
_After = tuple[str, int, int, int | None, str | None, bool, bool, bool]
_Moved = tuple[int, int, str, int, int, int | None, str | None, bool, bool, bool]
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
    if wrong := next((state for state in {s.state for s in batch} if state not in _AFTER), None):
        raise ValueError(f"no delivery that is being sent may become {wrong}")
    reasons = reason_ids(
        {(s.code, text.clean(s.reason, REASON_LENGTH)): s.refusal for s in batch if s.reason}
    )

    def reason(s: Settlement) -> int | None:
        return reasons[s.code, text.clean(s.reason, REASON_LENGTH)] if s.reason else None

    with db.write():
        moved = _move(worker_id, batch, reason)
        lost = [s for s in batch if s.delivery not in moved]
        provable = (*_PROVEN, D.QUEUED) if reopen else _PROVEN
        proven = _prove([s for s in lost if s.state in provable], reason)
        reported = _reported([s for s in lost if s.attempted])
        if attempted := [_attempt(s, reason(s), reported) for s in batch if s.attempted]:
            record(attempted, again=again)
        kept = [s for s in batch if s.delivery in moved] if lost else batch
        answered = [s for s in lost if s.delivery in proven]
        _remember([*kept, *answered])
        _count({_SENDING: kept, _IN_DOUBT: answered})
        if reasons:
            _note_failures([*kept, *answered], reason)
    return len(moved) + len(proven)


def _note_failures(ended: Sequence[Settlement], reason: _ReasonOf) -> None:
    """What a broadcast may have to pause for."""
    failed = [
        failures.Failed(s.broadcast, bool(s.mark), reason(s), s.at)
        for s in ended
        if s.state == D.FAILED
    ]
    if failed:
        failures.note(failed, Counter(s.broadcast for s in ended if s.state in failures.ATTEMPTED))


def _count(moved: Mapping[str, Sequence[Settlement]]) -> None:
    """Note how many moved, by the state before. Neither of these counts for the measures."""
    minute = measures.MINUTE
    moves: Counter[tallies.Move] = Counter()
    changes: Counter[measures.Change] = Counter()
    for before, settlements in moved.items():
        alike = Counter(
            [(s.broadcast, s.channel, s.state, s.recovered, s.at // minute) for s in settlements]
        )
        for (broadcast, channel, after, recovered, at), count in alike.items():
            state = str(after)
            moves[broadcast, channel, before, state] += count
            change = measures.Change(
                broadcast, channel, D.SENDING, state, at * minute, at * minute,
                was_recovered=False, is_recovered=recovered,
            )  # fmt: skip
            changes[change] += count
    tallies.shift(moves)
    measures.note(changes)
    counters.add(_for_monitors([s for some in moved.values() for s in some]))


def _for_monitors(settlements: Sequence[Settlement]) -> dict[counters.Key, int]:
    """How attempts were refused, and how long messages took that were sent."""
    refused = Counter(
        [(s.channel, f"{counters.REFUSED}{s.refusal}") for s in settlements if s.refusal]
    )
    sent = [(s.channel, s.latency) for s in settlements if s.state == _SENT]
    return counters.latencies(sent) | refused


def _move(worker_id: int, batch: Sequence[Settlement], reason: _ReasonOf) -> set[int]:
    # The + keeps both databases from walking an index of claimed rows with the whole batch inside;
    # the batch comes first and finds its rows by their ids.
    guard = f"+d.worker_id = %s AND {still_in_state([D.SENDING], 'd.state')}"
    alike: defaultdict[_After, dict[int, int]] = defaultdict(dict)
    for s in batch:
        alike[_after(s, reason)][s.delivery] = s.at
    moved: set[int] = set()
    different: list[_Moved] = []
    for after, moments in alike.items():
        if len(moments) >= ALIKE:
            moved |= _update_alike(after, moments, guard, worker_id)
        else:
            different += [(delivery, at, *after) for delivery, at in moments.items()]
    return moved | _update(different, guard, [worker_id])


def _prove(lost: Sequence[Settlement], reason: _ReasonOf) -> set[int]:
    """Answered after all, though its worker had been given up meanwhile: in doubt no more."""
    if not lost:
        return set()
    before = sources(*{str(s.state) for s in lost}, among={D.IN_DOUBT})
    # A refusal says nothing about a later attempt that may have got through.
    guard = (
        f"{still_in_state(before, 'd.state')} AND (v.state <> 'failed' OR d.attempts < v.attempts)"
    )
    return _update([(s.delivery, s.at, *_after(s, reason)) for s in lost], guard, [])


def _after(s: Settlement, reason: _ReasonOf) -> _After:
    """What the columns named in ``_CHANGED`` become."""
    external_id = s.external_id if s.state == D.SENT else None
    return (
        s.state, s.attempts, s.due_at, reason(s), external_id, s.recovered,
        s.maybe_sent, s.progress is not None,
    )  # fmt: skip


def _update_alike(
    after: _After, moments: Mapping[int, int], guard: str, worker_id: int
) -> set[int]:
    """Move deliveries that become the same: only the moment is written for each of them."""
    changes = ", ".join(f"{column} = %s" for column, _ in _CHANGED)
    rows = db.fetch(
        f"UPDATE records_delivery AS d SET {changes}, moved_at = v.value, worker_id = NULL "
        f"FROM {bulk.json_pairs()} WHERE d.id = v.key AND {guard} {db.returning('d', 'id')}",
        [*after, bulk.pairs_param(moments), worker_id],
    )
    return {row[0] for row in rows}


def _update(moved: Sequence[_Moved], guard: str, params: Sequence[int]) -> set[int]:
    if not moved:
        return set()
    changes = ", ".join(f"{column} = v.{column}" for column, _ in _CHANGED)
    columns = [("id", "int"), ("moved_at", "int"), *_CHANGED]
    rows = db.fetch(
        f"UPDATE records_delivery AS d SET {changes}, moved_at = v.moved_at, worker_id = NULL "
        f"FROM {db.json_table(columns)} WHERE d.id = v.id AND {guard} {db.returning('d', 'id')}",
        [db.json_param(moved), *params],
    )
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
    if reported and s.delivery in reported and s.state in {D.SENT, D.IN_DOUBT}:
        state, reason_id = reported[s.delivery]
        status = "error" if state == D.FAILED else "completed"
        responses += 1 if s.reason and status == "completed" else 0  # in doubt no more
    return Attempt(
        s.delivery, s.broadcast, s.channel, s.address, s.attempts,
        status, reason_id, responses, s.latency, s.request_time, s.at,
        s.content,
    )  # fmt: skip


def _remember(moved: Sequence[Settlement]) -> None:
    """Keep what deliveries need to continue and what they have sent; drop it when completed."""
    if kept := {s.delivery: s.progress for s in moved if s.progress is not None}:
        keep(kept)
    if forgotten := [s.delivery for s in moved if s.forgets and s.progress is None]:
        forget(forgotten)
    _keep_parts([s for s in moved if s.number is not None])
    segments.keep((s.channel, s.parts, s.at) for s in moved if s.parts)
    if ended := [s for s in moved if not s.content and s.responses and s.state == D.SENT]:
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
