"""An agent takes a chat over, and closes it."""

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.chats import signals
from clarion.chats.models import Chat
from clarion.kit import clock


class ChatError(ValueError):
    """The chat's state does not allow this; says why."""


def take_over(address_id: int, *, by: Agent) -> Chat:
    """Open the chat with this agent: broadcasts to this person are held from now on.

    Raises ChatError when another agent has it.
    """
    with transaction.atomic():
        Chat.objects.get_or_create(address_id=address_id)
        taken = (
            Chat.objects.filter(pk=address_id)
            .exclude(state=Chat.State.OPEN)
            .update(state=Chat.State.OPEN, agent=by, opened_at=clock.now())
        )
        chat = Chat.objects.select_related("agent").get(pk=address_id)
        if not taken:
            raise ChatError(f"This chat is open with {chat.agent or 'another agent'}.")
        audit.note("chat.take_over", f"chat {address_id}", by)
        signals.opened.send(Chat, address_id=address_id)
    return chat


def close(address_id: int, *, by: Agent | str) -> Chat:
    """Close an open chat: what was held for this person is queued.

    Raises ChatError when it is not open.
    """
    with transaction.atomic():
        open_chat = Chat.objects.filter(pk=address_id, state=Chat.State.OPEN)
        if not open_chat.update(state=Chat.State.CLOSED, agent=None):
            raise ChatError("This chat is not open.")
        audit.note("chat.close", f"chat {address_id}", by)
        signals.closed.send(Chat, address_id=address_id)
    return Chat.objects.get(pk=address_id)
