"""People write to us: contacts, addresses and chats come into being (G4)."""

from django.db import transaction

from clarion.channels.contract import Inbound
from clarion.channels.models import Channel
from clarion.chats.models import Chat, Message
from clarion.contacts import addresses
from clarion.contacts.models import Address, Contact
from clarion.kit.text import clean

LONGEST = 20_000  # characters kept of one message


def receive(channel: Channel, event: Inbound) -> Message | None:
    """Store what someone wrote, making them known if they are new.

    Returns None when this message is already there: providers deliver callbacks more than once.
    """
    with transaction.atomic():
        address = _address(channel, event)
        addresses.heard_from(address.pk, event.at)
        chat, _ = Chat.objects.get_or_create(address=address)
        message, is_new = Message.objects.get_or_create(
            chat=chat,
            external_id=event.external_id[:200],
            defaults={
                "inbound": True,
                "text": clean(event.text, LONGEST),
                "payload": dict(event.payload),
                "at": event.at,
            },
        )
        if not is_new:
            return None
        if chat.last_message_at is None or chat.last_message_at < event.at:
            chat.last_message_at = event.at
            chat.save(update_fields=["last_message_at"])
    return message


def _address(channel: Channel, event: Inbound) -> Address:
    value = clean(event.sender, 320)
    found = Address.objects.filter(channel=channel, value=value).first()
    if found is not None:
        return found
    contact = Contact.objects.create(
        name=clean(event.name, 200), language=clean(event.language, 35)
    )
    address, is_new = Address.objects.get_or_create(
        channel=channel, value=value, defaults={"contact": contact}
    )
    if not is_new:  # somebody was quicker
        contact.delete()
    return address
