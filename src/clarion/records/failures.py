"""The newest failures of broadcasts that are being sent: what they pause by (F6).

A failure is noted by the transaction that moves its delivery, together with how many deliveries of
its broadcast had ended by then. So what the newest failures are among is known without counting
rows, and the same to every worker. Where nothing fails, nothing is written.

A *late* failure is reported after the provider had accepted the message. It is among the reports.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from clarion.kit import clock, db
from clarion.records.states import DeliveryState as D

# What the two numbers of a failure count.
ATTEMPTED = (D.SENT, D.DELIVERED, D.READ, D.FAILED, D.IN_DOUBT)
REPORTED = (D.DELIVERED, D.READ, D.FAILED)
_NOTED = [
    ("broadcast", "int"), ("unreachable", "bool"), ("late", "bool"), ("reason", "int"),
    ("people", "int"), ("among", "int"), ("since", "int"),
]  # fmt: skip


class Failed(NamedTuple):
    """A delivery that has failed."""

    broadcast: int
    unreachable: bool
    reason: int | None
    at: int  # when it was attempted, in microseconds


class NewFailures(NamedTuple):
    """Failures of one kind, for one reason, that were settled together."""

    unreachable: bool
    late: bool
    code: str
    text: str
    people: int
    among: int
    since: int  # microseconds
    attempted: int
    reported: int


def note(failed: Sequence[Failed], among: Mapping[int, int], *, late: bool = False) -> None:
    """Note failures, after their tallies, as part of the transaction that moves the deliveries.

    ``among``: how many deliveries of each broadcast ended, or were reported on, with them.
    """
    if not failed:
        return
    # By the second: what was attempted before a broadcast was resumed is told from what was after.
    alike = Counter(each._replace(at=each.at - each.at % clock.SECOND) for each in failed)
    rows = [
        (broadcast, unreachable, late, reason, people, among[broadcast], at)
        for (broadcast, unreachable, reason, at), people in alike.items()
    ]
    db.execute(
        "INSERT INTO records_failure (broadcast_id, unreachable, late, reason_id, people, among,"
        " since, attempted, reported) SELECT v.broadcast, v.unreachable, v.late, v.reason,"
        f" v.people, v.among, v.since, {_sum(ATTEMPTED)}, {_sum(REPORTED)}"
        f" FROM {db.json_table(_NOTED)}",
        [db.json_param(rows)],
    )


def newest(broadcast_id: int, *, within: int) -> list[NewFailures]:
    """What failed among the last ``within`` deliveries of a broadcast, up to its newest failure."""
    rows = db.fetch(
        "SELECT f.unreachable, f.late, COALESCE(o.code, ''), COALESCE(o.text, ''), f.people,"
        " f.among, f.since, f.attempted, f.reported FROM records_failure AS f"
        " LEFT JOIN records_reason AS o ON o.id = f.reason_id"
        " WHERE f.broadcast_id = %s AND f.attempted >"
        " (SELECT max(l.attempted) FROM records_failure AS l WHERE l.broadcast_id = %s) - %s",
        [broadcast_id, broadcast_id, within],
    )
    return [NewFailures(bool(row[0]), bool(row[1]), *row[2:]) for row in rows]


def noted() -> list[int]:
    """The broadcasts with failures that are noted."""
    return [pk for (pk,) in db.fetch("SELECT DISTINCT broadcast_id FROM records_failure")]


def forget(broadcast_ids: Iterable[int]) -> None:
    """Delete the failures of these broadcasts."""
    db.execute(
        f"DELETE FROM records_failure WHERE broadcast_id {db.in_list()}",
        [db.json_param([key] for key in broadcast_ids)],
    )


def forget_before(broadcast_id: int, behind: int) -> None:
    """Delete those of a broadcast that are more than ``behind`` deliveries before the newest."""
    db.execute(
        "DELETE FROM records_failure WHERE broadcast_id = %s AND attempted <"
        " (SELECT max(f.attempted) FROM records_failure AS f WHERE f.broadcast_id = %s) - %s",
        [broadcast_id, broadcast_id, behind],
    )


def _sum(states: Iterable[str]) -> str:
    listed = ", ".join(f"'{state}'" for state in states)
    return (
        "COALESCE((SELECT CAST(sum(t.delta) AS bigint) FROM records_tally AS t"
        f" WHERE t.broadcast_id = v.broadcast AND t.state IN ({listed})), 0)"
    )
