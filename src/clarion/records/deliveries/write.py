"""Writing new deliveries, before anything of them is sent."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clarion.kit import db
from clarion.records import tallies
from clarion.records.deliveries.guards import still_in_state
from clarion.records.states import INITIAL
from clarion.records.states import DeliveryState as D


@dataclass(frozen=True, slots=True)
class Fate:
    """The state that a delivery is written in, and the id of its reason if it has one."""

    state: str
    reason_id: int | None = None

    def __post_init__(self) -> None:
        if self.state not in INITIAL:
            raise ValueError(f"no delivery begins as {self.state}")


@dataclass(frozen=True, slots=True)
class Recipients:
    """A query of address_id, channel_id and reason, and what is written for each of its reasons.

    A reason whose fate is None gets no delivery. The database refuses a reason without a fate, so
    that nobody is left out by mistake.
    """

    sql: str
    params: tuple[Any, ...]
    fates: Mapping[str, Fate | None]


def write_new(broadcast_id: int, recipients: Recipients, span: tuple[int, int]) -> int:
    """Write a delivery for each recipient of one span of address ids; return how many.

    ``span``: the first and last address id, which the query keeps to and no delivery of the
    broadcast lies in yet.
    """
    db.execute(*_insert(broadcast_id, recipients))
    counted = db.fetch(
        "SELECT channel_id, state, count(*) FROM records_delivery "
        "WHERE broadcast_id = %s AND address_id BETWEEN %s AND %s GROUP BY channel_id, state",
        [broadcast_id, *span],
    )
    moves: dict[tallies.Move, int] = {
        (broadcast_id, channel, None, state): count for channel, state, count in counted
    }
    tallies.shift(moves)
    return sum(moves.values())


def write_missing(broadcast_id: int, recipients: Recipients, occurrence: int = 0) -> dict[int, int]:
    """Write a delivery for each of a few recipients who has none yet; return them by address.

    ``occurrence``: how often the broadcast had been triggered for them before.
    """
    sql, params = _insert(broadcast_id, recipients, occurrence)
    written = db.fetch(
        f"{sql} ON CONFLICT (broadcast_id, address_id, occurrence) DO NOTHING "
        "RETURNING id, address_id, channel_id, state",
        params,
    )
    tallies.shift(Counter((broadcast_id, channel, None, state) for _, _, channel, state in written))
    return {address: delivery for delivery, address, _, _ in written}


def write_singles(singles: Sequence[tuple[int, int, int]]) -> dict[int, int]:
    """Queue the only delivery of each of these broadcasts; return them by broadcast.

    ``singles``: ids of broadcast, channel and address.
    """
    columns = [("broadcast", "int"), ("channel", "int"), ("address", "int")]
    written = db.fetch(
        "INSERT INTO records_delivery (broadcast_id, channel_id, address_id, occurrence, state, "
        "attempts, due_at, recovered, maybe_sent, has_progress, moved_at) "
        f"SELECT v.broadcast, v.channel, v.address, 0, '{D.QUEUED}', 0, 0, %s, %s, %s, %s "
        f"FROM {db.json_table(columns)} ORDER BY v.broadcast RETURNING broadcast_id, id",
        [False, False, False, db.now_us(), db.json_param(singles)],
    )
    tallies.shift({(broadcast, channel, None, D.QUEUED): 1 for broadcast, channel, _ in singles})
    return dict(written)


def delay(due_at: Mapping[int, int]) -> None:
    """Let deliveries just written wait for a moment each: delivery -> microseconds."""
    db.execute(
        "UPDATE records_delivery AS d SET due_at = v.due_at "
        f"FROM {db.json_table([('id', 'int'), ('due_at', 'int')])} "
        f"WHERE d.id = v.id AND {still_in_state((D.QUEUED, D.HELD), 'd.state')}",
        [db.json_param(due_at.items())],
    )


def _insert(
    broadcast_id: int, recipients: Recipients, occurrence: int = 0
) -> tuple[str, list[Any]]:
    """The statement that inserts a delivery for each recipient."""
    fates = {reason: fate for reason, fate in recipients.fates.items() if fate}
    state = " ".join(f"WHEN '{reason}' THEN '{fate.state}'" for reason, fate in fates.items())
    sql = (
        "INSERT INTO records_delivery (broadcast_id, channel_id, address_id, occurrence, state, "
        "reason_id, attempts, due_at, recovered, maybe_sent, has_progress, moved_at) "
        f"SELECT %s, channel_id, address_id, %s, CASE reason {state} END, {_reason(fates)}, "
        f"0, 0, %s, %s, %s, %s FROM ({recipients.sql}) q "
        f"WHERE {' AND '.join(_left_out(recipients.fates)) or 'true'} ORDER BY address_id"
    )
    values = [broadcast_id, occurrence, False, False, False, db.now_us()]
    return sql, [*values, *recipients.params]


def _reason(fates: Mapping[str, Fate]) -> str:
    keys = {reason: fate.reason_id for reason, fate in fates.items() if fate.reason_id}
    cases = " ".join(f"WHEN '{reason}' THEN {key}" for reason, key in keys.items())
    return f"CASE reason {cases} END" if cases else "CAST(NULL AS bigint)"


def _left_out(fates: Mapping[str, Fate | None]) -> Iterator[str]:
    return (f"reason <> '{reason}'" for reason, fate in fates.items() if fate is None)
