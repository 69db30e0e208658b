"""What a worker's findings stop: a channel waits or is paused, a broadcast is paused."""

from contextlib import suppress

from clarion.accounts import audit
from clarion.broadcasts import channel_events
from clarion.broadcasts.control import pause
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.channels import slots
from clarion.channels.manage import pause_channel
from clarion.channels.models import Channel
from clarion.engine import snapshot


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


def pause_broadcast(broadcast_id: int, reason: str) -> None:
    """Pause a broadcast, unless it was paused, stopped or deleted meanwhile."""
    broadcast = Broadcast.objects.filter(pk=broadcast_id).first()
    with suppress(ControlError):
        if broadcast is not None:
            pause(broadcast, by=audit.WORKER, reason=reason)
