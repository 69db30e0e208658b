"""Two chats turn out to be with one contact: what was said in both is one conversation."""

from typing import Any

from django.dispatch import receiver

from clarion.chats import signals
from clarion.chats.control import leave_note
from clarion.chats.models import Chat, Message
from clarion.contacts.signals import addresses_merged


@receiver(addresses_merged)
def merge_chats(kept_id: int, gone_id: int, **_: Any) -> None:
    """Move what was said to the chat that is kept. One that an agent has open stays open."""
    merged = Chat.objects.select_for_update().filter(pk=gone_id).first()
    if merged is None:
        return
    Chat.objects.get_or_create(
        address_id=kept_id,
        defaults={"last_message_at": merged.last_message_at, "state": merged.state},
    )
    kept = Chat.objects.select_for_update().get(pk=kept_id)
    if merged.state == Chat.State.OPEN and kept.agent_id is None:
        kept.state, kept.agent, kept.opened_at = merged.state, merged.agent, merged.opened_at
    kept.last_message_at = max(kept.last_message_at, merged.last_message_at)
    kept.save()
    doubled = Message.objects.filter(chat=kept).exclude(external_id=None).values("external_id")
    Message.objects.filter(chat=merged, external_id__in=doubled).delete()
    Message.objects.filter(chat=merged).update(chat=kept)
    merged.delete()
    leave_note(kept_id, f"Chat {gone_id} was merged into this one: both are with one contact.")
    if kept.state == Chat.State.OPEN:
        signals.opened.send(Chat, address_id=kept_id)
