"""How many people clicked, without counting clicks: sums of deltas, as in ``records.tallies``."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from operator import add as plus
from typing import NamedTuple

from clarion.clicks.models import ANY_LINK, OPENED
from clarion.kit import db

# Of the rows of Click, written as its indexes have it.
CLICKS, OPENS = f"link_id > {ANY_LINK}", f"link_id = {OPENED}"
WORTH_SQUASHING = 50  # rows that a squash of one broadcast must save
Key = tuple[int, int, int]  # broadcast id, channel id, link id


class Counts(NamedTuple):
    """Numbers of a link, of any link, or of the opens."""

    people: int = 0  # recipients who clicked, or opened
    clicks: int = 0  # by people
    scans: int = 0  # by scanners

    def plus(self, other: "Counts") -> "Counts":
        """The sums of both."""
        return Counts(*map(plus, self, other))


NOTHING = Counts()
_SUMS = ", ".join(f"CAST(sum({name}) AS bigint)" for name in Counts._fields)


def add(deltas: Mapping[Key, Counts]) -> None:
    """Note changes of numbers, part of the caller's transaction."""
    changed = [(*key, *counts) for key, counts in deltas.items() if any(counts)]
    if not changed:
        return
    values = ", ".join(["(%s, %s, %s, %s, %s, %s)"] * len(changed))
    db.execute(
        "INSERT INTO clicks_clicktally (broadcast_id, channel_id, link_id, people, clicks, scans)"
        f" VALUES {values}",
        [value for row in changed for value in row],
    )


def counts(broadcast_ids: Iterable[int], link: int = ANY_LINK) -> dict[int, Counts]:
    """The numbers of each of these broadcasts: of a link, of any, or OPENED."""
    numbers = dict.fromkeys(broadcast_ids, NOTHING)
    if not numbers:
        return {}
    rows = db.fetch(
        f"SELECT broadcast_id, {_SUMS} FROM clicks_clicktally"
        f" WHERE broadcast_id {db.in_list()} AND link_id = %s GROUP BY broadcast_id",
        [db.json_param([key] for key in numbers), link],
    )
    return numbers | {broadcast: Counts(*sums) for broadcast, *sums in rows}


def by_link(broadcast_ids: Iterable[int]) -> dict[int, Counts]:
    """The numbers of each link of these broadcasts together; no link that nobody opened."""
    rows = db.fetch(
        f"SELECT link_id, {_SUMS} FROM clicks_clicktally"
        f" WHERE broadcast_id {db.in_list()} AND link_id > {ANY_LINK} GROUP BY link_id",
        [db.json_param([key] for key in broadcast_ids)],
    )
    return {link: Counts(*sums) for link, *sums in rows}


def correct(broadcast_id: int) -> list[tuple[int, int, int, int, int]]:
    """Make the numbers of a broadcast what its clicks say; return what was wrong.

    In rows of: channel id, link id, and by how much people, clicks and scans were too low
    (negative: too high). As ``records.tallies.correct``, one statement that sees one moment.
    """
    each = (
        "SELECT channel_id, {link} AS link_id, 0 AS people,"
        " sum(CASE WHEN clicked_by = 'person' THEN 1 ELSE 0 END) AS clicks,"
        " sum(CASE WHEN clicked_by = 'person' THEN 0 ELSE 1 END) AS scans"
        " FROM clicks_click WHERE broadcast_id = %s AND {which} GROUP BY channel_id, {link}"
    )
    any_link = f"CAST({ANY_LINK} AS bigint)"
    return db.fetch(
        "INSERT INTO clicks_clicktally (broadcast_id, channel_id, link_id, people, clicks, scans)"
        " SELECT CAST(%s AS bigint), channel_id, link_id, CAST(sum(people) AS bigint),"
        " CAST(sum(clicks) AS bigint), CAST(sum(scans) AS bigint) FROM ("
        "SELECT channel_id, link_id, count(*) AS people, 0 AS clicks, 0 AS scans"
        " FROM clicks_clicker WHERE broadcast_id = %s GROUP BY channel_id, link_id"
        f" UNION ALL {each.format(link='link_id', which=CLICKS)}"
        f" UNION ALL {each.format(link=any_link, which=CLICKS)}"
        f" UNION ALL {each.format(link='link_id', which=OPENS)}"
        " UNION ALL SELECT channel_id, link_id, -CAST(sum(people) AS bigint),"
        " -CAST(sum(clicks) AS bigint), -CAST(sum(scans) AS bigint)"
        " FROM clicks_clicktally WHERE broadcast_id = %s GROUP BY channel_id, link_id"
        ") AS counted GROUP BY channel_id, link_id"
        " HAVING sum(people) <> 0 OR sum(clicks) <> 0 OR sum(scans) <> 0"
        " RETURNING channel_id, link_id, people, clicks, scans",
        [broadcast_id] * 6,
    )


def squash() -> int:
    """Merge the deltas of broadcasts that have many; return how many rows that saved.

    May run at any time, in any number of processes, as ``records.tallies.squash``.
    """
    long = db.fetch(
        "SELECT broadcast_id FROM (SELECT broadcast_id, count(*) AS deltas FROM clicks_clicktally"
        " GROUP BY broadcast_id, channel_id, link_id) AS numbers"
        " GROUP BY broadcast_id HAVING sum(deltas) - count(*) > %s",
        [WORTH_SQUASHING],
    )
    return sum(_squash(broadcast) for (broadcast,) in long)


def _squash(broadcast_id: int) -> int:
    with db.write():
        free = f"SELECT id FROM clicks_clicktally WHERE broadcast_id = %s{db.skip_locked()}"
        rows = db.fetch(
            f"DELETE FROM clicks_clicktally WHERE id {db.in_subquery(free)} "
            "RETURNING channel_id, link_id, people, clicks, scans",
            [broadcast_id],
        )
        sums: defaultdict[Key, Counts] = defaultdict(Counts)
        for channel, link, *numbers in rows:
            key = (broadcast_id, channel, link)
            sums[key] = sums[key].plus(Counts(*numbers))
        add(sums)
    return len(rows) - sum(1 for numbers in sums.values() if any(numbers))


_TABLES = (
    ("clicks_click", CLICKS, "broadcast_id, recorded_at"),
    ("clicks_click", OPENS, "broadcast_id, recorded_at"),
    ("clicks_clicker", "true", "broadcast_id, link_id, address_id"),
    ("clicks_clicktally", "true", "broadcast_id, link_id, channel_id"),
    ("clicks_broadcastlink", "true", "broadcast_id, link_id"),
)
TABLES = tuple({table: None for table, _, _ in _TABLES})  # that name their broadcast


def delete(broadcast_ids: Sequence[int], limit: int) -> int:
    """Delete up to ``limit`` rows about these broadcasts, which are going; return how many.

    Where their links lead is kept: see ``models.Link``.
    """
    where = f"broadcast_id IN ({', '.join(['%s'] * len(broadcast_ids))})"
    deleted = 0
    for table, which, order in _TABLES:
        if deleted < limit:
            some = f"{where} AND {which}"
            deleted += db.delete_first(table, some, order, broadcast_ids, limit - deleted)
    return deleted
