"""Why one contact got a broadcast, or did not: what happened in order, for each of their addresses.

Chosen by what, dropped or held by what, every attempt with what was sent and what came of it, every
receipt, and where it is now. Of an address that has no place in the broadcast: the rule of the
audience that leaves it out.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clarion.broadcasts.models import Broadcast, Event, Firing
from clarion.broadcasts.states import BroadcastState
from clarion.broadcasts.trigger import parse
from clarion.channels.condition import BLOCKED, condition
from clarion.clicks.rows import ClickRow, clicks_of
from clarion.contacts.identities import same_as
from clarion.contacts.models import Address, Contact
from clarion.insights import chosen
from clarion.insights.errors import Explained, explain_wording
from clarion.kit import clock, db
from clarion.records.audience import ReceiptRow, Recipient, due_at, receipts_of, recipients_of
from clarion.records.rows import RecordRow, read
from clarion.records.states import DeliveryState as D
from clarion.segments.manage import segment_name

if TYPE_CHECKING:
    from django.utils.functional import Promise

S = BroadcastState
MOST_RUNS = 20
# Events of a broadcast that stop or delay everybody who is waiting.
_FOR_ALL: Final[Mapping[str, "str | Promise"]] = {
    "pause": gettext_lazy("The broadcast was paused by %s."),
    "resume": gettext_lazy("The broadcast was resumed by %s."),
    "stop": gettext_lazy("The broadcast was stopped by %s."),
    "channel_paused": gettext_lazy("The channel was paused by %s."),
    "channel_resumed": gettext_lazy("The channel was resumed by %s."),
    "channel_waits": gettext_lazy("The channel began to wait (%s)."),
}


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened, or that is so now (``at`` is None)."""

    at: datetime | None
    what: str  # chosen, fired, dropped, event, attempt, receipt, click or now
    text: str
    tone: str = "calm"  # good, warn, bad, busy or calm
    record: RecordRow | None = None  # of an attempt
    explained: Explained | None = None  # its error, if it had one


@dataclass(frozen=True, slots=True)
class Way:
    """What happened at one address; ``delivery`` is None where it has no place in the broadcast."""

    address: Address
    delivery: Recipient | None
    verdict: str  # one sentence
    steps: list[Step]  # in order


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer for one contact and one broadcast."""

    broadcast: Broadcast
    contact: Contact
    ways: list[Way]
    # Of a periodic or external broadcast, which sends by its runs: those that this contact is in.
    runs: list[Broadcast] = field(default_factory=list)

    @property
    def records(self) -> list[RecordRow]:
        """Those of all attempts."""
        return [step.record for way in self.ways for step in way.steps if step.record]


def why(broadcast: Broadcast, contact: Contact) -> Answer:
    """Why this contact got this broadcast, or did not."""
    addresses = contact.addresses.filter(alias_of=None).select_related("channel").order_by("pk")
    firings = list(Firing.objects.filter(broadcast=broadcast, contact=contact).order_by("pk"))
    ways = [way for address in addresses for way in _ways(broadcast, address, firings)]
    # First the addresses that it went to, then those on its channels.
    ways.sort(key=lambda way: (way.delivery is None, _is_elsewhere(broadcast, way)))
    return Answer(broadcast, contact, ways, _runs(broadcast, [w.address.pk for w in ways]))


def _is_elsewhere(broadcast: Broadcast, way: Way) -> bool:
    return all(channel.pk != way.address.channel_id for channel in broadcast.channels.all())


def _runs(broadcast: Broadcast, addresses: Sequence[int]) -> list[Broadcast]:
    if not broadcast.is_live or broadcast.type == Broadcast.Type.TRIGGER:
        return []
    runs = Broadcast.objects.filter(parent=broadcast).order_by("-pk")
    ids = [run.pk for run in runs[: MOST_RUNS * 5]]
    sent_to = {recipient.broadcast_id for recipient in recipients_of(ids, addresses)}
    return list(runs.filter(pk__in=sent_to)[:MOST_RUNS])


def _ways(broadcast: Broadcast, address: Address, firings: Sequence[Firing]) -> list[Way]:
    """One for each time that the broadcast was sent to this address; one if it never was."""
    fired = [step for firing in firings for step in _fired(broadcast, firing)]
    recipients = recipients_of([broadcast.pk], same_as([address.pk]))
    if not recipients:
        reason = _not_a_recipient(broadcast, address, firings)
        return [Way(address, None, reason, fired)]
    return [_way(broadcast, address, recipient, fired) for recipient in recipients]


def _not_a_recipient(broadcast: Broadcast, address: Address, firings: Sequence[Firing]) -> str:
    verdict = chosen.verdict(broadcast, address)
    if verdict.rule not in {chosen.FITS, "open_chat"}:
        return verdict.text
    if broadcast.type == Broadcast.Type.TRIGGER and broadcast.state not in {S.DRAFT, S.SCHEDULED}:
        if not firings:
            return _("The trigger has not fired for this contact.")
        return firings[-1].reason or _("The trigger has fired, and its delay has not ended yet.")
    if broadcast.is_live and broadcast.type != Broadcast.Type.TRIGGER:
        return _("This broadcast sends by its runs. Look at the run in question.")
    return verdict.text


def _way(
    broadcast: Broadcast, address: Address, recipient: Recipient, fired: Sequence[Step]
) -> Way:
    attempts = list(_attempts(recipient))
    last = attempts[-1].record if attempts else None
    state = _state(recipient, failed_later=last is not None and last.messages.failed_later)
    # What stopped or delayed everybody matters until this delivery was over.
    over = recipient.at if recipient.state not in (D.QUEUED, D.HELD, D.SENDING) else None
    steps = [
        *fired,
        *attempts,
        *map(_receipt, receipts_of(recipient.delivery_id)),
        *map(_click, clicks_of(recipient.delivery_id)),
        *_events(broadcast, address.channel.name, over),
    ]
    steps.sort(key=lambda step: step.at or recipient.at)
    begin = Step(broadcast.started_at, "chosen", chosen.chosen_by(broadcast, address))
    steps = [begin, *steps, Step(recipient.at, "now", state, _TONES.get(recipient.state, "good"))]
    return Way(address, recipient, state, [*steps, *_waits(broadcast, address, recipient)])


def _attempts(recipient: Recipient) -> Iterator[Step]:
    """The records of a delivery; also of one whose address was merged into another one since."""
    rows = read(
        f"r.address_id {db.in_list()} AND r.delivery_id = %s ORDER BY r.recorded_at, r.id",
        [db.json_param([number] for number in same_as([recipient.chat])), recipient.delivery_id],
    )
    for row in rows:
        number = {"number": row.attempt}
        if row.messages.failed_later:
            text, tone = _("Attempt %(number)s: sent, then reported as failed") % number, "bad"
        elif row.status == "completed":
            text, tone = _("Attempt %(number)s: sent") % number, "good"
        elif row.in_doubt:
            text, tone = _("Attempt %(number)s: it may or may not have been sent") % number, "warn"
        elif row.messages.sent:
            text, tone = _("Attempt %(number)s: only a part was sent") % number, "bad"
        else:
            text, tone = _("Attempt %(number)s: not sent") % number, "bad"
        explained = explain_wording(row.code, row.error) if row.error else None
        yield Step(row.recorded_at, "attempt", text, tone, row, explained)


def _receipt(receipt: ReceiptRow) -> Step:
    text, tone = {
        D.DELIVERED.value: (_("The provider reported: delivered."), "good"),
        D.READ.value: (_("The provider reported: read."), "good"),
        D.FAILED.value: (_("The provider reported a failure."), "bad"),
    }[receipt.status]
    return Step(receipt.at, "receipt", text, tone)


def _click(click: ClickRow) -> Step:
    is_person = click.clicked_by == "person"
    if click.event == "open":
        text = _("They opened the e-mail.") if is_person else _("A program loaded the e-mail.")
        return Step(click.recorded_at, "open", text, "good" if is_person else "")
    if is_person:
        return Step(
            click.recorded_at, "click", _("They clicked the link %s.") % click.target, "good"
        )
    return Step(click.recorded_at, "click", _("A link scanner opened %s.") % click.target)


def _events(broadcast: Broadcast, channel: str, over: datetime | None) -> Iterator[Step]:
    """What stopped or delayed everybody; of a channel only where it is this one."""
    events = Event.objects.filter(broadcast=broadcast, kind__in=list(_FOR_ALL))
    if over is not None:
        events = events.filter(at__lte=over)
    for event in events.order_by("at", "pk"):
        if event.detail.get("channel") in (None, channel):
            what = str(_FOR_ALL[event.kind]) % event.actor
            words = f"{what} {event.detail.get('reason') or ''}".strip()
            yield Step(event.at, "event", words, "warn")


def _fired(broadcast: Broadcast, firing: Firing) -> Iterator[Step]:
    trigger = parse(broadcast.trigger)
    cause = {"name": trigger.tag or trigger.event}
    if trigger.on == "segment":
        joined = _("They joined the segment “%s”.") % segment_name(trigger.segment)
        yield Step(firing.happened_at, "fired", joined)
    elif trigger.on == "tag":
        yield Step(firing.happened_at, "fired", _("They got the tag “%(name)s”.") % cause)
    else:
        yield Step(firing.happened_at, "fired", _("The event “%(name)s” arrived.") % cause)
    if firing.state == Firing.State.DROPPED:
        yield Step(firing.due_at, "dropped", firing.reason, "warn")


def _state(recipient: Recipient, *, failed_later: bool) -> str:
    """Where a delivery stands, as one sentence."""
    if recipient.state == D.FAILED and failed_later:
        return _("It was sent. The provider reported later that it failed: %s") % recipient.error
    sentences: dict[str, Any] = {
        D.QUEUED: _("It waits to be sent."),
        D.HELD: _("It is held: they are in an open chat. It is sent when the chat is closed."),
        D.SENDING: _("It is being sent at this moment."),
        D.SENT: _("The provider accepted it. Nothing was reported about it yet."),
        D.DELIVERED: _("It reached their device."),
        D.READ: _("They opened it."),
        D.FAILED: _("It failed: %s") % recipient.error,
        D.SKIPPED: _("It was skipped: %s") % recipient.error,
        D.UNSENT: _("It was not sent: %s") % recipient.error,
        D.IN_DOUBT: _("It may or may not have been sent: %s") % recipient.error,
    }
    return str(sentences[recipient.state])


_TONES = {
    D.QUEUED.value: "busy", D.SENDING.value: "busy", D.HELD.value: "warn", D.SKIPPED.value: "warn",
    D.UNSENT.value: "warn", D.IN_DOUBT.value: "warn", D.FAILED.value: "bad",
}  # fmt: skip


def _waits(broadcast: Broadcast, address: Address, recipient: Recipient) -> Iterator[Step]:
    """What a queued delivery waits for."""
    if recipient.state != D.QUEUED:
        return
    if broadcast.state == S.PAUSED:
        reason = f"{_('The broadcast is paused.')} {broadcast.state_reason}".strip()
        yield Step(None, "now", reason, "warn")
    trouble = condition(address.channel)
    if trouble.state in BLOCKED:
        yield Step(None, "now", f"{trouble.state.label}: {trouble.reason}", "warn")
    due = due_at(recipient.delivery_id)
    if due is not None and due > clock.now():
        reason = _("The next attempt is not before %s.") % chosen.moment_words(due)
        yield Step(None, "now", reason, "busy")
