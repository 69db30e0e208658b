"""Messages that providers take in several parts, and report about part by part, as with long SMS.

A message has arrived when all of its parts have: a phone shows none of it before. It has failed as
soon as one of them has.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from clarion.kit import clock, db
from clarion.kit.text import clean
from clarion.records.states import DeliveryState as D

KEPT = 31 * 24 * 3_600 * clock.SECOND  # longer than any provider tries to deliver a message
FORGET = 5_000  # rows of one deletion
_LONGEST = 200  # characters of an id
_RANK = {"": 0, D.FAILED.value: 1, D.DELIVERED.value: 2}  # a status gives way to a higher one
_ROW = [
    ("channel", "int"), ("name", "text"), ("message", "text"), ("total", "int"), ("at", "int"),
]  # fmt: skip


class Update(Protocol):
    """What a receipt says, as ``records.receipts`` has it."""

    @property
    def channel_id(self) -> int: ...
    @property
    def status(self) -> str: ...
    @property
    def external_id(self) -> str | None: ...


U = TypeVar("U", bound=Update)


@dataclass(slots=True)
class _Part:
    """A part as it is stored."""

    id: int
    message: tuple[int, str]  # channel, and the id of the first part
    total: int
    status: str


def keep(sent: Iterable[tuple[int, Sequence[str], int]]) -> None:
    """Keep the ids of parts: channel, ids, and when the message was sent, of each message.

    A provider that gives an id out again means the newer message.
    """
    rows = {
        (channel, clean(name, _LONGEST)): (clean(names[0], _LONGEST), len(names), at)
        for channel, names, at in sent
        for name in names
    }
    if rows:
        db.execute(
            "INSERT INTO records_segment (channel_id, external_id, message, total, status, at) "
            f"SELECT channel, name, message, total, '', at FROM {db.json_table(_ROW)} WHERE true "
            "ON CONFLICT (channel_id, external_id) DO UPDATE SET message = excluded.message, "
            "total = excluded.total, status = CASE WHEN records_segment.message = excluded.message "
            "THEN records_segment.status ELSE '' END, at = excluded.at",
            [db.json_param((*key, *values) for key, values in sorted(rows.items()))],
        )


def as_messages(updates: Sequence[U]) -> list[tuple[U, str | None]]:
    """The receipts, each with the provider's id of the message that it is about.

    One about a part that says nothing yet about its message is noted, and left out. The caller has
    a transaction, in which the parts stay locked.
    """
    parts = _locked(updates)
    if not parts:
        return [(update, update.external_id) for update in updates]
    siblings: defaultdict[tuple[int, str], list[_Part]] = defaultdict(list)
    for part in parts.values():
        siblings[part.message].append(part)
    for update in updates:
        if (about := parts.get((update.channel_id, update.external_id or ""))) is not None:
            status = D.FAILED.value if update.status == D.FAILED else D.DELIVERED.value
            about.status = max(about.status, status, key=_RANK.__getitem__)
    db.execute(
        "UPDATE records_segment AS s SET status = v.status "
        f"FROM {db.json_table([('id', 'int'), ('status', 'text')])} WHERE s.id = v.id",
        [db.json_param((part.id, part.status) for part in parts.values())],
    )
    meant: list[tuple[U, str | None]] = []
    for update in updates:
        about = parts.get((update.channel_id, update.external_id or ""))
        if about is None:
            meant.append((update, update.external_id))
        elif _says(update, about, siblings[about.message]):
            meant.append((update, about.message[1]))
    return meant


def forget_old(now: int | None = None) -> int:
    """Delete a chunk of the parts about which nothing is reported any more; return how many."""
    before = (db.now_us() if now is None else now) - KEPT
    return db.delete_first("records_segment", "at < %s", "at", [before], FORGET)


def _says(update: Update, part: _Part, parts: Sequence[_Part]) -> bool:
    """Whether a receipt about a part is one about the message."""
    if update.status == D.FAILED:
        return part.status == D.FAILED
    return len(parts) >= part.total and all(each.status == D.DELIVERED for each in parts)


def _locked(updates: Sequence[Update]) -> dict[tuple[int, str], _Part]:
    """All parts of the messages that receipts are about, by channel and id, locked in order."""
    if not db.fetch("SELECT 1 FROM records_segment LIMIT 1"):  # where nobody sends SMS in parts
        return {}
    names = {(each.channel_id, each.external_id) for each in updates if each.external_id}
    ids = db.fetch(
        "SELECT DISTINCT o.id FROM "
        f"{db.json_table([('channel', 'int'), ('name', 'text')])} "
        "JOIN records_segment AS s ON s.channel_id = v.channel AND s.external_id = v.name "
        "JOIN records_segment AS o ON o.channel_id = s.channel_id AND o.message = s.message",
        [db.json_param((channel, clean(name, _LONGEST)) for channel, name in sorted(names))],
    )
    if not ids:
        return {}
    rows = db.fetch(
        "SELECT id, channel_id, external_id, message, total, status FROM records_segment "
        f"WHERE id {db.in_list()} ORDER BY id{db.for_update()}",
        [db.json_param(sorted([key] for (key,) in ids))],
    )
    return {
        (channel, name): _Part(key, (channel, message), total, status)
        for key, channel, name, message, total, status in rows
    }
