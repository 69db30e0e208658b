"""An agent takes a chat over, and closes it; a broadcast closes many."""

from collections.abc import Sequence

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.chats import signals
from clarion.chats.models import Chat, Message
from clarion.contacts.identities import primary_id
from clarion.contacts.models import Address
from clarion.kit import clock, db
from clarion.kit.numbers import is_id


class ChatError(ValueError):
    """The chat's state does not allow this; says why."""


def find(address_id: int) -> Chat:
    """The chat of that number; one in which nothing was said yet counts as with the bot.

    The number of a chat that was merged leads to the one it was merged into.
    Raises ChatError when there is no such number.
    """
    if not (is_id(address_id) and Address.objects.filter(pk=address_id).exists()):
        raise ChatError(f"There is no chat with the number {address_id}.")
    address_id = primary_id(address_id)
    chat = Chat.objects.select_related("agent").filter(pk=address_id).first()
    return chat or Chat(address_id=address_id)


def take_over(address_id: int, *, by: Agent) -> Chat:
    """Open the chat with this agent: broadcasts to this person are held from now on.

    Taking over what one has already changes nothing. Raises ChatError when another agent has it,
    and for an unknown number.
    """
    address_id = find(address_id).pk
    with transaction.atomic():
        Chat.objects.get_or_create(address_id=address_id)
        chat = Chat.objects.select_for_update().get(pk=address_id)
        if chat.state == Chat.State.OPEN and chat.agent is not None:
            if chat.agent_id == by.pk:
                return chat
            raise ChatError(f"This chat is open with {chat.agent}. It has to be closed first.")
        chat.state, chat.agent, chat.opened_at = Chat.State.OPEN, by, clock.now()
        chat.save(update_fields=["state", "agent", "opened_at"])
        leave_note(address_id, f"{by.name} took this chat over.")
        audit.note("chat.take_over", f"chat {address_id}", by)
        signals.opened.send(Chat, address_id=address_id)
    return chat


def close(address_id: int, *, by: Agent | str) -> Chat:
    """Close an open chat: what was held for this person is queued.

    Raises ChatError when it is not open, and for an unknown number.
    """
    address_id = find(address_id).pk
    with transaction.atomic():
        open_chat = Chat.objects.filter(pk=address_id, state=Chat.State.OPEN)
        if not open_chat.update(state=Chat.State.CLOSED, agent=None):
            raise ChatError("This chat is not open.")
        leave_note(address_id, f"Closed by {by.name if isinstance(by, Agent) else by}.")
        audit.note("chat.close", f"chat {address_id}", by)
        signals.closed.send(Chat, address_ids=[address_id])
    return Chat.objects.get(pk=address_id)


def close_all(address_ids: Sequence[int], broadcast_id: int) -> int:
    """Close those of these chats that are open, for a broadcast that ends chats (G1).

    Each gets a note that says so; what other broadcasts held for these people is queued. Returns
    how many were closed.
    """
    if not address_ids:
        return 0
    with db.write():
        closed = [
            row[0]
            for row in db.fetch(
                "UPDATE chats_chat SET state = 'closed', agent_id = NULL "
                f"WHERE state = 'open' AND address_id {db.in_list()} "
                "RETURNING address_id",
                [db.json_param([key] for key in address_ids)],
            )
        ]
        if not closed:
            return 0
        db.execute(
            "INSERT INTO chats_message (chat_id, inbound, text, payload, at) "
            f"SELECT v.id, %s, %s, '{{}}', %s FROM {_ids()}",
            [
                False,
                f"Closed by broadcast {broadcast_id}.",
                clock.now_us(),
                db.json_param([key] for key in closed),
            ],
        )
        audit.note("chat.close_all", f"broadcast {broadcast_id}", audit.WORKER, chats=len(closed))
        signals.closed.send(Chat, address_ids=closed)
    return len(closed)


def _ids() -> str:
    return db.json_table([("id", "int")])


def leave_note(address_id: int, text: str) -> None:
    """Say in a chat what happened to it; nobody is sent anything. Part of its history."""
    Message.objects.create(chat_id=address_id, inbound=False, text=text)
