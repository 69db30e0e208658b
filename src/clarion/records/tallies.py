"""How many deliveries are in which state, without counting them.

Every move of deliveries writes its change as rows of deltas in its own transaction; a number is
the sum of its deltas. Nobody waits for anybody: deltas are only inserted, and ``squash`` merges
what stands there from time to time.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from clarion.kit import db
from clarion.records.states import ALL

Key = tuple[int, int, str]  # broadcast id, channel id, state
Move = tuple[int, int, str | None, str]  # broadcast id, channel id, state before and after
WORTH_SQUASHING = 50  # rows that a squash of one broadcast must save


def shift(moves: Mapping[Move, int]) -> None:
    """Note moves of deliveries, and how many made each; part of the transaction that moves them.

    A delivery that has just been written had no state before.
    """
    deltas: defaultdict[Key, int] = defaultdict(int)
    for (broadcast, channel, before, after), count in moves.items():
        if before is not None:
            deltas[broadcast, channel, before] -= count
        deltas[broadcast, channel, after] += count
    add(deltas)


def add(deltas: Mapping[Key, int]) -> None:
    """Note changes of numbers, part of the caller's transaction."""
    changed = [(*key, delta) for key, delta in deltas.items() if delta]
    if not changed:
        return
    values = ", ".join(["(%s, %s, %s, %s)"] * len(changed))
    db.execute(
        f"INSERT INTO records_tally (broadcast_id, channel_id, state, delta) VALUES {values}",
        [value for row in changed for value in row],
    )


def counts(broadcast_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    """The number of deliveries per state for each of these broadcasts; every state is there."""
    numbers = {broadcast: dict.fromkeys(ALL, 0) for broadcast in broadcast_ids}
    if not numbers:
        return {}
    for broadcast, state, number in db.fetch(
        "SELECT broadcast_id, state, CAST(sum(delta) AS bigint) FROM records_tally"
        f" WHERE broadcast_id IN ({', '.join(['%s'] * len(numbers))})"
        " GROUP BY broadcast_id, state",
        list(numbers),
    ):
        numbers[broadcast][state] = number
    return numbers


def counts_by_channel(broadcast_ids: Iterable[int]) -> dict[int, dict[int, dict[str, int]]]:
    """As ``counts``, for each channel of these broadcasts on which there are any deliveries.

    States without a delivery are left out.
    """
    numbers: dict[int, dict[int, dict[str, int]]] = {key: {} for key in broadcast_ids}
    rows = db.fetch(
        "SELECT broadcast_id, channel_id, state, CAST(sum(delta) AS bigint) FROM records_tally"
        f" WHERE broadcast_id {db.in_list()} GROUP BY broadcast_id, channel_id, state"
        " HAVING sum(delta) <> 0",
        [db.json_param([key] for key in numbers)],
    )
    for broadcast, channel, state, number in rows:
        numbers[broadcast].setdefault(channel, {})[state] = number
    return numbers


def counts_on(broadcast_id: int, channel_id: int) -> dict[str, int]:
    """The number of deliveries of a broadcast on one channel per state; every state is there."""
    rows = db.fetch(
        "SELECT state, CAST(sum(delta) AS bigint) FROM records_tally"
        " WHERE broadcast_id = %s AND channel_id = %s GROUP BY state",
        [broadcast_id, channel_id],
    )
    return dict.fromkeys(ALL, 0) | dict(rows)


def any_queued(broadcast: str, channel: str) -> str:
    """The condition that a broadcast has something queued on a channel; both are SQL."""
    return (
        "(SELECT sum(t.delta) FROM records_tally AS t WHERE "
        f"t.broadcast_id = {broadcast} AND t.channel_id = {channel} AND t.state = 'queued') > 0"
    )


def correct(broadcast_id: int) -> list[tuple[int, str, int]]:
    """Make the numbers of a broadcast what its deliveries say; return what was wrong.

    In rows of: channel id, state, how many were missing (negative: too many). One statement sees
    one moment, in which every move has written both its rows and its deltas. So what differs is an
    error, and a delta more corrects it, whoever moves deliveries meanwhile.
    """
    return db.fetch(
        "INSERT INTO records_tally (broadcast_id, channel_id, state, delta)"
        " SELECT CAST(%s AS bigint), channel_id, state, CAST(sum(people) AS bigint) FROM ("
        "SELECT channel_id, state, count(*) AS people FROM records_delivery"
        " WHERE broadcast_id = %s GROUP BY channel_id, state"
        " UNION ALL SELECT channel_id, state, -CAST(sum(delta) AS bigint) FROM records_tally"
        " WHERE broadcast_id = %s GROUP BY channel_id, state"
        ") AS counted GROUP BY channel_id, state HAVING sum(people) <> 0"
        " RETURNING channel_id, state, delta",
        [broadcast_id] * 3,
    )


def contradicted(pairs: Iterable[tuple[int, int]]) -> list[int]:
    """The broadcasts whose numbers deny what a look at the queue shows.

    ``pairs``: broadcasts, each with a channel of its own. Looked at is only whether anything is
    queued or being sent, by the index of the queue: that is what claiming and finishing go by. One
    statement sees one moment, as in ``correct``.
    """
    of_pair = "WHERE {0}.broadcast_id = v.broadcast AND {0}.channel_id = v.channel"
    numbers = (
        f"coalesce((SELECT sum(t.delta) FROM records_tally AS t {of_pair.format('t')}"
        " AND t.state = '{state}'), 0) > 0"
    )
    rows = (
        f"EXISTS (SELECT 1 FROM records_delivery AS d {of_pair.format('d')} AND d.stage = 'queued'"
    )
    pairs_table = db.json_table([("broadcast", "int"), ("channel", "int")])
    queued, sending = numbers.format(state="queued"), numbers.format(state="sending")
    any_queued, any_at_all = f"{rows} AND d.state = 'queued')", f"{rows})"
    return [
        broadcast
        for (broadcast,) in db.fetch(
            f"SELECT DISTINCT v.broadcast FROM {pairs_table}"
            f" WHERE ({queued}) <> ({any_queued})"
            # Where nothing is queued, whatever is left in its index is being sent.
            f" OR (NOT ({queued}) AND ({sending}) <> ({any_at_all}))",
            [db.json_param(pairs)],
        )
    ]


def with_some(state: str) -> dict[int, int]:
    """The broadcasts that have deliveries in a state, and how many."""
    return dict(
        db.fetch(
            "SELECT broadcast_id, CAST(sum(delta) AS bigint) FROM records_tally WHERE state = %s"
            " GROUP BY broadcast_id HAVING sum(delta) > 0",
            [state],
        )
    )


def delete(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` deltas of these broadcasts, which are going; return how many."""
    where = f"broadcast_id IN ({', '.join(['%s'] * len(broadcast_ids))})"
    return db.delete_first("records_tally", where, "broadcast_id", broadcast_ids, limit)


def squash() -> int:
    """Merge the deltas of broadcasts that have many; return how many rows that saved.

    May run at any time, in any number of processes: each merges the rows that it deleted itself,
    and to a reader both happen at once.
    """
    long = db.fetch(
        "SELECT broadcast_id FROM (SELECT broadcast_id, count(*) AS deltas FROM records_tally"
        " GROUP BY broadcast_id, channel_id, state) AS numbers"
        " GROUP BY broadcast_id HAVING sum(deltas) - count(*) > %s",
        [WORTH_SQUASHING],
    )
    return sum(_squash(broadcast) for (broadcast,) in long)


def _squash(broadcast_id: int) -> int:
    with db.write():
        free = f"SELECT id FROM records_tally WHERE broadcast_id = %s{db.skip_locked()}"
        rows = db.fetch(
            f"DELETE FROM records_tally WHERE id {db.in_subquery(free)} "
            "RETURNING channel_id, state, delta",
            [broadcast_id],
        )
        sums: defaultdict[Key, int] = defaultdict(int)
        for channel, state, delta in rows:
            sums[broadcast_id, channel, state] += delta
        add(sums)
    return len(rows) - sum(1 for number in sums.values() if number)
