"""How many were sent, delivered, read, failed and recovered, who clicked or opened, over time.

Seven numbers of a broadcast on a channel. Each counts the deliveries for which something is true,
in the span of time in which it became true:

- sent: accepted by the provider, which delivered and read ones are too;
- delivered: reported as delivered, which read ones are too; read: reported as read;
- failed: given up, or reported as failed; recovered: sent after an attempt had failed;
- clicked: a person clicked a tracked link of the message, for the first time;
- opened: a person opened the e-mail, as far as that can be told, for the first time.

What stops being true (a provider reports a failure later; a failed one arrives after all) is taken
back from the span it was counted in. So no number is ever negative, and the sum over all time is
what the rows say at every moment.

The transactions that move deliveries note the changes as deltas, one row for each broadcast,
channel and minute; ``fold`` adds them to the measures from time to time.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from operator import add as plus
from typing import NamedTuple

from clarion.kit import clock, db
from clarion.records import counters
from clarion.records.states import COMPLETED
from clarion.records.states import DeliveryState as D

MINUTE = 60 * clock.SECOND
QUARTER = 15 * MINUTE  # what every time zone's hours and days can be put together from
BY_MINUTE = 60 * MINUTE  # how long from its first span on a broadcast has one for each minute
AT_ONCE = 5_000  # deltas that one transaction folds


class Numbers(NamedTuple):
    """How many deliveries, as the module says."""

    sent: int = 0
    delivered: int = 0
    read: int = 0
    failed: int = 0
    recovered: int = 0
    clicked: int = 0
    opened: int = 0

    def plus(self, other: "Numbers") -> "Numbers":
        """The sums of both."""
        return Numbers(*map(plus, self, other))


NAMES = Numbers._fields
# For deliveries in which states each number counts; recovered: those of them that had failed. Who
# clicked or opened is not told by a state.
STATES: dict[str, tuple[str, ...]] = {
    "sent": COMPLETED,
    "delivered": (D.DELIVERED, D.READ),
    "read": (D.READ,),
    "failed": (D.FAILED,),
    "recovered": COMPLETED,
}
_Key = tuple[int, int, int]  # broadcast id, the span's beginning in microseconds, channel id
_SUMS = ", ".join(f"CAST(sum(m.{name}) AS bigint)" for name in NAMES)
_COLUMNS = f"broadcast_id, at, channel_id, {', '.join(NAMES)}"


class Change(NamedTuple):
    """A delivery that moved. Moments in microseconds, as its ``moved_at`` had and has them."""

    broadcast: int
    channel: int
    before: str
    after: str
    before_at: int
    at: int
    was_recovered: bool
    is_recovered: bool


class Spanned(NamedTuple):
    """The numbers of one channel in one of the asked spans."""

    span: int  # which of the spans, from 0
    channel: int
    numbers: Numbers


def note(changes: Mapping[Change, int]) -> None:
    """Note moves of deliveries, and how many made each; part of the transaction that moves them."""
    deltas: defaultdict[_Key, list[int]] = defaultdict(lambda: [0] * len(NAMES))
    grown: Counter[counters.Key] = Counter()
    for change, count in changes.items():
        for column, step in _effect(
            change.before, change.after, change.was_recovered, change.is_recovered
        ):
            at = change.at if step > 0 else change.before_at
            deltas[change.broadcast, at - at % MINUTE, change.channel][column] += step * count
            if step > 0:
                grown[change.channel, NAMES[column]] += count
    _insert("records_measuredelta", [(*key, *numbers) for key, numbers in deltas.items()])
    counters.add(grown)


@cache
def _effect(before: str, after: str, was: bool, recovered: bool) -> tuple[tuple[int, int], ...]:
    """Which numbers, by their place, a move changes, and by how much."""
    pairs = zip(_counts(before, recovered=was), _counts(after, recovered=recovered), strict=True)
    return tuple((column, new - old) for column, (old, new) in enumerate(pairs) if old != new)


def _counts(state: str, *, recovered: bool) -> list[bool]:
    """For which of the numbers a delivery in this state counts."""
    return [state in STATES.get(name, ()) and (recovered or name != "recovered") for name in NAMES]


def note_people(name: str, people: Mapping[_Key, int]) -> None:
    """Note who clicked or opened for the first time, part of the transaction that writes that.

    ``name``: “clicked” or “opened”.

    ``people``: how many, by broadcast id, moment in microseconds and channel id; negative where it
    turned out that it was no person.
    """
    deltas: defaultdict[_Key, int] = defaultdict(int)
    for (broadcast, at, channel), count in people.items():
        deltas[broadcast, at - at % MINUTE, channel] += count
    _insert(
        "records_measuredelta",
        [(*key, *Numbers(**{name: count})) for key, count in deltas.items() if count],
    )
    grown: Counter[counters.Key] = Counter()
    for (_, _, channel), count in deltas.items():
        grown[channel, name] += max(count, 0)
    counters.add(grown)


def add(changes: Mapping[_Key, Numbers]) -> None:
    """Add to the numbers of some spans, part of the caller's transaction: to put them right."""
    _insert("records_measuredelta", [(*key, *numbers) for key, numbers in changes.items()])


def span_of(at: int, first: int) -> int:
    """Where the span begins that a moment of a broadcast is counted in.

    ``first``: where the first span of the broadcast begins, or its first moment.
    """
    length = MINUTE if at < first - first % QUARTER + BY_MINUTE else QUARTER
    return at - at % length


def totals(broadcast_id: int) -> dict[int, Numbers]:
    """The numbers of a broadcast by channel, over all time."""
    rows = db.fetch(
        f"SELECT m.channel_id, {_SUMS} FROM (SELECT * FROM records_measure WHERE broadcast_id = %s"
        " UNION ALL SELECT * FROM records_measuredelta WHERE broadcast_id = %s) AS m"
        " GROUP BY m.channel_id",
        [broadcast_id, broadcast_id],
    )
    return {channel: Numbers(*numbers) for channel, *numbers in rows}


def first_and_last(broadcast_id: int) -> tuple[int, int] | None:
    """Where the first and the last span of a broadcast begin, in microseconds; None: no span."""
    [(first, last)] = db.fetch(
        "SELECT min(at), max(at) FROM (SELECT at FROM records_measure WHERE broadcast_id = %s"
        " UNION ALL SELECT at FROM records_measuredelta WHERE broadcast_id = %s) AS m",
        [broadcast_id, broadcast_id],
    )
    return None if first is None else (first, last)


def by_span(spans: Sequence[tuple[int, int]], broadcast_id: int | None = None) -> list[Spanned]:
    """The numbers by channel in each of these spans, of one broadcast or of all.

    ``spans``: beginning and end in microseconds, the end not included. They begin and end with
    quarters of an hour, or with minutes if they are of a broadcast's first hour. A channel that has
    nothing in a span is left out there.
    """
    asked = db.json_table([("span", "int"), ("since", "int"), ("until", "int")])
    within = "m.at >= v.since AND m.at < v.until"
    params: list[object] = [db.json_param((n, *span) for n, span in enumerate(spans))]
    if broadcast_id is not None:
        within = f"m.broadcast_id = %s AND {within}"
        params.append(broadcast_id)
    folded = db.lateral_join("records_measure", "m", within)
    # One statement sees one moment: what is being folded is in one of its halves.
    rows = db.fetch(
        f"SELECT v.span, m.channel_id, {_SUMS} FROM {asked} {folded}"
        " GROUP BY v.span, m.channel_id UNION ALL"
        f" SELECT v.span, m.channel_id, {_SUMS} FROM {asked} JOIN records_measuredelta AS m"
        f" ON {within} GROUP BY v.span, m.channel_id",
        [*params, *params],
    )
    sums: defaultdict[tuple[int, int], Numbers] = defaultdict(Numbers)
    for span, channel, *numbers in rows:
        sums[span, channel] = sums[span, channel].plus(Numbers(*numbers))
    return [
        Spanned(span, channel, numbers)
        for (span, channel), numbers in sorted(sums.items())
        if any(numbers)
    ]


def fold() -> int:
    """Add the deltas to the measures; return how many there were.

    May run at any time, in any number of processes: each adds what it deleted itself, and to a
    reader both happen at once.
    """
    folded = 0
    while some := _fold_some():
        folded += some
        if some < AT_ONCE:
            break
    return folded


def _fold_some() -> int:
    free = f"SELECT id FROM records_measuredelta ORDER BY id LIMIT %s{db.skip_locked()}"
    with db.write():
        rows = db.fetch(
            f"DELETE FROM records_measuredelta WHERE id {db.in_subquery(free)}"
            f" RETURNING {_COLUMNS}",
            [AT_ONCE],
        )
        firsts = _firsts({broadcast: at for broadcast, at, *_ in sorted(rows, reverse=True)})
        sums: defaultdict[_Key, Numbers] = defaultdict(Numbers)
        for broadcast, at, channel, *numbers in rows:
            key = (broadcast, span_of(at, firsts[broadcast]), channel)
            sums[key] = sums[key].plus(Numbers(*numbers))
        added = ", ".join(f"{name} = records_measure.{name} + excluded.{name}" for name in NAMES)
        # Sorted, so that two at a time do not wait for each other.
        _insert(
            "records_measure",
            [(*key, *numbers) for key, numbers in sorted(sums.items())],
            f" ON CONFLICT (broadcast_id, at, channel_id) DO UPDATE SET {added}",
        )
    return len(rows)


def _firsts(earliest: dict[int, int]) -> dict[int, int]:
    """Where a broadcast's first span begins.

    ``earliest``: the first of each broadcast's new spans, which may be its first at all.
    """
    firsts_known = db.fetch(
        "SELECT v.id, (SELECT min(m.at) FROM records_measure AS m WHERE m.broadcast_id = v.id)"
        f" FROM {db.json_table([('id', 'int')])}",
        [db.json_param([key] for key in earliest)],
    )
    return {key: min(earliest[key], first or earliest[key]) for key, first in firsts_known}


def delete(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` measures of these broadcasts, which are going; return how many."""
    where = f"broadcast_id IN ({', '.join(['%s'] * len(broadcast_ids))})"
    deleted = db.delete_first("records_measure", where, "broadcast_id, at", broadcast_ids, limit)
    if deleted < limit:
        left = limit - deleted
        table, order = "records_measuredelta", "broadcast_id"
        deleted += db.delete_first(table, where, order, broadcast_ids, left)
    return deleted


def _insert(table: str, rows: Sequence[Sequence[int]], otherwise: str = "") -> None:
    changed = [row for row in rows if any(row[3:])]
    if not changed:
        return
    values = ", ".join([f"({', '.join(['%s'] * (3 + len(NAMES)))})"] * len(changed))
    db.execute(
        f"INSERT INTO {table} ({_COLUMNS}) VALUES {values}{otherwise}",
        [value for row in changed for value in row],
    )
