"""Contacts of an import that is undone: those that have a chat stay."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from clarion.chats.models import Chat
from clarion.contacts.signals import contacts_used


@receiver(contacts_used)
def contacts_with_chats(contact_ids: Sequence[int], **_: Any) -> dict[str, set[int]]:
    """Who wrote, or was written to."""
    chats = Chat.objects.filter(address__contact__in=contact_ids)
    return {"has a chat": set(chats.values_list("address__contact_id", flat=True))}
