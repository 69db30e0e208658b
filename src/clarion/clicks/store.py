"""Writing clicks and opens, in groups, and counting who clicked or opened for the first time."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from clarion.clicks import tallies
from clarion.clicks.models import ANY_LINK, OPENED, Click
from clarion.clicks.scanners import BURST, SOON, is_person
from clarion.clicks.tallies import Counts
from clarion.kit import clock, db
from clarion.records import measures

# All links of a message, opened within BURST_SPAN, the first one within BURST_SOON of its sending.
BURST_SPAN = 10 * clock.SECOND
BURST_SOON = 60 * clock.SECOND
# Before an e-mail is in anybody's list: gateways load its images first.
OPENED_SOON = 3 * clock.SECOND
_PERSON, _SCANNER = Click.By.PERSON.value, Click.By.SCANNER.value


@dataclass(frozen=True, slots=True)
class Visit:
    """A tracked link was opened, or an e-mail."""

    delivery: int
    link: int  # or OPENED
    at: int  # microseconds
    sign: str = ""  # one of scanners.SIGNS


class _Row(NamedTuple):
    """A visit, with what its delivery says."""

    delivery: int
    link: int
    at: int
    sign: str
    broadcast: int
    channel: int
    address: int


class _First(NamedTuple):
    """A recipient who had not clicked this link (or any), or opened the e-mail, before."""

    delivery: int
    link: int
    broadcast: int
    channel: int
    at: int


_VISIT = [("delivery", "int"), ("link", "int"), ("at", "int"), ("sign", "text")]
_NOT_STORED = (
    " AND NOT EXISTS (SELECT 1 FROM clicks_click AS k WHERE k.address_id = d.address_id"
    " AND k.delivery_id = v.delivery AND k.link_id = v.link AND k.recorded_at = v.at)"
)


def store(visits: Sequence[Visit], *, again: bool = False) -> int:
    """Write clicks in one transaction; return how many. What is counted is written with them.

    A visit of a delivery that has been deleted, or of a link that its broadcast does not have, is
    left out. ``again``: some may have been written before (a file that was read once already);
    those are left out too.
    """
    with db.write():
        rows = _with_deliveries(visits, again=again)
        _insert(rows)
        firsts = _note_clickers([row for row in rows if is_person(row.sign)])
        deltas: defaultdict[tallies.Key, Counts] = defaultdict(Counts)
        for row in rows:
            change = Counts(clicks=1) if is_person(row.sign) else Counts(scans=1)
            for link in _counted_with(row.link):
                key = (row.broadcast, row.channel, link)
                deltas[key] = deltas[key].plus(change)
        for first in firsts:
            key = (first.broadcast, first.channel, first.link)
            deltas[key] = deltas[key].plus(Counts(people=1))
        tallies.add(deltas)
        _measure(firsts, 1)
        _take_back_bursts({first.delivery for first in firsts})
    return len(rows)


def _with_deliveries(visits: Sequence[Visit], *, again: bool) -> list[_Row]:
    """In the order of deliveries, so that two groups at a time never wait for each other."""
    lateral = db.lateral_join("records_delivery", "d", "d.id = v.delivery")
    rows = db.fetch(
        "SELECT v.delivery, v.link, v.at, v.sign, d.broadcast_id, d.channel_id, d.address_id "
        f"FROM {db.json_table(_VISIT)} {lateral} WHERE EXISTS (SELECT 1 FROM clicks_broadcastlink"
        " AS b WHERE b.broadcast_id = d.broadcast_id AND b.link_id = v.link)"
        f"{_NOT_STORED if again else ''}",
        [db.json_param((v.delivery, v.link, v.at, v.sign) for v in visits)],
    )
    return _with_soon(sorted(_Row(*row) for row in rows))


def _with_soon(rows: Sequence[_Row]) -> list[_Row]:
    """The same, those opens marked that came sooner than anybody opens an e-mail."""
    opens = {(row.delivery,) for row in rows if row.link == OPENED and is_person(row.sign)}
    if not opens:
        return list(rows)
    moved = dict(
        db.fetch(
            "SELECT id, moved_at FROM records_delivery WHERE state <> 'read'"
            f" AND id {db.in_list()}",
            [db.json_param(opens)],
        )
    )
    return [
        row._replace(sign=SOON)
        if row.link == OPENED
        and is_person(row.sign)
        and row.at <= moved.get(row.delivery, 0) + OPENED_SOON
        else row
        for row in rows
    ]


def _counted_with(link: int) -> tuple[int, ...]:
    """Whose numbers a visit of it is counted in: a click in those of any link as well."""
    return (link,) if link == OPENED else (link, ANY_LINK)


def _insert(rows: Sequence[_Row]) -> None:
    columns = [
        ("delivery_id", "int"), ("broadcast_id", "int"), ("channel_id", "int"),
        ("address_id", "int"), ("link_id", "int"), ("clicked_by", "text"), ("sign", "text"),
        ("recorded_at", "int"),
    ]  # fmt: skip
    db.copy_or_insert(
        "clicks_click",
        columns,
        [
            (
                row.delivery, row.broadcast, row.channel, row.address, row.link,
                _PERSON if is_person(row.sign) else _SCANNER, row.sign, row.at,
            )
            for row in rows
        ],
        {},
    )  # fmt: skip


def _note_clickers(rows: Sequence[_Row]) -> list[_First]:
    """Note who clicked a link, or any link, or opened, for the first time; return those."""
    earliest: dict[tuple[int, int], tuple[int, ...]] = {}
    for row in rows:
        for link in _counted_with(row.link):
            key = (row.delivery, link)
            if key not in earliest or row.at < earliest[key][-1]:
                earliest[key] = (*key, row.broadcast, row.channel, row.address, row.at)
    if not earliest:
        return []
    columns = [
        ("delivery", "int"), ("link", "int"), ("broadcast", "int"), ("channel", "int"),
        ("address", "int"), ("at", "int"),
    ]  # fmt: skip
    firsts = db.fetch(
        "INSERT INTO clicks_clicker"
        " (delivery_id, link_id, broadcast_id, channel_id, address_id, at)"
        f" SELECT delivery, link, broadcast, channel, address, at FROM {db.json_table(columns)}"
        " WHERE true ORDER BY delivery, link ON CONFLICT (delivery_id, link_id) DO NOTHING"
        " RETURNING delivery_id, link_id, broadcast_id, channel_id, at",
        [db.json_param(earliest.values())],
    )
    return [_First(*row) for row in firsts]


def _measure(firsts: Sequence[_First], step: int) -> None:
    """Note in the numbers over time who clicked or opened for the first time, or take it back."""
    for link, name in ((ANY_LINK, "clicked"), (OPENED, "opened")):
        people = Counter(
            (first.broadcast, first.at, first.channel) for first in firsts if first.link == link
        )
        measures.note_people(name, {key: step * count for key, count in people.items()})


def _take_back_bursts(deliveries: set[int]) -> None:
    """Call the clicks on all links of a message a scanner's, where nobody is that quick.

    What opened the e-mail until then was no person either.
    """
    candidates = db.fetch(
        "SELECT c.delivery_id, c.broadcast_id, count(*), min(c.at), max(c.at) "
        f"FROM clicks_clicker AS c WHERE c.delivery_id {db.in_list()} AND c.link_id > {ANY_LINK}"
        " GROUP BY c.delivery_id, c.broadcast_id HAVING count(*) > 1",
        [db.json_param([delivery] for delivery in deliveries)],
    )
    quick = [row for row in candidates if row[4] - row[3] <= BURST_SPAN]
    if not quick:
        return
    links = dict(
        db.fetch(
            "SELECT broadcast_id, count(*) FROM clicks_broadcastlink"
            f" WHERE link_id > {ANY_LINK} AND broadcast_id {db.in_list()} GROUP BY broadcast_id",
            [db.json_param({(row[1],) for row in quick})],
        )
    )
    moved = dict(
        db.fetch(
            "SELECT id, moved_at FROM records_delivery WHERE state <> 'read'"
            f" AND id {db.in_list()}",
            [db.json_param([row[0]] for row in quick)],
        )
    )
    for delivery, broadcast, clicked, first, _ in quick:
        if clicked == links[broadcast] and first <= moved.get(delivery, 0) + BURST_SOON:
            _take_back(delivery)


def _take_back(delivery: int) -> None:
    unclicked = [
        _First(*row)
        for row in db.fetch(
            "DELETE FROM clicks_clicker WHERE delivery_id = %s"
            " RETURNING delivery_id, link_id, broadcast_id, channel_id, at",
            [delivery],
        )
    ]
    deltas: defaultdict[tallies.Key, Counts] = defaultdict(Counts)
    for first in unclicked:
        key = (first.broadcast, first.channel, first.link)
        deltas[key] = deltas[key].plus(Counts(people=-1))
    clicks = db.fetch(
        "UPDATE clicks_click SET clicked_by = %s, sign = %s"
        " WHERE clicked_by = %s AND delivery_id = %s AND address_id ="
        " (SELECT address_id FROM records_delivery AS d WHERE d.id = %s)"
        " RETURNING broadcast_id, channel_id, link_id",
        [_SCANNER, BURST, _PERSON, delivery, delivery],
    )
    for broadcast, channel, link in clicks:
        for of_link in _counted_with(link):
            key = (broadcast, channel, of_link)
            deltas[key] = deltas[key].plus(Counts(clicks=-1, scans=1))
    tallies.add(deltas)
    _measure(unclicked, -1)
