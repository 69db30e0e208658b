"""The inbox: providers' callbacks, stored as they come and applied soon after.

They are applied in rounds, a set of callbacks in one transaction, and in lanes: a round takes from
the first lane that has any. What people write and opt-outs come first, however many receipts wait;
receipts that fit no message yet come last, and are looked at less and less often. The lane is
chosen when a callback is stored.

Applying is repeatable: receipts, messages and address states are each kept once, however often
a callback comes.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial

import structlog
from django.db import Error, transaction

from clarion.channels import day_limits
from clarion.channels.abilities import FollowsUp
from clarion.channels.account_events import AccountReported, LimitReported
from clarion.channels.contract import (
    AboutMessage,
    AddressReport,
    ChannelKind,
    Event,
    HookRequest,
    Ignored,
    Inbound,
    InboundPart,
    Moved,
    OptOut,
    Receipt,
    SamePerson,
    SeenUntil,
)
from clarion.channels.keywords import State, with_requested_state
from clarion.channels.manage import note_account
from clarion.channels.models import Channel
from clarion.channels.own_keywords import own_words
from clarion.channels.registry import adapter
from clarion.channels.templates import library
from clarion.channels.templates.listed import TemplateChanged
from clarion.chats.inbound import receive
from clarion.consents import grants
from clarion.consents.models import Change
from clarion.consents.proof import Proof
from clarion.contacts import addresses, identities
from clarion.contacts.suppressions import reports
from clarion.engine import callbacks, fragments, unproven
from clarion.engine.callbacks import Taken
from clarion.engine.models import REASON_LENGTH, Callback
from clarion.kit import clock, db, text
from clarion.records.receipts import ReceiptUpdate, apply_receipts
from clarion.records.watermarks import Mark, messages_until

log = structlog.get_logger()
Lane = Callback.Lane
# Callbacks of one round: on SQLite a round has the only writer, and sending waits meanwhile.
BATCH = {Lane.PEOPLE: 50, Lane.RECEIPTS: 300, Lane.UNMATCHED: 300}
PATIENCE = 3_600 * clock.SECOND  # how long a receipt may look for its delivery
LONGEST_WAIT = 600 * clock.SECOND  # between two looks
BROKEN = "It could not be applied because of an error in Clarion. The log has the details."
UNKNOWN = "A receipt matches no message that Clarion sent. Clarion looked for one for an hour."


def lane_of(kind: ChannelKind, hook: HookRequest) -> Lane:
    """The lane of a verified callback. Never raises: what can't be read is dropped later."""
    try:
        if isinstance(kind, FollowsUp) and kind.follow_up(hook) is not None:
            return Lane.FOLLOW_UP
        events = list(kind.events(hook))
    except ValueError:
        return Lane.RECEIPTS
    except Exception:
        log.exception("callback_unreadable", kind=kind.kind)
        return Lane.PEOPLE  # nobody knows what is in it
    return Lane.PEOPLE if any(_is_of_people(event) for event in events) else Lane.RECEIPTS


@dataclass(slots=True)
class _Item:
    """One callback of a round, and what becomes of it."""

    callback: Taken
    events: Sequence[Event] = ()
    unmatched: bool = False  # one of its receipts fits no delivery yet
    dropped: str = ""  # the first thing that was dropped of it


@dataclass(slots=True)
class _Round:
    """The callbacks of one round."""

    items: list[_Item]
    kinds: dict[int, ChannelKind] = field(default_factory=dict)
    drops: list[tuple[int, str]] = field(default_factory=list)  # channel, reason
    own_words: dict[str, State] | None = None  # read once something was written

    def drop(self, item: _Item, reason: str) -> None:
        reason = text.clean(reason, REASON_LENGTH)
        self.drops.append((item.callback.channel.pk, reason))
        item.dropped = item.dropped or reason


def apply_waiting(now: int | None = None) -> int:
    """Apply a round of the callbacks that are due; return how many were looked at, 0 for no more.

    Any number of processes and threads may do so at once. Raises OperationalError when the database
    is locked or away, with nothing applied.
    """
    at = db.now_us() if now is None else now
    for lane in BATCH:
        if not callbacks.is_due(lane, at):  # nearly always
            continue
        with db.write():
            batch = callbacks.take(lane, at, BATCH[lane])
            _apply(
                _Round([_Item(callback, dropped=callback.dropped) for callback in batch]), lane, at
            )
        if batch:
            reports.list_pending()
            return len(batch)
    return 0


def _apply(of: _Round, lane: Lane, at: int) -> None:
    """Apply a round and close its callbacks, within the transaction that locked them."""
    for item in of.items:
        _read(of, item)
    if lane != Lane.UNMATCHED:  # of those all but the receipts was applied before
        for item in of.items:
            for event in item.events:
                if isinstance(event, Ignored):
                    of.drop(item, event.reason)
                elif isinstance(event, LimitReported):
                    day_limits.note_reported(item.callback.channel, event.people)
                elif isinstance(event, AccountReported):
                    transaction.on_commit(partial(note_account, item.callback.channel, event))
                elif isinstance(event, TemplateChanged):
                    library.note_change(item.callback.channel, event)
        if lane == Lane.PEOPLE:
            identities.lock(_ids_of_people(of))
        _join_people(of)
        for item in of.items:
            if any(_is_of_people(event) for event in item.events):
                _guarded(of, item, _apply_people)
    _apply_all_receipts(of)
    _close(of, at)


def _is_of_people(event: Event) -> bool:
    if isinstance(event, AboutMessage):
        return any(map(_is_of_people, event.events))
    return isinstance(event, Inbound | InboundPart | OptOut | AddressReport | Moved)


def _read(of: _Round, item: _Item) -> None:
    channel = item.callback.channel
    try:
        kind = of.kinds.get(channel.pk)
        if kind is None:
            kind = of.kinds[channel.pk] = adapter(channel)
        events = unproven.resolved(channel.pk, kind.events(item.callback.hook))
        item.events = list(_with_own_words(of, events))
    except ValueError as error:
        of.drop(item, str(error))
    except Exception:
        log.exception("callback_unreadable", callback=item.callback.id, channel=channel.pk)
        of.drop(item, BROKEN)


def _with_own_words(of: _Round, events: Iterable[Event]) -> Iterator[Event]:
    """The events, and the opt-outs that the operator's own words ask for."""
    for event in events:
        yield event
        if isinstance(event, Inbound) and len(with_requested_state(event)) == 1:
            if of.own_words is None:
                of.own_words = own_words()
            yield from with_requested_state(event, of.own_words)[1:]


def _guarded(of: _Round, item: _Item, work: Callable[[_Item], None]) -> None:
    """One bad callback does not stop the others: it is undone, logged and dropped."""
    try:
        with transaction.atomic():
            work(item)
    except Exception as error:
        if isinstance(error, Error) and db.is_passing(error):
            raise
        log.exception("callback_failed", callback=item.callback.id)
        of.drop(item, BROKEN)
        item.events, item.unmatched = (), False


def _ids_of_people(of: _Round) -> dict[int, set[str]]:
    """The user ids, by channel, of those whom the round may add or change."""
    ids: dict[int, set[str]] = {}
    for item in of.items:
        named = ids.setdefault(item.callback.channel.pk, set())
        for event in item.events:
            if isinstance(event, Inbound | OptOut):
                named.update((event.sender, *event.aliases))
            elif isinstance(event, InboundPart):
                named.add(event.sender)
            elif isinstance(event, AddressReport):
                named.add(event.address)
            elif isinstance(event, Moved):
                named.update((event.old, event.new, *event.aliases))
            elif isinstance(event, SamePerson):
                named.update(event.ids)
    return ids


def _join_people(of: _Round) -> None:
    """Join the user ids that callbacks name together. Nearly all are joined already: that is found
    out with one query for each channel of the round."""
    named: dict[int, list[tuple[str, ...]]] = {}
    for item in of.items:
        named.setdefault(item.callback.channel.pk, []).extend(_named_together(item))
    channels = {item.callback.channel.pk: item.callback.channel for item in of.items}
    apart = {
        (key, frozenset(ids))
        for key, groups in named.items()
        for ids in identities.unjoined(channels[key], groups)
    }
    to_join: dict[int, set[str]] = {}
    for key, ids in apart:
        to_join.setdefault(key, set()).update(ids)
    identities.lock(to_join)
    for item in of.items:
        key = item.callback.channel.pk
        if any((key, frozenset(ids)) in apart for ids in _named_together(item)):
            _guarded(of, item, _join)


def _join(item: _Item) -> None:
    identities.join_all(item.callback.channel, _named_together(item))


def _named_together(item: _Item) -> list[tuple[str, ...]]:
    return [event.ids for event in item.events if isinstance(event, SamePerson)]


def _apply_people(item: _Item) -> None:
    channel = item.callback.channel
    for event in item.events:
        if isinstance(event, Inbound):
            receive(channel, event)
        elif isinstance(event, InboundPart):
            if (whole := fragments.add(channel, event)) is not None:
                _apply_whole(channel, whole)
        elif isinstance(event, OptOut):
            addresses.mark_value(channel, event.sender, event.state, event.at, event.aliases)
        elif isinstance(event, AddressReport):
            _apply_report(channel, event)
        elif isinstance(event, Moved):
            identities.move(
                channel, event.old, event.new, keeps_old=event.keeps_old, aliases=event.aliases
            )


def _apply_whole(channel: Channel, whole: Inbound) -> None:
    """Apply a message whose parts came one by one, and what it asks for."""
    receive(channel, whole)
    for event in with_requested_state(whole, own_words()):
        if isinstance(event, OptOut):
            addresses.mark_value(channel, event.sender, event.state, event.at)


def give_up_fragments(now: int | None = None) -> int:
    """Apply messages whose last parts did not come in time, as far as they are here; return how
    many those were."""
    late = fragments.incomplete(db.now_us() if now is None else now)
    for channel, sender, reference in late:
        with db.write():
            identities.lock({channel.pk: [sender]})
            if (whole := fragments.give_up(channel, sender, reference)) is not None:
                _apply_whole(channel, whole)
    return len(late)


def _apply_report(channel: Channel, event: AddressReport) -> None:
    """Who complains opts out, and withdraws what they have agreed to."""
    is_new, address = reports.note(channel, event)
    if is_new and address is not None and event.cause == "complaint":
        proof = Proof(event.detail or "Reported by the provider")
        grants.withdraw_all(address.contact_id, how=Change.How.COMPLAINT, proof=proof, at=event.at)


def _apply_all_receipts(of: _Round) -> None:
    """All at once; one by one when that fails, so that a bad one is dropped alone."""
    try:
        with transaction.atomic():
            _apply_receipts(of.items)
    except Exception as error:
        if isinstance(error, Error) and db.is_passing(error):
            raise
        for item in of.items:
            _guarded(of, item, lambda receipt: _apply_receipts([receipt]))


def _apply_receipts(items: Sequence[_Item]) -> None:
    """Apply the receipts of these callbacks, and note which have one that fits no delivery yet."""
    updates: list[ReceiptUpdate] = []
    owners: dict[int, _Item] = {}  # id() of an update -> its callback
    for item, receipt in [*_receipts_of(items), *_seen_until(items)]:
        received_at = clock.to_us(item.callback.hook.received_at)
        update = _update(item.callback.channel.pk, receipt, received_at)
        updates.append(update)
        owners[id(update)] = item
    for update in apply_receipts(updates):
        owners[id(update)].unmatched = True


def _receipts_of(items: Sequence[_Item]) -> Iterator[tuple[_Item, Receipt]]:
    for item in items:
        for event in item.events:
            if isinstance(event, Receipt):
                yield item, event


def _seen_until(items: Sequence[_Item]) -> Iterator[tuple[_Item, Receipt]]:
    """The receipts of what was seen until a moment.

    A callback about messages that may not be recorded yet is looked at twice.
    """
    owners: dict[int, _Item] = {}  # id() of a mark -> its callback
    marks = []
    for item in items:
        for event in item.events:
            if isinstance(event, SeenUntil):
                mark = Mark(item.callback.channel.pk, event)
                marks.append(mark)
                owners[id(mark)] = item
                received_at = clock.to_us(item.callback.hook.received_at)
                item.unmatched |= not item.callback.tries and mark.may_be_early(received_at)
    for mark, external_id in messages_until(marks):
        yield owners[id(mark)], Receipt(mark.event.status, mark.event.at, external_id)


def _update(channel_id: int, receipt: Receipt, received_at: int) -> ReceiptUpdate:
    return ReceiptUpdate(
        channel_id=channel_id,
        status=receipt.status,
        at=clock.to_us(receipt.at),
        received_at=received_at,
        external_id=receipt.external_id,
        message_id=receipt.message_id,
        code=receipt.code,
        reason=receipt.reason,
        unreachable=receipt.unreachable,
    )


def _close(of: _Round, at: int) -> None:
    """Delete what is applied; keep what has to wait, and what was dropped."""
    waiting = []
    for item in of.items:
        if not item.unmatched:
            continue
        if at - clock.to_us(item.callback.hook.received_at) > PATIENCE:
            item.unmatched = False
            of.drop(item, UNKNOWN)
        else:
            wait = min(clock.SECOND << min(item.callback.tries, 20), LONGEST_WAIT)
            waiting.append((item.callback.id, at + wait, item.dropped))
    callbacks.wait_for_match(waiting)
    rest = [item for item in of.items if not item.unmatched]
    callbacks.keep_dropped([(item.callback.id, item.dropped) for item in rest if item.dropped])
    callbacks.delete(item.callback.id for item in rest if not item.dropped)
    callbacks.count_drops(of.drops, at)
