"""What broadcasts on their way do when something happens to one person."""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import ACTIVE
from clarion.chats import signals as chats
from clarion.contacts import signals as contacts
from clarion.records import hold, windup

STOPPED = {
    "opted_out": "They opted out.",
    "blocked": "They blocked us.",
    "deactivated": "Their account is deactivated.",
    "unreachable": "They can't be reached at this address.",
}


def _on_their_way(**filters: Any) -> list[int]:
    running = Broadcast.objects.filter(state__in=ACTIVE, **filters)
    return list(running.values_list("pk", flat=True))


@receiver(chats.opened)
def hold_for_open_chat(address_id: int, **_: Any) -> None:
    """An agent took the chat over: what is queued for this person waits, unless chats are ended."""
    hold.hold(address_id, _on_their_way(end_open_chats=False))


@receiver(chats.closed)
def release_after_chat(address_id: int, **_: Any) -> None:
    """The chat was closed: what was held leaves now."""
    hold.release(address_id)


@receiver(contacts.address_stopped)
def skip_stopped_address(address_id: int, state: str, at: datetime, **_: Any) -> None:
    """They opted out or can't be reached: what is queued for them is skipped at once (M2)."""
    windup.skip_address(address_id, _on_their_way(), (state, STOPPED[state]))
