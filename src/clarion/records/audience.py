"""The people of a broadcast: where each one stands, and all there is about one record."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.contacts.identities import USER_ID
from clarion.kit import clock, db, sheets
from clarion.kit.numbers import is_id
from clarion.kit.paging import Cursor, Page, cut
from clarion.records import tallies
from clarion.records.deliveries.guards import in_state
from clarion.records.rows import RecordRow, load, read
from clarion.records.states import ALL
from clarion.records.states import DeliveryState as D

MOST_ROWS = 1_000
READ_AT_ONCE = 5_000
HEADER = (
    "chat number", "contact id", "user id", "user name", "channel", "platform", "state", "since",
    "attempts", "recovered", "error message", "error code", "part of a story sent",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person's place in a broadcast, with the words for what it points to."""

    delivery_id: int
    broadcast_id: int
    chat: int  # the chat number
    contact_id: int  # 0 when the contact has been deleted
    user_id: str
    name: str
    channel: str
    kind: str  # of the channel
    state: str
    at: datetime  # when the state last changed
    attempts: int  # tries used up
    recovered: bool  # got through after failing
    error: str  # empty when nothing went wrong
    code: str
    # Messages of its story that it has sent, although it is not completed.
    part_sent: int


@dataclass(frozen=True, slots=True)
class ReceiptRow:
    """What a provider told about a message."""

    status: str
    at: datetime  # by the provider's clock
    received_at: datetime
    external_id: str


@dataclass(frozen=True, slots=True)
class Place:
    """One person's place in a broadcast, and all that happened to it."""

    delivery: Recipient
    attempts: list[RecordRow]  # oldest first
    receipts: list[ReceiptRow]  # oldest first


@dataclass(frozen=True, slots=True)
class Detail:
    """A record, the delivery that it was an attempt at, and what else happened to that."""

    record: RecordRow
    delivery: Recipient | None  # None when it has been deleted meanwhile
    attempts: list[RecordRow]  # this record among them, oldest first
    receipts: list[ReceiptRow]  # oldest first


_Row = tuple[Any, ...]
# The states that have a reason, each in order in one index.
_WITH_REASON = (D.FAILED.value, D.IN_DOUBT.value, D.UNSENT.value, D.SKIPPED.value)
_CHAT = 2  # where in a row of these the chat number stands
_COLUMNS = (
    f"d.id, d.broadcast_id, d.address_id, coalesce(c.id, 0), coalesce({USER_ID}, ''),"
    " coalesce(c.name, ''), coalesce(h.name, ''), coalesce(h.kind, ''), d.state, d.moved_at,"
    " d.attempts, d.recovered, coalesce(o.text, ''), coalesce(o.code, ''),"
    " CASE WHEN d.has_progress THEN"
    " (SELECT count(*) FROM records_part AS p WHERE p.delivery_id = d.id) ELSE 0 END"
)
_WORDS = (
    "LEFT JOIN contacts_address AS a ON a.id = d.address_id"
    " LEFT JOIN contacts_contact AS c ON c.id = a.contact_id"
    " LEFT JOIN channels_channel AS h ON h.id = d.channel_id"
    " LEFT JOIN records_reason AS o ON o.id = d.reason_id"
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people of a broadcast a list shall have; what is empty or None does not count."""

    states: tuple[str, ...] = ()
    channel: int | None = None  # its id
    reason: int | None = None  # the id of the records.models.Reason of what went wrong
    recovered: bool = False  # only those who got it after an attempt had failed

    def __post_init__(self) -> None:
        """Raise ValueError for an unknown state."""
        for state in self.states:
            if state not in ALL:
                raise ValueError(f"There is no state “{state}”. Use one of {', '.join(ALL)}.")


def recipients(
    broadcast_id: int, wanted: Wanted = Wanted(), after: str | None = None, limit: int = 50
) -> Page[Recipient]:
    """The people of a broadcast by chat number, all or those wanted.

    ``after`` is a cursor that another page gave; a page has up to ``limit`` rows (at most 1,000).
    Raises CursorError for a cursor that is not ours.
    """
    cursor = Cursor.parse(after, values=1) if after else None
    limit = max(1, min(limit, MOST_ROWS))
    rows = [_recipient(row) for row in _read(broadcast_id, wanted, cursor, limit + 1)]
    return cut(rows, limit, cursor, lambda recipient: (recipient.chat,))


def export_recipients(
    broadcast_id: int, wanted: Wanted = Wanted(), *, zone: str = "UTC"
) -> Iterator[bytes]:
    """A CSV file of a broadcast's people, streamed; moments with the offset of ``zone``."""
    return sheets.stream(HEADER, map(_line(zone), _all(broadcast_id, wanted)))


def place(broadcast_id: int, delivery_id: int) -> Place | None:
    """One person's place in a broadcast: what they were sent, each attempt and each receipt (H2).

    None when there is no such delivery in this broadcast.
    """
    delivery = _delivery(delivery_id)
    if delivery is None or delivery.broadcast_id != broadcast_id:
        return None
    return Place(delivery, _attempts(delivery.chat, delivery_id), receipts_of(delivery_id))


def detail(record_id: int) -> Detail | None:
    """All there is about a record: what was sent, all attempts, every receipt.

    None when it is not there; records are deleted with their broadcast.
    """
    rows = load([record_id]) if is_id(record_id) else []
    if not rows:
        return None
    delivery_id = rows[0].delivery_id
    return Detail(
        rows[0],
        _delivery(delivery_id),
        _attempts(rows[0].chat, delivery_id),
        receipts_of(delivery_id),
    )


def _delivery(delivery_id: int) -> Recipient | None:
    if not is_id(delivery_id):
        return None
    rows = db.fetch(
        f"SELECT {_COLUMNS} FROM records_delivery AS d {_WORDS} WHERE d.id = %s", [delivery_id]
    )
    return _recipient(rows[0]) if rows else None


def recipients_of(broadcast_ids: Sequence[int], address_ids: Sequence[int]) -> list[Recipient]:
    """A few addresses as recipients of these broadcasts, in the order they were written."""
    of_addresses = f"d.broadcast_id = v.id AND d.address_id {db.in_list()}"
    rows = db.fetch(
        f"SELECT {_COLUMNS} FROM {db.json_table([('id', 'int')])} "
        f"{db.lateral_join('records_delivery', 'd', of_addresses)} {_WORDS} ORDER BY d.id",
        [db.json_param([key] for key in ids) for ids in (broadcast_ids, address_ids)],
    )
    return [_recipient(row) for row in rows]


def due_at(delivery_id: int) -> datetime | None:
    """The moment before which a delivery is not sent; None where there is none."""
    sql = "SELECT due_at FROM records_delivery WHERE id = %s AND due_at > 0"
    rows = db.fetch(sql, [delivery_id])
    return clock.from_us(rows[0][0]) if rows else None


def _read(broadcast_id: int, wanted: Wanted, cursor: Cursor | None, limit: int) -> list[_Row]:
    """Rows of ``_COLUMNS`` in the cursor's direction."""
    way, sign = ("DESC", "<") if cursor and cursor.backward else ("ASC", ">")
    where, params = "d.broadcast_id = %s", [broadcast_id]
    for column, value in (("channel_id", wanted.channel), ("reason_id", wanted.reason)):
        if value is not None:
            where += f" AND d.{column} = %s"
            params.append(value)
    if wanted.recovered:
        where += " AND d.recovered"
    if cursor:
        where += f" AND d.address_id {sign} %s"
        params += cursor.key
    order = f"ORDER BY d.address_id {way}"
    # Cut to one page before it is joined: PostgreSQL would walk through all addresses otherwise.
    page = f"SELECT d.* FROM records_delivery AS d WHERE {where}"
    states = _among(broadcast_id, wanted)
    if states is None:
        parts = [f"{page} {order} LIMIT {limit}"]
    else:
        # In the text and not a parameter: a partial index needs to see it.
        parts = [f"{page} AND {in_state([state], 'd.')} {order} LIMIT {limit}" for state in states]
    if not parts:
        return []
    some = " UNION ALL ".join(f"SELECT * FROM ({part}) AS p" for part in parts)
    sql = f"SELECT {_COLUMNS} FROM ({some}) AS d {_WORDS} {order} LIMIT {limit}"
    return db.fetch(sql, params * len(parts))


def _among(broadcast_id: int, wanted: Wanted) -> list[str] | None:
    """The states to look in, without those that nobody is in; None for all."""
    if not wanted.states and wanted.reason is None:
        return None
    counts = tallies.counts([broadcast_id])[broadcast_id]
    among = wanted.states or _WITH_REASON
    return [state for state in among if counts[state]]


def _all(broadcast_id: int, wanted: Wanted) -> Iterator[_Row]:
    cursor = None
    while rows := _read(broadcast_id, wanted, cursor, READ_AT_ONCE):
        yield from rows
        cursor = Cursor((rows[-1][_CHAT],))


def _line(zone: str) -> Callable[[_Row], str]:
    """A function that makes a line of the file from a row of ``_COLUMNS``."""
    moment = sheets.moments(zone)
    cell = sheets.cell

    def line(row: _Row) -> str:
        (
            _, _, chat, contact, user, name, channel, kind, state, at, attempts, recovered,
            error, code, part_sent,
        ) = row  # fmt: skip
        return (
            f"{chat},{contact or ''},{cell(user)},{cell(name)},{cell(channel)},{kind},{state},"
            f"{moment(at)},{attempts},{'yes' if recovered else 'no'},{cell(error)},{cell(code)},"
            f"{part_sent or ''}"
        )

    return line


def _recipient(row: _Row) -> Recipient:
    values = list(row)
    values[9], values[11] = clock.from_us(row[9]), bool(row[11])
    return Recipient(*values)


def _attempts(address_id: int, delivery_id: int) -> list[RecordRow]:
    # By person, for which there is an index: few broadcasts went to one person.
    return read(
        "r.address_id = %s AND r.delivery_id = %s ORDER BY r.recorded_at, r.id",
        [address_id, delivery_id],
    )


def receipts_of(delivery_id: int) -> list[ReceiptRow]:
    """What a provider reported about a delivery, oldest first."""
    rows = db.fetch(
        "SELECT status, at, received_at, external_id FROM records_receipt WHERE delivery_id = %s"
        " ORDER BY at, id",
        [delivery_id],
    )
    return [
        ReceiptRow(status, clock.from_us(at), clock.from_us(received_at), external_id)
        for status, at, received_at, external_id in rows
    ]
