"""Records as CSV, streamed: any number of them in little memory.

They are read as a search reads them, page after page, so no transaction stays open: on SQLite an
open one would let the write-ahead log grow, on PostgreSQL it would keep dead rows from removal.
"""

from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any

from clarion.contacts.identities import USER_ID
from clarion.kit import clock, db, sheets
from clarion.kit.paging import Cursor
from clarion.records.contents import shared_parts, whole
from clarion.records.directory import directory
from clarion.records.filters import RecordFilter
from clarion.records.messages import Recorded, is_plain, messages_of
from clarion.records.sharing import Parts, unpack
from clarion.records.sources import Source, sources

HEADER = (
    "record id", "recorded at", "broadcast id", "broadcast", "channel", "platform", "chat number",
    "contact id", "user id", "user name", "status", "error message", "error code", "attempt",
    "responses", "latency (seconds)", "content", "attempted content",
)  # fmt: skip
FIRST_READ, LONGEST_READ = 200, 10_000  # records
HELD = 50_000  # lines in memory at most, however many sources are merged
MOST_SHARED = 500  # shared texts in memory, about
_Row = tuple[Any, ...]
_Line = tuple[int, int, str]  # when, which record, and what stands in the file about it
_COLUMNS = (
    "r.recorded_at, r.id, r.broadcast_id, r.channel_id, r.status, r.reason_id, r.address_id,"
    f" c.id, {USER_ID}, c.name, r.attempt, r.responses, r.latency, r.delivery_id,"
    " r.shared_id, r.content"
)


def export_csv(wanted: RecordFilter, *, zone: str = "UTC") -> Iterator[bytes]:
    """A CSV file of all records of a filter, newest first, in pieces of about 200 KB.

    Moments are ISO 8601 with the offset of the time zone ``zone``. Raises FilterError for a channel
    or agent that is not there and ValueError for an unknown zone, before the first piece.
    """
    writer = _Writer(zone)
    parts = [part for source in sources(wanted) for part in source.apart()]
    longest = max(FIRST_READ, min(LONGEST_READ, HELD // max(1, len(parts))))
    streams = [_read(part, writer, longest) for part in parts]
    lines = streams[0] if len(streams) == 1 else merge(*streams, reverse=True)
    return sheets.stream(HEADER, map(itemgetter(2), lines))


def _read(source: Source, writer: "_Writer", longest: int) -> Iterator[_Line]:
    """The lines of one source, newest first, in ever larger reads."""
    if not source.sorted:
        yield from _read_by_ids(source, writer, longest)
        return
    cursor, size = None, FIRST_READ
    while True:
        records, params = source.first(size, cursor, what="r.*")
        lines = writer.lines(db.stream(_with_people(records), params))
        # Cheaper than in the database: they come in order, but for what its joins have mixed up.
        lines.sort(reverse=True)
        yield from lines
        if len(lines) < size:
            return
        cursor = Cursor(lines[-1][:2])
        size = min(2 * size, longest)


def _read_by_ids(source: Source, writer: "_Writer", longest: int) -> Iterator[_Line]:
    """The same where each read would find and sort all records again: their ids are kept.

    Eight bytes a record, of the few people of a name or a user id.
    """
    ids = array("q", map(itemgetter(0), db.stream(*source.all_ids())))
    for start in range(0, len(ids), longest):
        among, param = db.in_values(list(ids[start : start + longest]))
        records = f"SELECT * FROM {source.table} AS r WHERE r.id {among}"
        lines = writer.lines(db.stream(_with_people(records), [param]))
        lines.sort(reverse=True)
        yield from lines


def _with_people(records: str) -> str:
    """SQL for rows of ``_COLUMNS``. Left to itself, PostgreSQL reads all addresses each time."""
    address = db.lateral_join("contacts_address", "a", "a.id = r.address_id", optional=True)
    contact = db.lateral_join("contacts_contact", "c", "c.id = a.contact_id", optional=True)
    return f"SELECT {_COLUMNS} FROM ({records}) AS r {address} {contact}"


class _Writer:
    """Makes lines of the file from rows of ``_COLUMNS``."""

    def __init__(self, zone: str) -> None:
        self.moment = sheets.moments(zone)
        # Cells that many records share.
        self.sent: dict[tuple[int, int], str] = {}  # by broadcast and channel
        self.ended: dict[tuple[str, int | None], str] = {}  # by status and reason
        self.shared: dict[int, Parts] = {}

    def lines(self, rows: Iterator[_Row]) -> list[_Line]:
        """A line for each row, in their order but for those that need a look-up."""
        lines, later = [], []
        for row in rows:
            is_error, shared, content = row[4] == "error", row[-2], row[-1]
            if not is_plain(is_error, row[11], content):
                later.append(row)
                continue
            try:
                if shared is not None:
                    content = unpack(content, self.shared[shared])
                lines.append(self.line(row, *(("", content) if is_error else (content, ""))))
            except KeyError:
                later.append(row)
        self.learn_shared(row[-2] for row in later if row[-2] is not None)
        recorded = [_recorded(row, whole(row[-2], row[-1], self.shared)) for row in later]
        for row, messages in zip(later, messages_of(recorded), strict=True):
            self.learn(*row[2:6])
            lines.append(self.line(row, messages.text, messages.attempted))
        return lines

    def line(self, row: _Row, sent: str, attempted: str) -> _Line:
        """The line of a row. Raises KeyError for words that are to be learned first."""
        (
            at, record, broadcast, channel, status, reason, chat, contact, user, name,
            attempt, responses, latency, _, _, _,
        ) = row  # fmt: skip
        cell = sheets.cell
        # One % takes half the time of an f-string with as many numbers.
        text = "%s,%s,%s,%s,%s,%s,%s,%s,%s,%s,%.6f,%s,%s" % (  # noqa: UP031
            record, self.moment(at), self.sent[broadcast, channel], chat, contact or "",
            cell(user), cell(name), self.ended[status, reason], attempt, responses,
            latency / clock.SECOND, cell(sent), cell(attempted),
        )  # fmt: skip
        return at, record, text

    def learn(self, broadcast: int, channel: int, status: str, reason: int | None) -> None:
        """Look up words; empty ones for what has been deleted."""
        if (broadcast, channel) in self.sent and (status, reason) in self.ended:
            return
        title = sheets.cell(directory().titles([broadcast]).get(broadcast))
        sender = _cells("name, kind FROM channels_channel", channel)
        self.sent[broadcast, channel] = f"{broadcast},{title},{sender or ','}"
        error = _cells("text, code FROM records_reason", reason)
        self.ended[status, reason] = f"{status},{error or ','}"

    def learn_shared(self, ids: Iterable[int]) -> None:
        """Read shared texts that are not known yet; too many are forgotten again."""
        wanted = set(ids)
        if len(self.shared) > MOST_SHARED:
            self.shared.clear()
        self.shared |= shared_parts(wanted.difference(self.shared))


def _recorded(row: _Row, content: str) -> Recorded:
    attempt, responses, _, delivery = row[10:14]
    return Recorded(delivery, attempt, row[4] == "error", responses, row[0], content)


def _cells(words: str, key: int | None) -> str:
    rows = db.fetch(f"SELECT {words} WHERE id = %s", [key])
    return sheets.cells(rows[0]) if rows else ""
