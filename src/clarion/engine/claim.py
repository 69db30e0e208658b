"""Claiming: a few queued deliveries together with the moments they may leave at.

One transaction marks the rows ``sending`` for this worker and advances the channel's
``next_slot_at``. The claim is the written intent: whatever becomes of the worker, it is known who
may have been sent to.
"""

import json
from dataclasses import dataclass, replace
from typing import Any

from clarion.content.rendering import contact_context
from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.states import DeliveryState as D

WINDOW = clock.SECOND // 4  # a claim reaches this far ahead
# No second may ever see more than the rate, by the provider's clock: slots are (1 s + SLACK) / rate
# apart, so 98.1 % of the rate is used. Of the slack, LATE is ours (a message that is later than
# that after its slot gets a new one), and the rest is for the way to the provider.
SLACK = 19_000
LATE = 6_000
_Row = tuple[int, int, int, int, bool]  # delivery, broadcast, address, attempts, maybe_sent
LEAD = 4_000  # the first slot of an idle channel: time enough for the claim to commit


@dataclass(frozen=True, slots=True)
class Claimed:
    """One delivery that this worker may send."""

    delivery: int
    broadcast: int
    address: int
    attempts: int
    maybe_sent: bool  # an earlier try may have got through
    to: str
    address_state: str
    contact: dict[str, Any]
    slot: int  # microseconds by the shared clock; 0: as soon as possible


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought, and when to ask again if that was little."""

    messages: list[Claimed]
    now: int  # the shared clock, microseconds
    again_at: int  # microseconds; 0: more may be had at once


def claim(channel_id: int, worker_id: int, room: int) -> Claim:
    """Claim up to ``room`` due deliveries of a channel for a worker, urgent broadcasts first.

    Between broadcasts of one priority the room is shared by weight. Pause, stop, throttling and
    rate are read here, under the lock, so they hold in every worker with the next claim.
    """
    with db.write():
        now = db.now_us()
        if not _is_alive(worker_id, now):
            return Claim([], now, now + WINDOW)
        slots = _slots(channel_id, now, room)
        if slots.count == 0:
            return Claim([], now, slots.again_at)
        rows: list[_Row] = []
        for broadcast_id, share in _shares(channel_id, slots.count):
            if len(rows) < slots.count:
                quota = min(share, slots.count - len(rows))
                rows += _take(broadcast_id, channel_id, worker_id, quota, now)
        if not rows:
            return Claim([], now, now + WINDOW // 3)
        if slots.step:
            end = slots.first + len(rows) * slots.step
            db.execute(
                "UPDATE channels_channel SET next_slot_at = %s WHERE id = %s", [end, channel_id]
            )
        taken: dict[tuple[int, int, str], int] = {}
        for _, broadcast_id, *_ in rows:
            for state, delta in ((D.QUEUED, -1), (D.SENDING, 1)):
                key = (broadcast_id, channel_id, str(state))
                taken[key] = taken.get(key, 0) + delta
        tallies.add(taken)
    return Claim(
        _with_people(rows, slots), now, 0 if len(rows) == slots.count else now + WINDOW // 3
    )


def reslot(channel_id: int, messages: list[Claimed]) -> list[Claimed]:
    """New moments for claimed messages that missed theirs."""
    with db.write():
        now = db.now_us()
        slots = _slots(channel_id, now, len(messages), reach=None)
        if slots.step:
            end = slots.first + len(messages) * slots.step
            db.execute(
                "UPDATE channels_channel SET next_slot_at = %s WHERE id = %s", [end, channel_id]
            )
    return [replace(m, slot=slots.moment(i)) for i, m in enumerate(messages)]


def _is_alive(worker_id: int, now: int) -> bool:
    """Whether the lease lasts. The lock makes a reaper's verdict wait until the claim has ended."""
    lock = " FOR SHARE" if db.is_postgres() else ""
    sql = "SELECT 1 FROM engine_worker WHERE id = %s AND NOT dead AND lease_until > %s" + lock
    return bool(db.fetch(sql, [worker_id, now]))


@dataclass(frozen=True, slots=True)
class _Slots:
    first: int
    step: int  # 0: no rate
    count: int
    again_at: int = 0

    def moment(self, index: int) -> int:
        return self.first + index * self.step if self.step else 0


def _slots(channel_id: int, now: int, room: int, reach: int | None = WINDOW) -> _Slots:
    sql = "SELECT rate, state, throttled_until, next_slot_at FROM channels_channel WHERE id = %s"
    found = db.fetch(sql, [channel_id])
    if found and found[0][0] is not None:  # only a rate needs the row for itself
        found = db.fetch(sql + db.for_update(), [channel_id])
    if not found:
        return _Slots(0, 0, 0, now + clock.SECOND)
    rate, state, throttled_until, next_slot_at = found[0]
    if reach is not None:
        if state != "active":
            return _Slots(0, 0, 0, now + WINDOW)
        if throttled_until is not None and throttled_until > now:
            return _Slots(0, 0, 0, throttled_until)
    if rate is None:
        return _Slots(0, 0, room)
    step = round((clock.SECOND + SLACK) / rate)
    first = max(next_slot_at, now + LEAD)
    if reach is None:
        return _Slots(first, step, room)
    if first > now + reach:
        return _Slots(first, step, 0, first - reach // 2)
    return _Slots(first, step, min(room, (now + reach - first) // step + 1))


def _shares(channel_id: int, room: int) -> list[tuple[int, int]]:
    """(broadcast, how many) in the order of claiming; each priority level may use all the room.

    After everyone's share come the same broadcasts again with the whole room, for what the
    others left over. FOR SHARE: a stop that has committed is never overtaken by a claim.
    """
    share_lock = " FOR SHARE OF b" if db.is_postgres() else ""
    active = db.fetch(
        "SELECT b.id, b.priority, b.weight FROM broadcasts_broadcast b "
        "JOIN broadcasts_broadcast_channels bc ON bc.broadcast_id = b.id "
        "WHERE bc.channel_id = %s AND b.state = 'sending' "
        "AND EXISTS (SELECT 1 FROM records_delivery d WHERE d.broadcast_id = b.id "
        "AND d.channel_id = bc.channel_id AND d.state = 'queued') "
        "ORDER BY b.priority DESC, b.id" + share_lock,
        [channel_id],
    )
    order: list[tuple[int, int]] = []
    for priority in sorted({row[1] for row in active}, reverse=True):
        level = [(row[0], row[2]) for row in active if row[1] == priority]
        weights = sum(weight for _, weight in level) or 1
        order += [(b, max(1, room * weight // weights)) for b, weight in level]
        order += [(b, room) for b, _ in level] if len(level) > 1 else []
    return order


def _take(broadcast_id: int, channel_id: int, worker_id: int, quota: int, now: int) -> list[_Row]:
    due = (
        "SELECT id FROM records_delivery WHERE broadcast_id = %s AND channel_id = %s "
        f"AND state = 'queued' AND due_at <= %s ORDER BY due_at, id LIMIT %s{db.skip_locked()}"
    )
    return db.fetch(
        "UPDATE records_delivery SET state = 'sending', worker_id = %s, moved_at = %s "
        f"WHERE id {db.among(due)} RETURNING id, broadcast_id, address_id, attempts, maybe_sent",
        [worker_id, now, broadcast_id, channel_id, now, quota],
    )


def _with_people(rows: list[_Row], slots: _Slots) -> list[Claimed]:
    people = {
        row[0]: row
        for row in db.fetch(
            "SELECT a.id, a.value, a.state, c.name, c.attributes, c.language, c.time_zone "
            f"FROM {db.rows([('id', 'int')])} "
            "JOIN contacts_address a ON a.id = v.id JOIN contacts_contact c ON c.id = a.contact_id",
            [db.pack([row[2]] for row in rows)],
        )
    }
    claimed = []
    for index, row in enumerate(rows):
        found = people.get(row[2])
        if found is None:  # the contact was deleted meanwhile: nobody to send to
            claimed.append(Claimed(*row, "", "deleted", {}, 0))
            continue
        _, value, state, name, attributes, language, time_zone = found
        known = json.loads(attributes) if isinstance(attributes, str) else attributes
        contact = contact_context(name, known, language, time_zone, value)
        claimed.append(Claimed(*row, value, state, contact, slots.moment(index)))
    return claimed
