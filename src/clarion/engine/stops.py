"""What a worker's findings stop: a channel waits or is paused, a broadcast is paused."""

from contextlib import suppress

from django.db import transaction

from clarion.accounts import audit
from clarion.broadcasts import channel_events
from clarion.broadcasts.control import pause
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.channels import slots
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.engine import snapshot
from clarion.kit import clock


def wait_on_channel(channel_id: int, now: int, until: int, reason: str) -> None:
    """Let nothing leave through a channel before ``until``; both are microseconds."""
    if slots.wait(channel_id, now, until, reason):
        channel_events.note_wait(channel_id, until, reason)


def pause_as_known(facts: snapshot.ChannelFacts, reason: str) -> None:
    """Pause a channel unless its settings are others by now: the answer says nothing of those."""
    if snapshot.is_current(facts):
        pause_on_channel(facts.id, reason)


def pause_on_channel(channel_id: int, reason: str) -> None:
    """Pause an active channel."""
    channel = Channel.objects.get(pk=channel_id)
    if channel.state == Channel.State.ACTIVE:
        pause_channel(channel, reason=reason, by=audit.WORKER)


def pause_broadcast(broadcast_id: int, reason: str, known_at: int) -> None:
    """Pause a broadcast, unless it was paused, resumed, stopped or deleted meanwhile.

    ``known_at``: since when the reason is known, in microseconds by the shared clock. Who resumes
    it has dealt with what was known until then.
    """
    with transaction.atomic(), suppress(ControlError):
        broadcast = Broadcast.objects.select_for_update().filter(pk=broadcast_id).first()
        if broadcast is None or _was_resumed_since(broadcast, known_at):
            return
        pause(broadcast, by=audit.WORKER, reason=reason)


def _was_resumed_since(broadcast: Broadcast, moment: int) -> bool:
    return broadcast.watched_since is not None and clock.to_us(broadcast.watched_since) > moment
