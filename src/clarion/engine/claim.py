"""Claiming: a few queued deliveries together with the moments they may leave at.

One transaction marks the rows ``sending`` for this worker and advances the channel's
``next_slot_at``. The claim is the written intent: whatever becomes of the worker, it is known who
may have been sent to.
"""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clarion.broadcasts.people import without_consent
from clarion.broadcasts.sending import advance_slots
from clarion.broadcasts.waits import wait_for_probe
from clarion.channels.registry import KINDS
from clarion.channels.slots import advance
from clarion.contacts.identities import USER_ID
from clarion.contacts.states import STATE, AddressState
from clarion.contacts.suppressions.matching import ANY_PENDING, pending_among
from clarion.content.rendering import contact_context
from clarion.engine.day_limit import DayLimit
from clarion.kit import clock, db
from clarion.kit.db import bulk
from clarion.records import progress, tallies
from clarion.records.deliveries.claim import ClaimedRow, claim_rows
from clarion.records.progress import NOTHING, Progress

Person = tuple[str, str, dict[str, Any]]  # user id, state, what texts see of the contact
_NOBODY: Person = ("", "deleted", {})
WINDOW = clock.SECOND // 4  # a claim reaches this far ahead
# No second may ever see more than the rate, by the provider's clock: slots are (1 s + SLACK) / rate
# apart, so 98.1 % of the rate is used. Of the slack, LATE is ours (a message that is later than
# that after its slot gets a new one), and the rest is for the way to the provider.
SLACK = 19_000
LATE = 6_000
PROBE = 40 * clock.SECOND  # until the outcome of one message is known: webhooks get 30 s
# Messages that share a request wait this long for each other. Where the provider counts recipients
# their slots are so much further apart, for all of them leave when the last one's slot has come.
TOGETHER = clock.SECOND // 10
LEAD = 4_000  # the first slot of an idle channel: time enough for the claim to commit


@dataclass(frozen=True, slots=True)
class NoCode:
    """There is no code for a delivery that needs one."""

    reason: str
    may_wait: bool  # there will be: the pool is topped up
    asked_at: int  # microseconds by the shared clock: it says nothing of codes added since


@dataclass(slots=True)  # made for every message, and never changed: frozen it takes twice as long
class Claimed:
    """One delivery that this worker may send."""

    delivery: int
    broadcast: int
    address: int
    attempts: int
    maybe_sent: bool  # an earlier try may have got through
    due_at: int  # microseconds; 0: since its broadcast began
    to: str
    address_state: str
    contact: dict[str, Any]
    slot: int  # microseconds by the shared clock; 0: as soon as possible
    progress: Progress = NOTHING
    code: str | NoCode | None = None  # where its broadcast gives codes, see engine.codes
    window_end: int = 0  # microseconds; where its channel has a window, see engine.windows


@dataclass(frozen=True, slots=True)
class Claim:
    """What a claim brought, and when to ask again if that was little."""

    messages: list[Claimed]
    now: int  # the shared clock, microseconds
    again_at: int  # microseconds; 0: more may be had at once
    pools: Mapping[int, int] = field(default_factory=dict)  # of broadcasts that give codes


def claim(channel_id: int, worker_id: int, room: int, people_a_day: int | None = None) -> Claim:
    """Claim up to ``room`` due deliveries of a channel for a worker, urgent broadcasts first.

    Between broadcasts of one priority the room is shared by weight. Pause, stop, throttling and
    rate are read here, under the lock, so they hold in every worker with the next claim.
    ``people_a_day``: with how many people the channel may begin a conversation, see day_limit.
    """
    with db.write():
        now = db.now_us()
        if not _is_alive(worker_id, now):
            return Claim([], now, now + WINDOW)
        slots = _slots(channel_id, now, room, alone=people_a_day is not None)
        if slots.count == 0:
            return Claim([], now, slots.again_at)
        shares = _shares(channel_id, slots.count, now)
        limit = None
        if people_a_day is not None:
            limit = DayLimit(channel_id, people_a_day, {s.broadcast for s in shares}, now)
            shares = [replace(s, room=limit.room(s.broadcast, s.room)) for s in shares]
        portions = [(share.broadcast, share.room) for share in shares if share.room]
        rows = claim_rows(worker_id, channel_id, portions, slots.count, now)
        if not rows:
            return Claim([], now, now + WINDOW // 3)
        if limit is not None:
            limit.note(rows)
        for broadcast in {share.broadcast for share in shares if share.is_probe}:
            if any(row.broadcast == broadcast for row in rows):
                wait_for_probe(broadcast, now + PROBE)
        paced: dict[int, int] = {}  # delivery -> not before this moment
        for share in shares:
            if share.step:
                paced |= share.pace([row for row in rows if row.broadcast == share.broadcast])
        moments, end = slots.moments(paced.get(row.delivery, 0) for row in rows)
        if slots.step:
            advance(channel_id, end)
    messages = with_people(rows, moments)
    again_at = 0 if len(rows) == slots.count else now + WINDOW // 3
    return Claim(messages, now, again_at, {s.broadcast: s.pool for s in shares if s.pool})


def reslot(channel_id: int, messages: list[Claimed]) -> list[Claimed]:
    """New moments for claimed messages that missed theirs."""
    with db.write():
        now = db.now_us()
        slots = _slots(channel_id, now, len(messages), reach=None)
        moments, end = slots.moments(0 for _ in messages)
        if slots.step:
            advance(channel_id, end)
    return [replace(m, slot=moment) for m, moment in zip(messages, moments, strict=True)]


def take_slots(channel_id: int, count: int) -> list[int]:
    """Moments at which this many requests may leave, where the provider counts requests."""
    with db.write():
        now = db.now_us()
        slots = _slots(channel_id, now, count, reach=None, of_requests=True)
        moments, end = slots.moments(0 for _ in range(count))
        if slots.step:
            advance(channel_id, end)
    return moments


def _is_alive(worker_id: int, now: int) -> bool:
    """Whether the lease lasts. The lock makes a reaper's verdict wait until the claim has ended."""
    sql = "SELECT 1 FROM engine_worker WHERE id = %s AND NOT dead AND lease_until > %s"
    return bool(db.fetch(sql + db.for_share(), [worker_id, now]))


@dataclass(frozen=True, slots=True)
class _Slots:
    first: int
    step: int  # 0: no rate
    count: int
    again_at: int = 0

    def moments(self, earliest: Iterable[int]) -> tuple[list[int], int]:
        """One moment for each message, none before its own earliest; and the next free slot.

        Without a rate the moment is the earliest itself. With one, who has no earliest moment
        fills the slots that nobody's moment has come for.
        """
        wishes = list(earliest)
        if not self.step:
            return wishes, 0
        slots, free = [0] * len(wishes), self.first
        anytime = deque(i for i, wish in enumerate(wishes) if not wish)
        timed = deque(sorted((i for i, wish in enumerate(wishes) if wish), key=wishes.__getitem__))
        while anytime or timed:
            is_time = timed and (wishes[timed[0]] <= free or not anytime)
            index = timed.popleft() if is_time else anytime.popleft()
            slots[index] = max(free, wishes[index])
            free = slots[index] + self.step
        return slots, free


def _slots(
    channel_id: int,
    now: int,
    room: int,
    reach: int | None = WINDOW,
    *,
    of_requests: bool = False,
    alone: bool = False,
) -> _Slots:
    sql = "SELECT rate, state, waits_until, next_slot_at, kind FROM channels_channel WHERE id = %s"
    rows = db.fetch(sql, [channel_id])
    if not rows:
        return _Slots(0, 0, 0, now + clock.SECOND)
    rate, slack = _rate(rows[0][0], rows[0][4], of_requests)
    if rate is not None or alone:  # only a rate or a limit of people needs the row for itself
        rows = db.fetch(sql + db.for_update(), [channel_id])
        if not rows:
            return _Slots(0, 0, 0, now + clock.SECOND)
        rate, slack = _rate(rows[0][0], rows[0][4], of_requests)
    _, state, waits_until, next_slot_at, _ = rows[0]
    if reach is not None:
        if state != "active":
            return _Slots(0, 0, 0, now + WINDOW)
        if waits_until is not None and waits_until > now:
            return _Slots(0, 0, 0, waits_until)
    if rate is None:
        return _Slots(0, 0, room)
    step = round((clock.SECOND + slack) / rate)
    first = max(next_slot_at, now + LEAD)
    if reach is None:
        return _Slots(first, step, room)
    if first > now + reach:
        return _Slots(first, step, 0, first - reach // 2)
    return _Slots(first, step, min(room, (now + reach - first) // step + 1))


def _rate(rate: float | None, kind: str, of_requests: bool) -> tuple[float | None, int]:
    """The rate of a channel's slots, and the microseconds that a second of it is too long.

    Its messages have none where the provider counts requests: each request gets one when it is
    known who shares it.
    """
    limits = KINDS[kind].limits if kind in KINDS else None
    if limits is None or (limits.most_recipients == 1 and limits.rate_counts == "recipients"):
        return rate, SLACK
    if limits.rate_counts == "requests":
        return (rate if of_requests else None), SLACK
    return rate, SLACK + TOGETHER


@dataclass(frozen=True, slots=True)
class _Share:
    """What one broadcast may take of a claim."""

    broadcast: int
    room: int
    first: int = 0  # the first free slot of a broadcast with a rate of its own, microseconds
    step: int = 0  # 0: as fast as the channel
    is_probe: bool = False  # after a wait: one message, to see whether it works again
    pool: int = 0  # the code pool that its recipients get codes of; 0: none

    def pace(self, claimed: Sequence[ClaimedRow]) -> dict[int, int]:
        """The earliest moment of each delivery taken; advances the broadcast's own slots."""
        if claimed:
            advance_slots(self.broadcast, self.first + len(claimed) * self.step)
        return {row.delivery: self.first + i * self.step for i, row in enumerate(claimed)}


def _shares(channel_id: int, room: int, now: int) -> list[_Share]:
    """What each broadcast may take, in the order of claiming; each priority level may use all.

    After everyone's share come the same broadcasts again with the whole room, for what the
    others left over.
    """
    active = sorted(_active(channel_id, now), key=lambda row: (-row[1], row[0]))
    order: list[_Share] = []
    for priority in dict.fromkeys(row[1] for row in active):
        level = [row for row in active if row[1] == priority]
        weights = sum(row[2] for row in level) or 1
        shares = [(row, max(1, room * row[2] // weights)) for row in level]
        free = [row for row in level if row[3] is None and row[5] is None]
        again = [(row, room) for row in free] if len(level) > 1 else []
        for (broadcast_id, _, _, rate, next_slot_at, waits_until, pool), most in shares + again:
            if waits_until is not None:
                order.append(_Share(broadcast_id, 1, is_probe=True, pool=pool))
            elif rate is None:
                order.append(_Share(broadcast_id, most, pool=pool))
            if waits_until is not None or rate is None:
                continue
            step = round((clock.SECOND + SLACK) / rate)
            first = max(next_slot_at, now + LEAD)
            left = (now + WINDOW - first) // step + 1
            if left > 0:
                order.append(_Share(broadcast_id, min(most, left), first, step, pool=pool))
    return order


_OVER = "(waits_until IS NULL OR waits_until <= %s)"  # its wait, if there was one
_ON_CHANNEL = (
    "SELECT b.id, b.rate IS NOT NULL OR b.waits_until IS NOT NULL FROM broadcasts_broadcast b "
    "JOIN broadcasts_broadcast_channels bc ON bc.broadcast_id = b.id "
    "WHERE bc.channel_id = %s AND b.state IN ('sending', 'live') "
    f"AND {_OVER} "
)


# A single (a test send) shows a sample: no code is used up.
_POOL = "CASE WHEN type = 'single' THEN 0 ELSE coalesce(code_pool_id, 0) END"


def _active(channel_id: int, now: int) -> list[tuple[Any, ...]]:
    """What is being sent on a channel; locked.

    Rows of id, priority, weight, rate, next_slot_at, waits_until (a wait that is over by ``now``)
    and code pool.
    """
    rows = db.fetch(f"{_ON_CHANNEL} LIMIT 2", [channel_id, now])
    if len(rows) > 1:
        # Only where the room is shared, and by the tallies: in the index of the queue PostgreSQL
        # walks over everybody who was queued since its last vacuum.
        waits = tallies.any_queued("b.id", "bc.channel_id")
        rows = db.fetch(f"{_ON_CHANNEL} AND {waits}", [channel_id, now])
    # FOR SHARE: a stop that has committed is never overtaken by a claim. Those with a rate of
    # their own, or after a wait, are locked for writing from the beginning: two claims that both
    # held a share and both wanted to write would wait for each other for ever.
    active: list[tuple[Any, ...]] = []
    for paced, which, lock in (
        (False, "rate IS NULL AND waits_until IS NULL", db.for_share()),
        (
            True,
            f"(rate IS NOT NULL OR waits_until IS NOT NULL) AND {_OVER}",
            db.for_no_key_update(),
        ),
    ):
        ids = [[broadcast_id] for broadcast_id, has_rate in rows if bool(has_rate) is paced]
        if not ids:
            continue
        active += db.fetch(
            f"SELECT id, priority, weight, rate, next_slot_at, waits_until, {_POOL} "
            f"FROM broadcasts_broadcast WHERE id {db.in_list()} "
            f"AND state IN ('sending', 'live') AND {which} ORDER BY id{lock}",
            [db.json_param(ids), *([now] if paced else [])],
        )
    return active


def with_people(rows: Sequence[ClaimedRow], moments: Sequence[int]) -> list[Claimed]:
    """Claimed deliveries with the contacts that they are to, each with the moment of its slot."""
    people, suppressed = people_at([row.address for row in rows])
    memories = progress.load([row.delivery for row in rows if row.has_progress])
    together: dict[int, list[int]] = {}
    for row in rows:
        together.setdefault(row.broadcast, []).append(row.address)
    lacking = without_consent(together)
    claimed = []
    for row, slot in zip(rows, moments, strict=True):
        delivery, broadcast, address = row[:3]
        # A contact that was deleted meanwhile: nobody to send to.
        value, state, contact = people.get(address, _NOBODY)
        if suppressed and address in suppressed:
            state = AddressState.SUPPRESSED.value
        elif state == "active" and lacking and (broadcast, address) in lacking:
            state = "no_consent"
        kept = memories.get(delivery, NOTHING) if memories else NOTHING
        claimed.append(Claimed(*row[:6], value, state, contact, slot, kept))
    return claimed


def people_at(addresses: Sequence[int]) -> tuple[dict[int, Person], set[int]]:
    """The contact at each address that there is; which of the addresses are suppressed."""
    names = "name", "attributes", "language", "time_zone"
    rows = bulk.fetch(
        ["a.id", USER_ID, STATE, *(f"c.{name}" for name in names), ANY_PENDING],
        "FROM contacts_address a "
        + db.lateral_join("contacts_contact", "c", "c.id = a.contact_id")
        + f" WHERE a.id {bulk.in_ids()}",
        [bulk.ids_param(addresses)],
    )
    # Read at once, which takes half of the time.
    attributes = json.loads(f"[{','.join([row[4] for row in rows])}]")
    people = {
        row[0]: (row[1], row[2], contact_context(row[3], held, row[5], row[6], row[1]))
        for row, held in zip(rows, attributes, strict=True)
    }
    is_any_pending = any(row[7] for row in rows)
    return people, pending_among(people) if is_any_pending else set()
