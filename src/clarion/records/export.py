"""Records as CSV, streamed: any number of them in little memory.

They are read as a search reads them, page after page, so no transaction stays open: on SQLite an
open one would let the write-ahead log grow, on PostgreSQL it would keep dead rows from removal.
"""

from collections.abc import Callable, Iterator
from heapq import merge
from typing import Any

from clarion.kit import clock, db, sheets
from clarion.kit.paging import Cursor
from clarion.records.filters import RecordFilter
from clarion.records.sources import Source, sources

HEADER = (
    "record id", "recorded at", "broadcast id", "broadcast", "channel", "platform", "chat number",
    "contact id", "user id", "user name", "status", "error message", "error code", "attempt",
    "responses", "latency (seconds)", "content",
)  # fmt: skip
FIRST_READ, LONGEST_READ = 200, 10_000  # records
HELD = 50_000  # records in memory at most, however many sources are merged
_Row = tuple[Any, ...]  # sorted by when, then by the record's id: no two have both in common
_COLUMNS = (
    "r.recorded_at, r.id, r.broadcast_id, r.channel_id, r.address_id, c.id,"
    " coalesce(a.value, ''), coalesce(c.name, ''),"
    " r.status, r.reason_id, r.attempt, r.responses, r.latency, r.content"
)


def export_csv(wanted: RecordFilter, *, zone: str = "UTC") -> Iterator[bytes]:
    """A CSV file of all records of a filter, newest first, in pieces of about 200 KB.

    Moments are ISO 8601 with the offset of the time zone ``zone``. Raises FilterError for a channel
    or agent that is not there and ValueError for an unknown zone, before the first piece.
    """
    parts = [part for source in sources(wanted) for part in source.apart()]
    longest = max(FIRST_READ, min(LONGEST_READ, HELD // max(1, len(parts))))
    streams = [_read(part, longest) for part in parts]
    rows = streams[0] if len(streams) == 1 else merge(*streams, reverse=True)
    return sheets.stream(HEADER, map(_line(zone), rows))


def _read(source: Source, longest: int) -> Iterator[_Row]:
    """The records of one source, newest first, in ever larger reads."""
    cursor, size = None, FIRST_READ
    while True:
        records, params = source.first(size, cursor, what="r.*")
        rows = db.fetch(
            f"SELECT {_COLUMNS} FROM ({records}) AS r"
            " LEFT JOIN contacts_address AS a ON a.id = r.address_id"
            " LEFT JOIN contacts_contact AS c ON c.id = a.contact_id",
            params,
        )
        # Cheaper than in the database: they come in order, but for what its joins have mixed up.
        rows.sort(reverse=True)
        yield from rows
        if len(rows) < size:
            return
        cursor = Cursor(rows[-1][:2])
        size = min(2 * size, longest)


def _line(zone: str) -> Callable[[_Row], str]:
    """A function that makes a line of the file from a row of ``_COLUMNS``."""
    moment = sheets.moments(zone)
    cell = sheets.cell
    channels = _Lookup("name, kind FROM channels_channel", 2)
    titles = _Lookup("title FROM broadcasts_broadcast", 1)
    reasons = _Lookup("text, code FROM records_reason", 2)

    def line(row: _Row) -> str:
        (
            at, record, broadcast, channel, chat, contact, user, name,
            status, reason, attempt, responses, latency, content,
        ) = row  # fmt: skip
        return (
            f"{record},{moment(at)},{broadcast},{titles[broadcast]},{channels[channel]},{chat},"
            f"{contact or ''},{cell(user)},{cell(name)},{status},{reasons[reason]},{attempt},{responses},"
            f"{latency / clock.SECOND:.6f},{cell(content)}"
        )

    return line


class _Lookup(dict[int | None, str]):
    """Cells that many records share, made once each; empty ones for what is not there."""

    def __init__(self, words: str, count: int) -> None:
        super().__init__()
        self.sql = f"SELECT {words} WHERE id = %s"
        self.empty = sheets.cells([""] * count)
        self[None] = self.empty

    def __missing__(self, key: int | None) -> str:
        found = db.fetch(self.sql, [key])
        self[key] = sheets.cells(found[0]) if found else self.empty
        return self[key]
