"""Clicks and opens as pages, the command line and exports show them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.clicks.filters import ClickFilter
from clarion.clicks.models import OPENED
from clarion.clicks.sources import sources
from clarion.contacts.identities import USER_ID
from clarion.kit import clock, db, sheets
from clarion.kit.paging import Cursor, Page, cut
from clarion.records.directory import directory
from clarion.records.search import keys_of

MOST_ROWS = 1_000
READ_AT_ONCE = 5_000
HEADER = (
    "click id", "clicked at", "broadcast id", "broadcast", "channel", "platform", "chat number",
    "contact id", "user id", "user name", "link id", "link", "clicked by", "sign", "event",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class ClickRow:
    """One click with the words for what it points to, empty where that has been deleted."""

    id: int
    recorded_at: datetime
    broadcast_id: int
    broadcast: str  # its title
    channel: str
    kind: str  # of the channel
    chat: int  # the chat number
    contact_id: int  # 0 when the contact has been deleted
    user_id: str
    name: str
    link_id: int  # OPENED for an e-mail
    target: str  # as it was written, variables included; empty for an e-mail
    clicked_by: str  # person or scanner
    sign: str  # one of scanners.SIGNS
    delivery_id: int

    @property
    def event(self) -> str:
        """click, or open: the e-mail was opened."""
        return "open" if self.link_id == OPENED else "click"


_COLUMNS = (
    "r.id, r.recorded_at, r.broadcast_id, coalesce(h.name, ''), coalesce(h.kind, ''), r.address_id,"
    f" coalesce(c.id, 0), coalesce({USER_ID}, ''), coalesce(c.name, ''), r.link_id,"
    " coalesce(l.target, ''), r.clicked_by, r.sign, r.delivery_id"
)
_TABLES = (
    "clicks_click AS r"
    " LEFT JOIN contacts_address AS a ON a.id = r.address_id"
    " LEFT JOIN contacts_contact AS c ON c.id = a.contact_id"
    " LEFT JOIN channels_channel AS h ON h.id = r.channel_id"
    " LEFT JOIN clicks_link AS l ON l.id = r.link_id"
)


def search(wanted: ClickFilter, cursor: str | None = None, limit: int = 50) -> Page[ClickRow]:
    """The first page of a filter's clicks, newest first, or the page at a cursor of another page.

    A page has up to ``limit`` rows (at most 1,000). Raises FilterError for a channel, an agent or a
    link that is not there, and CursorError for a cursor that is not ours.
    """
    position = Cursor.parse(cursor, values=2) if cursor else None
    limit = max(1, min(limit, MOST_ROWS))
    page = cut(keys_of(sources(wanted), position, limit + 1), limit, position, lambda key: key)
    rows = _load([click for _, click in page.rows])
    return Page(rows, page.next_cursor, page.previous_cursor)


def clicks_of(delivery_id: int) -> list[ClickRow]:
    """The clicks and opens of one delivery, oldest first, at most the first 1,000.

    By its recipient, for which there is an index; also of one whose address was merged since.
    """
    return read(
        "r.delivery_id = %s AND r.address_id = (SELECT d.address_id FROM records_delivery AS d"
        f" WHERE d.id = %s) ORDER BY r.recorded_at, r.id LIMIT {MOST_ROWS}",
        [delivery_id, delivery_id],
    )


def clicked_by(
    address_id: int, before: tuple[int, int] | None = None, limit: int = 50
) -> list[ClickRow]:
    """The clicks of a person at an address, newest first; not those of scanners.

    ``before``: the moment (microseconds) and id that the page before ended with.
    """
    beyond = "AND (r.recorded_at, r.id) < (%s, %s) " if before else ""
    return read(
        f"r.address_id = %s AND r.clicked_by = 'person' AND r.link_id <> {OPENED} {beyond}"
        f"ORDER BY r.recorded_at DESC, r.id DESC LIMIT {limit}",
        [address_id, *(before or ())],
    )


def export_csv(wanted: ClickFilter, *, zone: str = "UTC") -> Iterator[bytes]:
    """A CSV file of all clicks of a filter, newest first, streamed; moments with ``zone``'s offset.

    Raises FilterError and ValueError (an unknown zone) before the first piece.
    """
    moment, cell, among = sheets.moments(zone), sheets.cell, sources(wanted)

    def line(row: ClickRow) -> str:
        return (
            f"{row.id},{moment(clock.to_us(row.recorded_at))},{row.broadcast_id},"
            f"{cell(row.broadcast)},{cell(row.channel)},{row.kind},{row.chat},"
            f"{row.contact_id or ''},{cell(row.user_id)},{cell(row.name)},"
            f"{'' if row.link_id == OPENED else row.link_id},"
            f"{cell(row.target)},{row.clicked_by},{row.sign},{row.event}"
        )

    def rows() -> Iterator[ClickRow]:
        cursor = None
        while keys := keys_of(among, cursor, READ_AT_ONCE):
            yield from _load([click for _, click in keys])
            cursor = Cursor(keys[-1])

    return sheets.stream(HEADER, map(line, rows()))


def _load(ids: Sequence[int]) -> list[ClickRow]:
    """The clicks with these ids, in this order; without those that are gone meanwhile."""
    if not ids:
        return []
    rows = {row.id: row for row in read(f"r.id {db.in_list()}", [db.json_param([i] for i in ids)])}
    return [rows[key] for key in ids if key in rows]


def read(where: str, params: Sequence[Any]) -> list[ClickRow]:
    """The clicks AS r that meet a condition, in its order if it has one."""
    rows = db.fetch(f"SELECT {_COLUMNS} FROM {_TABLES} WHERE {where}", params)
    titles = directory().titles({row[2] for row in rows})
    return [
        ClickRow(row[0], clock.from_us(row[1]), row[2], titles.get(row[2], ""), *row[3:])
        for row in rows
    ]
