"""What needs somebody's attention: channels, errors, receipts and people who wait."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import formats
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.broadcasts import approvals, history
from clarion.broadcasts.models import Approval, Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.channels import condition
from clarion.channels.models import Channel
from clarion.codes.models import CodePool
from clarion.codes.stock import free_up_to, low_pools
from clarion.insights.over_time import by_channel
from clarion.insights.spans import QUARTER
from clarion.kit import clock
from clarion.records import tallies
from clarion.records.measures import Numbers
from clarion.records.reporting import receipts_of
from clarion.records.states import DeliveryState as D
from clarion.webhooks.models import Endpoint

SPIKE_OVER = timedelta(hours=1)  # the time that errors are looked at in
SPIKE_LEAST, SPIKE_SHARE = 20, 0.2  # a spike: so many failed, and such a part of all
SILENT_FOR = timedelta(hours=3)  # receipts have stopped when none has come for so long
JUST_SENT = timedelta(minutes=30)  # what was sent since then may well have none yet
SILENT_LEAST = 20  # messages that were to be reported
USUAL_OVER, USUAL_SHARE = timedelta(days=7), 0.2  # what was reported before, at least
RECENT = timedelta(days=7)  # who is in doubt since longer has been seen
MOST = 20  # of one kind


@dataclass(frozen=True, slots=True)
class Concern:
    """Something to look at.

    ``kind``: channel, errors, receipts, paused, missed, approval, codes, webhook, held, in_doubt.
    """

    kind: str
    text: str  # one or two sentences
    broadcast: Broadcast | None = None
    channel: Channel | None = None
    pool: CodePool | None = None
    endpoint: Endpoint | None = None
    until: datetime | None = None  # a channel's next attempt to send
    count: int | None = None  # how many people or codes it is about, where it is known


def concerns(now: datetime) -> list[Concern]:
    """All that needs attention at this moment, the most urgent first."""
    channels = {channel.pk: channel for channel in Channel.objects.order_by("name")}
    return [
        *_channels(channels),
        *_missed(),
        *_paused(),
        *_approvals(),
        *_spikes(channels, now),
        *_silent(channels, now),
        *_low_codes(),
        *_webhooks(),
        *_people(D.IN_DOUBT, "in_doubt", _in_doubt_words, now),
        *_people(D.HELD, "held", _held_words, now),
    ]


def _channels(channels: Mapping[int, Channel]) -> Iterator[Concern]:
    for channel, state in condition.conditions(channels.values()):
        if state.is_long or not state.is_blocked:
            yield Concern(
                "channel", condition.words(channel, state), channel=channel, until=state.until
            )


def _missed() -> Iterator[Concern]:
    for broadcast in history.missed(MOST):
        words = _(
            "It was not sent at its time, because no worker was running. Send it or delete it."
        )
        yield Concern("missed", words, broadcast)


def _paused() -> Iterator[Concern]:
    """Those that paused by themselves; who pauses one by hand knows it."""
    for broadcast in history.under_way(MOST):
        if broadcast.state == BroadcastState.PAUSED and broadcast.state_reason:
            yield Concern("paused", _("Paused: %s") % broadcast.state_reason, broadcast)


def _approvals() -> Iterator[Concern]:
    """Requests that wait for a second person, and what was decided and is not sent yet."""
    for request in approvals.open_requests(MOST):
        words = _("%s asks for approval.") % approvals.asked_by(request)
        if request.recipients is not None:
            words += " " + ngettext(
                "It goes to %s recipient.", "It goes to %s recipients.", request.recipients
            ) % _number(request.recipients)
        yield Concern("approval", words, request.broadcast, count=request.recipients)
    for answer in approvals.unread_answers(MOST):
        who = {"name": answer.decided_by_name}
        words = _("Approved by %(name)s. It can be sent now.") % who
        if answer.state == Approval.State.REJECTED:
            words = _("Rejected by %(name)s.") % who
        yield Concern("approval", " ".join(filter(None, (words, answer.comment))), answer.broadcast)


def _spikes(channels: Mapping[int, Channel], now: datetime) -> Iterator[Concern]:
    for pk, numbers in by_channel(_quarter(now - SPIKE_OVER), now).items():
        tried = numbers.sent + numbers.failed
        if numbers.failed < SPIKE_LEAST or numbers.failed < SPIKE_SHARE * tried:
            continue
        if pk in channels:
            words = _(
                "%(failed)s of %(tried)s messages failed in the last hour on channel %(name)s."
            )
            facts = {
                "failed": _number(numbers.failed),
                "tried": _number(tried),
                "name": channels[pk].name,
            }
            yield Concern("errors", words % facts, channel=channels[pk], count=numbers.failed)


def _silent(channels: Mapping[int, Channel], now: datetime) -> Iterator[Concern]:
    """Channels whose receipts came in until a few hours ago."""
    begin = _quarter(now - SILENT_FOR)
    due = by_channel(begin, _quarter(now - JUST_SENT))
    suspects = [channels[pk] for pk, n in due.items() if n.sent >= SILENT_LEAST and pk in channels]
    if not suspects:
        return
    arrived = by_channel(begin, now)
    usual = by_channel(_quarter(now - USUAL_OVER), begin)
    reports = receipts_of(suspects)
    for channel in suspects:
        before = usual.get(channel.pk, Numbers())
        if (
            D.DELIVERED in reports[channel.pk]
            and not arrived.get(channel.pk, Numbers()).delivered
            and before.delivered
            and before.delivered >= USUAL_SHARE * before.sent
        ):
            words = _(
                "Channel %s has reported no delivery for 3 hours, though messages were sent."
                " Check that its webhook URL can be reached."
            )
            yield Concern("receipts", words % channel.name, channel=channel)


def _low_codes() -> Iterator[Concern]:
    for pool in low_pools():
        words = _("Only %(free)s unused codes are left in the pool %(name)s.")
        free = free_up_to(pool, pool.low_at)
        facts = {"free": _number(free), "name": pool.name}
        yield Concern("codes", words % facts, pool=pool, count=free)


def _webhooks() -> Iterator[Concern]:
    """Endpoints that were disabled because they failed for long."""
    for endpoint in Endpoint.objects.filter(state=Endpoint.State.DISABLED).order_by("name")[:MOST]:
        words = _("The webhook endpoint %(name)s is disabled. %(reason)s")
        facts = {"name": endpoint.name, "reason": endpoint.state_reason}
        yield Concern("webhook", words % facts, endpoint=endpoint)


def _people(state: str, kind: str, words: Callable[[int], str], now: datetime) -> Iterator[Concern]:
    """Broadcasts that have people in a state and are not over for long, those with most first."""
    counted = tallies.with_some(state)
    recent = history.visible().filter(pk__in=counted).order_by("-pk")
    numbers = [
        pk
        for pk, finished in recent.values_list("pk", "finished_at")
        if finished is None or now - finished < RECENT
    ]
    rows = history.with_lists(sorted(numbers, key=lambda pk: -counted[pk])[:MOST])
    for pk, broadcast in sorted(rows.items(), key=lambda row: -counted[row[0]]):
        yield Concern(kind, words(counted[pk]), broadcast, count=counted[pk])


def _in_doubt_words(count: int) -> str:
    words = ngettext(
        "%s message may or may not have been sent.",
        "%s messages may or may not have been sent.",
        count,
    )
    return words % _number(count)


def _held_words(count: int) -> str:
    words = ngettext(
        "%s recipient is held until their chat is closed.",
        "%s recipients are held until their chats are closed.",
        count,
    )
    return words % _number(count)


def _quarter(moment: datetime) -> datetime:
    """The beginning of the quarter of an hour that a moment is in."""
    return moment - (moment - clock.EPOCH) % QUARTER


def _number(value: int) -> str:
    return formats.number_format(value, force_grouping=True)
