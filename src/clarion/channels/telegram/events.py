"""What a Telegram update tells: https://core.telegram.org/bots/api#update."""

import json
from collections.abc import Mapping
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, Moved, OptOut
from clarion.channels.keywords import with_requested_state
from clarion.channels.telegram.contents import content_of
from clarion.channels.telegram.ids import is_chat_id

_NOT_PRIVATE = Ignored("A message outside a private chat is not used.")
_NOBODY = Ignored("A message without a chat or an id is not used.")
_LEFT = frozenset({"kicked", "left"})
_BACK = frozenset({"member", "administrator", "creator"})


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one update; channel posts and whatever else there is are ignored.

    Only private chats are conversations with a person; being thrown out of a group counts too.
    Raises ValueError with a sentence when it is not an update at all.
    """
    update = payloads.object_of(hook.body)
    if not payloads.identifier(update.get("update_id")):
        raise ValueError("The callback is not a Telegram update: it has no update_id.")
    if isinstance(update.get("message"), dict):
        return _message_events(update["message"], hook)
    if isinstance(update.get("edited_message"), dict):
        return _message_events(update["edited_message"], hook, edited=True)
    if isinstance(update.get("callback_query"), dict):
        return _button_events(update["callback_query"], hook)
    if isinstance(update.get("my_chat_member"), dict):
        return _membership_events(update["my_chat_member"], hook)
    kind = next((payloads.text(key, 40) for key in update if key != "update_id"), "empty")
    return [Ignored(f"An update of the kind “{kind}” is not used.")]


def answer_to(hook: HookRequest) -> bytes:
    """What Telegram is to do in return: nothing, but to show a pressed button as done.

    It is shown as busy until answerCallbackQuery is called, which may be the answer to the update:
    https://core.telegram.org/bots/api#making-requests-when-getting-updates.
    """
    try:
        query = payloads.part(payloads.object_of(hook.body).get("callback_query"))
    except ValueError:
        return b""
    query_id = payloads.identifier(query.get("id"))
    if not query_id:
        return b""
    return json.dumps({"method": "answerCallbackQuery", "callback_query_id": query_id}).encode()


def _message_events(
    message: Mapping[str, Any], hook: HookRequest, *, edited: bool = False
) -> list[Event]:
    """What a person wrote. An edited message is another one: the first is in the chat already."""
    chat, person = payloads.part(message.get("chat")), payloads.part(message.get("from"))
    sender = payloads.identifier(chat.get("id"))
    message_id = payloads.identifier(message.get("message_id"))
    if moved := _migrated(sender, message):
        return [moved]
    if chat.get("type") != "private":
        return [_NOT_PRIVATE]
    if not is_chat_id(sender) or not message_id:
        return [_NOBODY]
    text, sort = content_of(message)
    written_at = message.get("date")
    if edited:
        sort, written_at = "edited message", message.get("edit_date")
        message_id = f"edit {message_id} {payloads.identifier(written_at)}"
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=message_id,
            text=text,
            at=payloads.moment(written_at, hook.received_at),
            name=_name(person),
            language=payloads.text(person.get("language_code"), 35),
            payload={"media": sort} if sort else {},
        )
    )


def _migrated(chat: str, message: Mapping[str, Any]) -> Moved | None:
    """A group became a supergroup; said in both: https://core.telegram.org/bots/api#message."""
    new, old = payloads.identifier(message.get("migrate_to_chat_id")), chat
    if before := payloads.identifier(message.get("migrate_from_chat_id")):
        new, old = chat, before
    return Moved(old, new, keeps_old=True) if is_chat_id(new) and is_chat_id(old) else None


def _button_events(query: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    """A reply button under one of our messages: https://core.telegram.org/bots/api#callbackquery.

    Under old messages Telegram leaves the message out but for its chat, so that the label is
    unknown. The query itself has no time.
    """
    message, person = payloads.part(query.get("message")), payloads.part(query.get("from"))
    chat = payloads.part(message.get("chat"))
    sender, value = payloads.identifier(chat.get("id")), payloads.text(query.get("data"), 256)
    query_id = payloads.identifier(query.get("id"))
    if chat.get("type") != "private" or not is_chat_id(sender):
        return [_NOT_PRIVATE]
    if not value or not 0 < len(query_id) <= 100:
        return [Ignored("A pressed button without a value is not used.")]
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=f"button {query_id}",
            text=_label(message, value),
            at=hook.received_at,
            name=_name(person),
            language=payloads.text(person.get("language_code"), 35),
            button=value,
        )
    )


def _label(message: Mapping[str, Any], value: str) -> str:
    rows = payloads.part(message.get("reply_markup")).get("inline_keyboard")
    for row in rows if isinstance(rows, list) else ():
        for key in row if isinstance(row, list) else ():
            if isinstance(key, dict) and key.get("callback_data") == value:
                return payloads.text(key.get("text"), 200)
    return ""


def _name(person: Mapping[str, Any]) -> str:
    names = (payloads.text(person.get(part), 200) for part in ("first_name", "last_name"))
    return payloads.text(" ".join(filter(None, names)), 200)


def _membership_events(change: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    chat = payloads.identifier(payloads.part(change.get("chat")).get("id"))
    status = payloads.part(change.get("new_chat_member")).get("status")
    at = payloads.moment(change.get("date"), hook.received_at)
    if chat and status in _LEFT:
        return [OptOut(chat, "blocked", at)]
    if chat and status in _BACK:
        return [OptOut(chat, "reachable", at)]
    return [Ignored("A change of a chat's members is not used.")]
