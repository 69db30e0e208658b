"""Receipts: what providers tell later about a message. They come late, doubled and in any order.

Each is kept once per (channel, provider's id, status). Where a delivery stands follows from the set
of its receipts alone, never from their order: read before delivered before failed. A failure wins
only over what was merely sent, and who got the message after a failure is recovered.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from clarion.kit import clock, db, text
from clarion.records import tallies
from clarion.records.reasons import Wording, reason_ids
from clarion.records.states import DeliveryState as D
from clarion.records.states import may_move

BATCH = 500  # receipts of one transaction
ID_LENGTH = 200
REASON_LENGTH = 400
UNSAID = "The provider reported a failure without saying why."
# engine.render.message_id: broadcast's key, delivery, and the number of a further message.
_MESSAGE = re.compile(r"([a-z0-9]{1,16}-([0-9]{1,18}))(?:-[1-9][0-9]{0,3})?", re.ASCII)
_RANK = (D.READ, D.DELIVERED, D.FAILED)  # the first of these that was told is where it stands
_ARRIVED = frozenset({D.READ, D.DELIVERED})
# A receipt can't be about a try that has not begun: it waits for our own settle, or for a retry.
# Nor does one about the first of several messages end a delivery that is still at the others.
_TOO_EARLY = frozenset({D.QUEUED, D.HELD})


@dataclass(frozen=True, slots=True)
class ReceiptUpdate:
    """One receipt as a channel kind read it; the message is named by at least one of the ids."""

    channel_id: int
    status: str  # delivered, read or failed
    at: int  # microseconds, by the provider's clock where it says so
    received_at: int  # microseconds
    external_id: str | None = None  # the provider's id of the message
    message_id: str | None = None  # ours, where the provider echoes it
    code: str = ""
    reason: str = ""

    @property
    def key(self) -> str:
        """The id that the receipt is kept under: the provider's, else ours."""
        return text.clean(self.external_id or self.message_id or "", ID_LENGTH)

    @property
    def wording(self) -> Wording:
        """The code and sentence of a failure."""
        return self.code, text.clean(self.reason, REASON_LENGTH) or UNSAID


@dataclass(frozen=True, slots=True)
class _Delivery:
    """A delivery that receipts are about."""

    id: int
    broadcast_id: int
    channel_id: int
    state: str
    recovered: bool
    external_id: str | None
    reason_id: int | None
    is_story: bool

    @property
    def is_early(self) -> bool:
        """Whether receipts have to wait."""
        return self.state in _TOO_EARLY or (self.is_story and self.state == D.SENDING)


def apply_receipts(batch: Sequence[ReceiptUpdate]) -> list[ReceiptUpdate]:
    """Keep receipts and move their deliveries forward; return those that found none yet.

    What was applied before changes nothing. Receipts for a delivery that is queued are among the
    returned: they may be quicker than our own settle. Raises OperationalError when the database is
    locked or away, with whole batches of 500 applied or not.
    """
    lost: list[ReceiptUpdate] = []
    for start in range(0, len(batch), BATCH):
        part = batch[start : start + BATCH]
        reasons = reason_ids({s.wording for s in part if s.status == D.FAILED})
        with db.write():
            lost += _apply(part, reasons)
    return lost


def _apply(part: Sequence[ReceiptUpdate], reasons: dict[Wording, int]) -> list[ReceiptUpdate]:
    """Apply some receipts within a transaction; return those that found no delivery yet."""
    places = _by_message(part) | _by_external_id(part)
    locked = _lock(places.values())
    about: dict[int, list[ReceiptUpdate]] = defaultdict(list)
    lost = []
    for sighting in part:
        place = _place(sighting, places)
        if place in locked and not locked[place].is_early:
            about[place].append(sighting)
        else:
            lost.append(sighting)
    _keep(about)
    told = _told(about)
    moves = []
    for place, sightings in about.items():
        before = locked[place]
        after = _after(before, told[place], sightings, reasons)
        if after != before:
            moves.append((before, after))
    _move(moves)
    return lost


_Name = tuple[int, str]  # the channel, and an id of a message on it


def _place(sighting: ReceiptUpdate, places: dict[_Name, int]) -> int:
    """The delivery that a receipt is about, 0 when it is not known."""
    for name in (_delivery_of(sighting.message_id), sighting.external_id):
        if name and (place := places.get((sighting.channel_id, name))):
            return place
    return 0


def _delivery_of(message_id: str | None) -> str | None:
    """Our id of the first message of the same delivery, which all of its messages begin with."""
    match = _MESSAGE.fullmatch(message_id) if message_id else None
    return match[1] if match else None


def _by_message(part: Iterable[ReceiptUpdate]) -> dict[_Name, int]:
    """Deliveries by our own message ids; only for ids that are true to the letter."""
    numbers = {int(name.rpartition("-")[2]) for s in part if (name := _delivery_of(s.message_id))}
    found = db.fetch(
        "SELECT d.channel_id, b.key, d.id FROM records_delivery AS d"
        " JOIN broadcasts_broadcast AS b ON b.id = d.broadcast_id"
        f" WHERE d.id {db.in_list()}",
        [db.json_param([number] for number in numbers)],
    )
    return {(channel, f"{key}-{delivery}"): delivery for channel, key, delivery in found}


def _by_external_id(part: Iterable[ReceiptUpdate]) -> dict[_Name, int]:
    """Deliveries by the provider's ids; the latest one should an id have been used twice."""
    names: dict[int, set[str]] = defaultdict(set)
    for s in part:
        if s.external_id:
            names[s.channel_id].add(s.external_id)
    places: dict[_Name, int] = {}
    for channel, ids in names.items():
        for name, delivery in db.fetch(
            "SELECT external_id, max(id) FROM records_delivery WHERE channel_id = %s"
            f" AND external_id {db.in_list('text')} GROUP BY external_id",
            [channel, db.json_param([name.replace("\x00", "")] for name in ids)],
        ):
            places[channel, name] = delivery
        rest = [[name.replace("\x00", "")] for name in ids if (channel, name) not in places]
        for name, delivery in db.fetch(
            "SELECT external_id, max(delivery_id) FROM records_part WHERE channel_id = %s"
            f" AND external_id {db.in_list('text')} GROUP BY external_id",
            [channel, db.json_param(rest)],
        ):
            places[channel, name] = delivery
    return places


def _lock(ids: Iterable[int]) -> dict[int, _Delivery]:
    """The deliveries with these ids, which nobody else moves until the transaction ends."""
    rows = db.fetch(
        "SELECT id, broadcast_id, channel_id, state, recovered, external_id, reason_id,"
        " (SELECT b.data_type FROM broadcasts_broadcast b WHERE b.id = broadcast_id)"
        " FROM records_delivery WHERE id"
        f" {db.in_list()} ORDER BY id{db.for_update()}",
        [db.json_param([number] for number in set(ids))],
    )
    return {
        row[0]: _Delivery(
            row[0], row[1], row[2], row[3], bool(row[4]), row[5], row[6], row[7] == "story"
        )
        for row in rows
    }


_RECEIPT = [
    ("channel", "int"), ("delivery", "int"), ("name", "text"), ("status", "text"),
    ("at", "int"), ("received_at", "int"),
]  # fmt: skip


def _keep(about: dict[int, list[ReceiptUpdate]]) -> None:
    """Store receipts that are not stored yet, always in the same order, so that no two
    transactions wait for each other."""
    db.execute(
        "INSERT INTO records_receipt"
        " (channel_id, delivery_id, external_id, status, at, received_at)"
        f" SELECT channel, delivery, name, status, at, received_at FROM {db.json_table(_RECEIPT)}"
        " WHERE true ON CONFLICT (channel_id, external_id, status) DO NOTHING",
        [
            db.json_param(
                sorted(
                    (s.channel_id, delivery, s.key, s.status, s.at, s.received_at)
                    for delivery, sightings in about.items()
                    for s in sightings
                )
            )
        ],
    )


def _told(ids: Iterable[int]) -> dict[int, set[str]]:
    """All that has been told about these deliveries up to now."""
    told: dict[int, set[str]] = defaultdict(set)
    for delivery, status in db.fetch(
        f"SELECT delivery_id, status FROM records_receipt WHERE delivery_id {db.in_list()}",
        [db.json_param([number] for number in ids)],
    ):
        told[delivery].add(status)
    return told


def _after(
    before: _Delivery, told: set[str], news: Sequence[ReceiptUpdate], reasons: dict[Wording, int]
) -> _Delivery:
    """The delivery as it stands once all that was told about it is taken into account."""
    state = next((status for status in _RANK if status in told), before.state)
    if not may_move(before.state, state):
        state = before.state
    reason = before.reason_id
    if state != before.state:
        failures = [s for s in news if s.status == D.FAILED]
        reason = reasons[failures[0].wording] if state == D.FAILED and failures else None
    return replace(
        before,
        state=str(state),
        reason_id=reason,
        recovered=before.recovered
        or (state in _ARRIVED and (D.FAILED in told or before.state == D.FAILED)),
        external_id=before.external_id or next((s.key for s in news if s.external_id), None),
    )


_MOVED = [
    ("id", "int"), ("state", "text"), ("recovered", "bool"), ("name", "text"), ("reason", "int"),
]  # fmt: skip


def _move(moves: Sequence[tuple[_Delivery, _Delivery]]) -> None:
    """Write deliveries that have changed, and the tallies."""
    if not moves:
        return
    db.execute(
        "UPDATE records_delivery AS d SET state = v.state, recovered = v.recovered,"
        " external_id = v.name, reason_id = v.reason, worker_id = CASE WHEN v.state = d.state"
        " THEN d.worker_id END, moved_at = CASE WHEN v.state = d.state THEN d.moved_at ELSE %s END"
        f" FROM {db.json_table(_MOVED)} WHERE d.id = v.id",
        [
            clock.now_us(),
            db.json_param(
                (after.id, after.state, after.recovered, after.external_id, after.reason_id)
                for _, after in moves
            ),
        ],
    )
    deltas: dict[tallies.Key, int] = defaultdict(int)
    for before, after in moves:
        deltas[before.broadcast_id, before.channel_id, before.state] -= 1
        deltas[before.broadcast_id, before.channel_id, after.state] += 1
    tallies.add(deltas)
