"""The inbox: providers' callbacks, stored as they come and applied later.

Applying is repeatable: receipts, messages and address states are each kept once, however often
a callback comes. A receipt that finds no delivery yet (it may be quicker than our own settle)
keeps its callback waiting for up to an hour.
"""

from dataclasses import dataclass, field

from django.db import transaction

from clarion.channels.contract import ChannelKind, HookRequest, Inbound, OptOut, Receipt
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.chats.inbound import receive
from clarion.contacts import addresses
from clarion.engine.models import Callback
from clarion.kit import clock, db, text
from clarion.records.receipts import ReceiptUpdate, apply_receipts

BATCH = 200  # callbacks of one round
PATIENCE = 3_600 * clock.SECOND  # how long a receipt may look for its delivery
KEPT = 24 * 3_600 * clock.SECOND  # how long applied callbacks stay readable
FORGET = 5_000  # rows of one deletion


def store_callback(channel: Channel, hook: HookRequest) -> None:
    """Keep a verified callback; the engine applies it soon."""
    Callback.objects.create(
        channel=channel,
        received_at=hook.received_at,
        headers=dict(hook.headers),
        query=hook.query,
        body=hook.body,
        next_try_at=hook.received_at,
    )


@dataclass(slots=True)
class _Round:
    """What one round found in its callbacks."""

    receipts: list[tuple[Callback, Receipt]] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)  # callback -> why


def apply_waiting(now: int | None = None) -> int:
    """Apply callbacks that are due; return how many were looked at."""
    at = db.now_us() if now is None else now
    # Asked first without a lock: there is nothing, nearly always.
    due = "SELECT 1 FROM engine_callback WHERE state = 'waiting' AND next_try_at <= %s LIMIT 1"
    if not db.fetch(due, [at]):
        return 0
    with transaction.atomic():
        due_now = Callback.objects.filter(state=Callback.State.WAITING, next_try_at__lte=at)
        waiting = list(db.select_unlocked(due_now.order_by("next_try_at"))[:BATCH])
        if not waiting:
            return 0
        found = _Round()
        kinds: dict[int, ChannelKind] = {}
        for callback in waiting:
            _read(callback, kinds, found)
        early = _apply(found)
        for callback in waiting:
            _close(callback, callback.pk in early, found.failed.get(callback.pk), at)
        Callback.objects.bulk_update(waiting, ["state", "next_try_at", "tries", "error"])
    return len(waiting)


def _read(callback: Callback, kinds: dict[int, ChannelKind], found: _Round) -> None:
    hook = HookRequest(callback.headers, callback.query, bytes(callback.body), callback.received_at)
    try:
        kind = kinds.get(callback.channel_id)
        if kind is None:
            kind = kinds[callback.channel_id] = adapter(callback.channel)
        events = list(kind.events(hook))
    except ValueError as error:
        found.failed[callback.pk] = text.clean(str(error), 400)
        return
    for event in events:
        if isinstance(event, Receipt):
            found.receipts.append((callback, event))
        elif isinstance(event, Inbound):
            receive(callback.channel, event)
        elif isinstance(event, OptOut):
            addresses.mark_value(callback.channel, event.sender, event.state, event.at)


def _apply(found: _Round) -> set[int]:
    """Apply all receipts of the round; return the callbacks of those that found no delivery."""
    sightings = [
        ReceiptUpdate(
            channel_id=callback.channel_id,
            status=receipt.status,
            at=clock.to_us(receipt.at),
            received_at=clock.to_us(callback.received_at),
            external_id=receipt.external_id,
            message_id=receipt.message_id,
            code=receipt.code,
            reason=receipt.reason,
        )
        for callback, receipt in found.receipts
    ]
    lost = {id(sighting) for sighting in apply_receipts(sightings)} if sightings else set()
    return {
        callback.pk
        for (callback, _), sighting in zip(found.receipts, sightings, strict=True)
        if id(sighting) in lost
    }


def _close(callback: Callback, early: bool, failed: str | None, now: int) -> None:
    callback.tries += 1
    if failed is not None:
        callback.state, callback.error = Callback.State.FAILED, failed
    elif not early:
        callback.state, callback.error = Callback.State.APPLIED, ""
    elif now - clock.to_us(callback.received_at) > PATIENCE:
        callback.state = Callback.State.FAILED
        callback.error = "No message of ours fits this receipt; it was looked for during an hour."
    else:
        wait = min(2 ** min(callback.tries, 6), 60) * clock.SECOND
        callback.next_try_at = clock.from_us(now + wait)


def forget_old() -> int:
    """Delete a chunk of callbacks that were applied a day ago or more; return how many."""
    old = "SELECT id FROM engine_callback WHERE state <> 'waiting' AND received_at < %s LIMIT %s"
    return db.execute(
        f"DELETE FROM engine_callback WHERE id {db.in_subquery(old)}", [db.now_us() - KEPT, FORGET]
    )
