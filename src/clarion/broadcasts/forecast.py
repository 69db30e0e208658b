"""How long sending a broadcast takes about, and when it is finished, told beforehand."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.utils import formats
from django.utils.translation import gettext as _

from clarion.broadcasts import recurrence
from clarion.broadcasts.errors import RecurrenceError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.versions import version_of
from clarion.channels.abilities import SpacesMessages
from clarion.channels.day_limits import begun, people_a_day
from clarion.channels.models import Channel
from clarion.channels.registry import adapter, recipients_per_request
from clarion.kit import clock

DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class DayLimit:
    """A provider's limit of people a day, which stretches a broadcast over several days."""

    channel: Channel
    people: int  # in 24 hours
    days: int
    begun: int = 0  # of them are used up within the last 24 hours

    @property
    def sentence(self) -> str:
        """For people."""
        people, begun = (
            formats.number_format(number, use_l10n=True, force_grouping=True)
            for number in (self.people, self.begun)
        )
        fill = {"people": people, "channel": self.channel.name, "days": self.days, "begun": begun}
        sentence = _(
            "At most %(people)s contacts a day on %(channel)s: this broadcast takes %(days)s days."
        )
        if self.begun:
            sentence = _(
                "At most %(people)s contacts a day on %(channel)s, and %(begun)s of today's are "
                "used up: this broadcast takes %(days)s days."
            )
        return sentence % fill


@dataclass(frozen=True, slots=True)
class Forecast:
    """As far as it can be told: what is not known is None."""

    starts_at: datetime | None  # None: whenever something happens, or it is called
    seconds: float | None  # of sending; None: no send rate limits it
    slowest: Channel | None  # the channel that takes longest; None: the broadcast's own rate
    day_limit: "DayLimit | None" = None  # what makes it take more than a day

    @property
    def minutes(self) -> int | None:
        """How long sending takes, in whole minutes; 0: less than one."""
        if self.seconds is None:
            return None
        return round(self.seconds / 60) if self.seconds >= 60 else 0

    @property
    def finishes_at(self) -> datetime | None:
        """When about everything is sent."""
        if self.starts_at is None or not self.seconds:
            return None
        return self.starts_at + timedelta(seconds=self.seconds)


def forecast(
    broadcast: Broadcast, channels: Sequence[Channel], recipients: Mapping[int, int]
) -> Forecast:
    """The forecast of a draft, or of a broadcast that was just launched.

    ``channels`` are those that it is sent on, ``recipients`` is channel id -> number of people.
    """
    messages = _messages_each(broadcast)
    counts = {channel: recipients.get(channel.pk, 0) * messages for channel in channels}
    seconds, slowest = _needed(broadcast.rate, counts, together=_is_same_for_all(broadcast))
    gaps = (messages - 1) * max(map(_pair_seconds, channels), default=0.0)
    if gaps > (seconds or 0):
        seconds, slowest = gaps, max(channels, key=_pair_seconds)
    limit = _day_limit(broadcast, channels, recipients)
    if limit is not None:
        stretched = (limit.days - 1) * DAY
        if stretched > (seconds or 0):
            seconds, slowest = stretched, limit.channel
    return Forecast(_starts_at(broadcast), seconds, slowest, limit)


def _day_limit(
    broadcast: Broadcast, channels: Sequence[Channel], recipients: Mapping[int, int]
) -> DayLimit | None:
    """The limit that makes it take longest. What needs no approval answers people who wrote, and
    counts for no such limit."""
    if broadcast.data_type != Broadcast.DataType.TEMPLATE:
        return None
    is_soon = broadcast.timing == Broadcast.Timing.NOW
    limits = []
    for channel in channels:
        if (most := people_a_day(channel)) is not None:
            used = min(most, begun(channel)) if is_soon else 0
            days = -(-(recipients.get(channel.pk, 0) + used) // most)
            limits.append(DayLimit(channel, most, days, used))
    longest = max(limits, key=lambda limit: limit.days, default=None)
    return longest if longest is not None and longest.days > 1 else None


def _pair_seconds(channel: Channel) -> float:
    """The wait between two messages of a story to the same person."""
    try:
        kind = adapter(channel)
    except ValueError:  # the channel's page says what is wrong with its settings
        return 0.0
    return kind.pair_seconds if isinstance(kind, SpacesMessages) else 0.0


def _messages_each(broadcast: Broadcast) -> int:
    """How many messages each person gets at least: what a webhook answers nobody knows yet."""
    version = version_of(broadcast)
    if version is None:
        return 1
    kinds = [block["kind"] for block in version.blocks]
    return max(1, len(kinds) - kinds.count("webhook"))


def _is_same_for_all(broadcast: Broadcast) -> bool:
    """Whether everybody gets the same message: its texts have no variables and no tracked links."""
    version = version_of(broadcast)
    content = json.dumps([broadcast.text, broadcast.template, version.blocks if version else []])
    return not broadcast.track_clicks and "{{" not in content and "{%" not in content


def _needed(
    rate: float | None, counts: Mapping[Channel, int], *, together: bool
) -> tuple[float | None, Channel | None]:
    """Seconds, and the channel that needs them. A channel without a rate takes any number.

    ``together``: one request can be for several recipients, where the channel's kind can.
    """
    longest, slowest = 0.0, None
    for channel, count in counts.items():
        each = recipients_per_request(channel.kind) if together else 1
        if channel.rate and count / each / channel.rate > longest:
            longest, slowest = count / each / channel.rate, channel
    total = sum(counts.values())
    if rate:
        own = total / rate
        return (own, None) if own >= longest else (longest, slowest)
    unlimited = any(count and not channel.rate for channel, count in counts.items())
    return (None, None) if unlimited or not total else (longest, slowest)


def _starts_at(broadcast: Broadcast) -> datetime | None:
    at: datetime | None = None
    match broadcast.timing:
        case Broadcast.Timing.NOW:
            at = clock.now() + timedelta(seconds=settings.CLARION.undo_seconds)
        case Broadcast.Timing.SCHEDULED:
            at = broadcast.scheduled_at
        case Broadcast.Timing.PERIODIC:
            at = broadcast.next_run_at or _first_run(broadcast)
    return at


def _first_run(broadcast: Broadcast) -> datetime | None:
    try:
        rule = recurrence.parse(broadcast.recurrence)
        return recurrence.next_run(rule, broadcast.zone, clock.now())
    except RecurrenceError:  # problems.check says what is wrong with it
        return None
