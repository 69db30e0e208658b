"""A template that its provider pauses pauses the broadcasts that send it."""

from contextlib import suppress
from typing import Any

from django.dispatch import receiver

from clarion.accounts import audit
from clarion.broadcasts.control import pause
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import ACTIVE
from clarion.broadcasts.template_fit import not_approved
from clarion.channels import signals
from clarion.channels.models import Channel


@receiver(signals.template_stopped)
def pause_broadcasts(channel: Channel, name: str, language: str, status: str, **_: Any) -> None:
    """Pause what sends this template on the channel, with the reason, before anybody's fails."""
    sending = Broadcast.objects.filter(
        state__in=ACTIVE,
        channels=channel,
        data_type=Broadcast.DataType.TEMPLATE,
        template__name=name,
        template__language=language,
    ).exclude(type=Broadcast.Type.SINGLE)
    for broadcast in sending.order_by("pk"):
        with suppress(ControlError):  # it ended or was stopped meanwhile
            pause(broadcast, by=audit.WORKER, reason=not_approved(name, status))
