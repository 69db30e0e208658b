"""What a channel is shown with: its state, or the trouble that it has at this moment."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import TextChoices
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from clarion.channels.day_limits import people_a_day
from clarion.channels.models import Channel
from clarion.kit import clock

MOST_GRACE = timedelta(seconds=60)  # a wait that is over lasts until the next attempt is answered


class ChannelCondition(TextChoices):
    """The worst comes first: a paused channel is shown as paused, whatever its last check said."""

    PAUSED = "paused", gettext_lazy("Paused")
    WAITING = "waiting", gettext_lazy("Waiting")
    FAILING = "check_failed", gettext_lazy("Check failed")
    UNCHECKED = "unchecked", gettext_lazy("Not checked")
    ACTIVE = "active", gettext_lazy("Active")


BLOCKED = frozenset({ChannelCondition.PAUSED, ChannelCondition.WAITING})  # nothing is sent


@dataclass(frozen=True, slots=True)
class Condition:
    """The condition of a channel; ``reason`` and ``advice`` are sentences, empty where active."""

    state: ChannelCondition
    reason: str = ""
    since: datetime | None = None
    until: datetime | None = None  # the next attempt to send
    advice: str = ""

    @property
    def is_blocked(self) -> bool:
        """Whether nothing is sent through the channel at this moment."""
        return self.state in BLOCKED

    @property
    def is_long(self) -> bool:
        """Whether it blocks the channel for more than a moment, so that people should know."""
        if self.state != ChannelCondition.WAITING:
            return self.is_blocked
        now = clock.now()
        began = self.since or now
        return now - began > MOST_GRACE or bool(self.until and self.until - now > MOST_GRACE)


def condition(channel: Channel) -> Condition:
    """The condition of a channel at this moment."""
    c = ChannelCondition
    if channel.state == Channel.State.PAUSED:
        advice = _("Messages stay queued until the channel is resumed.")
        return Condition(c.PAUSED, channel.paused_reason, channel.paused_at, None, advice)
    if _waits(channel):
        advice = _("Messages stay queued. Sending continues by itself.")
        since, until = channel.waits_since, channel.waits_until
        return Condition(c.WAITING, channel.waits_reason, since, until, advice)
    if channel.people_full_until is not None and channel.people_full_until > clock.now():
        fill = {"people": people_a_day(channel)}
        reason = _("Its limit of %(people)s contacts in 24 hours is used up.") % fill
        advice = _("Templates stay queued and are sent as soon as the limit allows more.")
        return Condition(c.WAITING, reason, None, channel.people_full_until, advice)
    if channel.checked_at is None:
        advice = _("Check the channel before you send.")
        reason = _("Its settings are new or have changed.")
        return Condition(c.UNCHECKED, reason, None, None, advice)
    if channel.check_failed:
        advice = _("Correct its settings and check it again.")
        return Condition(c.FAILING, channel.check_result, channel.checked_at, None, advice)
    return Condition(c.ACTIVE)


def _waits(channel: Channel) -> bool:
    """Whether it waits, or the attempt after a wait has not been answered yet."""
    since, until = channel.waits_since, channel.waits_until
    if until is None:
        return False
    grace = min(until - since, MOST_GRACE) if since else MOST_GRACE
    return bool(clock.now() < until + grace)


def conditions(channels: Iterable[Channel]) -> list[tuple[Channel, Condition]]:
    """The channels that have some trouble, each with its condition."""
    pairs = [(channel, condition(channel)) for channel in channels]
    return [(channel, state) for channel, state in pairs if state.state != ChannelCondition.ACTIVE]


def words(channel: Channel, state: Condition) -> str:
    """A condition as one line for people, without its moments."""
    opening = {
        ChannelCondition.PAUSED: _("Channel %s is paused."),
        ChannelCondition.WAITING: _("Channel %s is waiting."),
        ChannelCondition.FAILING: _("The last check of channel %s failed."),
        ChannelCondition.UNCHECKED: _("Channel %s is not checked."),
        ChannelCondition.ACTIVE: _("Channel %s is active."),
    }[state.state]
    reason = "" if state.state == ChannelCondition.UNCHECKED else state.reason
    return " ".join(filter(None, (opening % channel.name, reason, state.advice)))
