"""Receipts: what providers tell later about a message. They come late, doubled and in any order.

Each is kept once per (channel, provider's id, status). Where a delivery stands follows from the set
of its receipts alone, never from their order: read before delivered before failed. A failure wins
only over what was merely sent, and who got the message after a failure is recovered. A story has
arrived when its last message has: that an earlier one arrived proves nothing about the rest. Of a
message that the provider took in several parts, see ``segments``.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from clarion.channels.contract import Refusal
from clarion.kit import db, text
from clarion.records import message_ids, segments
from clarion.records.deliveries import receipts as deliveries
from clarion.records.deliveries.receipts import LockedDelivery
from clarion.records.directory import directory
from clarion.records.reasons import Wording, reason_ids
from clarion.records.states import DeliveryState as D
from clarion.records.states import may_move

BATCH = 500  # receipts of one transaction
ID_LENGTH = 200
REASON_LENGTH = 400
UNSAID = "The provider reported a failure without saying why."
_RANK = (D.READ, D.DELIVERED, D.FAILED)  # the first of these that was told is where it stands
_ARRIVED = frozenset({D.READ, D.DELIVERED})
# A receipt can't be about a try that has not begun: it waits for our own settle, or for a retry.
# Nor does one about the first of several messages end a delivery that is still at the others.
_TOO_EARLY = frozenset({D.QUEUED, D.HELD})


_Name = tuple[int, str]  # the channel, and an id of a message on it


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
    unreachable: bool = False  # it failed, and so would any other message to this address

    @property
    def key(self) -> str:
        """The id that the receipt is kept under: the provider's, else ours."""
        return text.clean(self.external_id or self.message_id or "", ID_LENGTH)

    @property
    def refusal(self) -> str:
        """The class of a failure, as an answer to the message itself would have it."""
        return (Refusal.UNREACHABLE if self.unreachable else Refusal.REJECTED).value

    @property
    def wording(self) -> Wording:
        """The code and sentence of a failure."""
        return self.code, text.clean(self.reason, REASON_LENGTH) or UNSAID


def apply_receipts(batch: Sequence[ReceiptUpdate]) -> list[ReceiptUpdate]:
    """Keep receipts and move their deliveries forward; return those that found none yet.

    What was applied before changes nothing. Receipts for a delivery that is queued are among the
    returned: they may be quicker than our own settle. Raises OperationalError when the database is
    locked or away, with whole batches of 500 applied or not.
    """
    lost: list[ReceiptUpdate] = []
    for start in range(0, len(batch), BATCH):
        part = batch[start : start + BATCH]
        reasons = reason_ids({s.wording: s.refusal for s in part if s.status == D.FAILED})
        with db.write():
            lost += _apply_to_messages(part, reasons)
    return lost


def _apply_to_messages(
    part: Sequence[ReceiptUpdate], reasons: dict[Wording, int]
) -> list[ReceiptUpdate]:
    """As ``_apply``, where some are about parts of a message: return the lost ones as they came."""
    # Looked up first: whose delivery is seen, its parts are seen as well. The other way round, a
    # message that is settled in between would have arrived with its first part.
    places = _by_message(part) | _by_external_id(part)
    originals = {}
    updates, about_messages = [], []
    for original, name in segments.as_messages(part):
        update = original
        if name != original.external_id:
            update = replace(original, external_id=name)
            about_messages.append(update)
        updates.append(update)
        originals[id(update)] = original
    places |= _by_external_id(about_messages)
    return [originals[id(update)] for update in _apply(updates, places, reasons)]


def _apply(
    part: Sequence[ReceiptUpdate], places: dict[_Name, int], reasons: dict[Wording, int]
) -> list[ReceiptUpdate]:
    """Apply some receipts within a transaction; return those that found no delivery yet.

    ``places``: the deliveries of messages, by channel and id.
    """
    locked = deliveries.lock(places.values())
    early = _early(locked.values())
    about: dict[int, list[ReceiptUpdate]] = defaultdict(list)
    lost = []
    for sighting in part:
        delivery = _delivery_of(sighting, places)
        if delivery in locked and delivery not in early:
            about[delivery].append(sighting)
        else:
            lost.append(sighting)
    deliveries.keep(
        (s.channel_id, delivery, s.key, s.status, s.at, s.received_at)
        for delivery, sightings in about.items()
        for s in sightings
    )
    reported = _reported([locked[delivery] for delivery in about])
    moves = []
    for delivery, sightings in about.items():
        before = locked[delivery]
        after = _after(before, reported[delivery], sightings, reasons)
        if after != before:
            moves.append((before, after))
    unreachable = {
        delivery for delivery, sightings in about.items() if any(s.unreachable for s in sightings)
    }
    deliveries.move(moves, unreachable)
    return lost


def _early(locked: Collection[LockedDelivery]) -> set[int]:
    """The deliveries whose receipts have to wait."""
    stories = directory().stories({d.broadcast_id for d in locked if d.state == D.SENDING})
    return {
        d.id
        for d in locked
        if d.state in _TOO_EARLY or (d.state == D.SENDING and d.broadcast_id in stories)
    }


def _delivery_of(sighting: ReceiptUpdate, places: dict[_Name, int]) -> int:
    """The delivery that a receipt is about, 0 when it is not known."""
    own_id = message_ids.parse(sighting.message_id)
    for name in (own_id and message_ids.message_id(*own_id[:2]), sighting.external_id):
        if name and (delivery := places.get((sighting.channel_id, name))):
            return delivery
    return 0


def _by_message(part: Iterable[ReceiptUpdate]) -> dict[_Name, int]:
    """Deliveries by our id of the first message, which all of their messages begin with."""
    named = {own_id for s in part if (own_id := message_ids.parse(s.message_id))}
    keys = {pk: key for key, pk in directory().with_keys({own_id.key for own_id in named}).items()}
    rows = db.fetch(
        f"SELECT channel_id, broadcast_id, id FROM records_delivery WHERE id {db.in_list()}",
        [db.json_param([own_id.delivery] for own_id in named)],
    )
    return {
        (channel, message_ids.message_id(keys[broadcast], delivery)): delivery
        for channel, broadcast, delivery in rows
        if broadcast in keys
    }


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


def _reported(locked: Sequence[LockedDelivery]) -> dict[int, set[str]]:
    """All that has been reported about these deliveries up to now."""
    reported: dict[int, set[str]] = defaultdict(set)
    earlier = _earlier_messages(locked)
    for delivery, status, name in db.fetch(
        "SELECT delivery_id, status, external_id FROM records_receipt"
        f" WHERE delivery_id {db.in_list()}",
        [db.json_param([each.id] for each in locked)],
    ):
        if status == D.FAILED or not _is_earlier(delivery, name, earlier):
            reported[delivery].add(status)
    return reported


def _earlier_messages(locked: Sequence[LockedDelivery]) -> set[tuple[int, str | int]]:
    """Messages of stories that another one followed: delivery, and the provider's id or number."""
    stories = directory().stories({each.broadcast_id for each in locked})
    rows = db.fetch(
        "SELECT delivery_id, number, external_id FROM records_part"
        f" WHERE delivery_id {db.in_list()} AND NOT is_last",
        [db.json_param([each.id] for each in locked if each.broadcast_id in stories)],
    )
    numbers: set[tuple[int, str | int]] = {(delivery, number) for delivery, number, _ in rows}
    return numbers | {(delivery, name) for delivery, _, name in rows if name}


def _is_earlier(delivery: int, name: str, earlier: set[tuple[int, str | int]]) -> bool:
    if not earlier:  # nearly always
        return False
    own_id = message_ids.parse(name)
    number = own_id.number if own_id and own_id.delivery == delivery else name
    return (delivery, name) in earlier or (delivery, number) in earlier


def _after(
    before: LockedDelivery,
    reported: set[str],
    news: Sequence[ReceiptUpdate],
    reasons: dict[Wording, int],
) -> LockedDelivery:
    """The delivery as it stands once all that was told about it is taken into account."""
    state = next((status for status in _RANK if status in reported), before.state)
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
        or (state in _ARRIVED and (D.FAILED in reported or before.state == D.FAILED)),
        external_id=before.external_id or next((s.key for s in news if s.external_id), None),
    )
