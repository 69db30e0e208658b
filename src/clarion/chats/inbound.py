"""People write to us: contacts, addresses and chats come into being (G4)."""

from typing import Any

from django.db import transaction

from clarion.channels.contract import Inbound
from clarion.channels.keywords import asks_for_help
from clarion.channels.models import Channel
from clarion.chats import signals
from clarion.chats.models import Chat, Message
from clarion.contacts import addresses
from clarion.kit.text import clean

LONGEST = 20_000  # characters kept of one message


def receive(channel: Channel, event: Inbound) -> Message | None:
    """Store what someone wrote, making them known if they are new.

    A closed chat is with the bot again; one that is open with an agent stays so. Sends
    ``button_pressed`` for a pressed button, and ``help_asked`` for a word that asks for help.
    Returns None when this message is already there: providers deliver callbacks more than once.
    """
    with transaction.atomic():
        address = addresses.find_or_add(
            channel,
            event.sender,
            name=event.name,
            language=event.language,
            aliases=event.aliases,
        )
        addresses.heard_from(address.pk, event.at)
        chat, _ = Chat.objects.get_or_create(
            address=address, defaults={"last_message_at": event.at}
        )
        message, is_new = Message.objects.get_or_create(
            chat=chat,
            external_id=event.external_id[:200],
            defaults={
                "inbound": True,
                "text": clean(event.text, LONGEST),
                "payload": _payload(event),
                "at": event.at,
            },
        )
        if not is_new:
            return None
        Chat.objects.filter(pk=chat.pk, last_message_at__lt=event.at).update(
            last_message_at=event.at
        )
        Chat.objects.filter(pk=chat.pk, state=Chat.State.CLOSED).update(state=Chat.State.BOT)
        if not (event.button or event.answered) and asks_for_help(event.text):
            signals.help_asked.send(Chat, address_id=address.pk, at=event.at)
        if event.button:
            signals.button_pressed.send(
                Chat, address_id=address.pk, value=event.button, at=event.at
            )
    return message


def _payload(event: Inbound) -> dict[str, Any]:
    """What came beside the text. A button without its label says at least that it is one."""
    if not event.button:
        return dict(event.payload)
    return {"media": "button", **event.payload, "button": clean(event.button, 256)}
