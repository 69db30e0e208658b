"""What happens to a channel is an event of every broadcast that is being sent through it."""

from typing import Any

from django.dispatch import receiver

from clarion.accounts.models import Agent
from clarion.broadcasts import events
from clarion.channels import signals
from clarion.channels.models import Channel
from clarion.kit import clock


@receiver(signals.paused)
def note_pause(channel: Channel, reason: str, by: Agent | str, **_: Any) -> None:
    """A channel was paused: nothing leaves through it."""
    events.observe_on_channel(channel.pk, "channel_paused", by, channel=channel.name, reason=reason)


@receiver(signals.resumed)
def note_resume(channel: Channel, by: Agent | str, **_: Any) -> None:
    """A channel sends again."""
    events.observe_on_channel(channel.pk, "channel_resumed", by, channel=channel.name)


def note_wait(channel_id: int, until: int, reason: str) -> None:
    """A channel has begun to wait, ``until`` a moment in microseconds."""
    name = Channel.objects.values_list("name", flat=True).get(pk=channel_id)
    moment = clock.from_us(until).isoformat()
    events.observe_on_channel(
        channel_id, "channel_waits", channel=name, until=moment, reason=reason
    )
