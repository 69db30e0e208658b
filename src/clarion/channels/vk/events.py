"""What the Callback API posts, and what it is answered.

https://dev.vk.com/api/callback/getting-started, https://dev.vk.com/api/community-events/json-schema.
"""

import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut
from clarion.channels.keywords import with_requested_state
from clarion.channels.vk.ids import CHATS, is_peer

_CONFIRMATION = "confirmation"
_LARGEST_QUESTION = 1_000  # bytes: {"type": "confirmation", "group_id": 1}
_NOT_DIRECT = Ignored("A message outside a conversation with one person is not used.")
_NOBODY = Ignored("An event without a person is not used.")


def is_proven(secret: str, group: str, hook: HookRequest) -> bool:
    """Whether it has the secret key of our community. Constant time.

    The question for the confirmation string is answered without: whether VK sends the key with it
    is not verified, and the string proves nothing to anybody but VK. So anybody can ask it: it must
    be short, and nothing is kept of it.
    """
    try:
        event = payloads.object_of(hook.body)
    except ValueError:
        return False
    if payloads.identifier(event.get("group_id")) != group:
        return False
    stated = payloads.text(event.get("secret"), 100)
    if event.get("type") == _CONFIRMATION and not stated:
        return bool(secret) and len(hook.body) <= _LARGEST_QUESTION
    return bool(secret) and hmac.compare_digest(secret.encode(), stated.encode("utf-8", "replace"))


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence where it is none."""
    event = payloads.object_of(hook.body)
    type_ = payloads.text(event.get("type"), 40)
    if not type_:
        raise ValueError("The callback is not from VK: it has no type.")
    if type_ == _CONFIRMATION:
        return []  # what is ignored is kept for a week
    about = payloads.part(event.get("object"))
    if type_ == "message_new":
        # Since version 5.103 the message is a part of the object, beside client_info.
        return _of_message(payloads.part(about.get("message")) or about, hook.received_at)
    if type_ in ("message_allow", "message_deny"):
        person = payloads.identifier(about.get("user_id"))
        if not is_peer(person):
            return [_NOBODY]
        is_allowed = type_ == "message_allow"
        return [OptOut(person, "reachable" if is_allowed else "blocked", hook.received_at)]
    return [Ignored(f"An event of the type “{type_}” is not used.")]


def answer_to(hook: HookRequest, confirmation: str) -> bytes:
    """“Your server should return the "ok" string”, or once the confirmation string."""
    try:
        type_ = payloads.object_of(hook.body).get("type")
    except ValueError:
        return b""
    return confirmation.encode() if type_ == _CONFIRMATION else b"ok"


def _of_message(message: Mapping[str, Any], received_at: datetime) -> list[Event]:
    sender = payloads.identifier(message.get("from_id"))
    peer = payloads.identifier(message.get("peer_id"))
    number = payloads.identifier(message.get("conversation_message_id")) or payloads.identifier(
        message.get("id")
    )
    if not is_peer(sender) or int(sender) >= CHATS or (peer and peer != sender):
        return [_NOT_DIRECT]
    if number in ("", "0") or len(number) > 40:
        return [_NOBODY]
    attachments = message.get("attachments")
    first = payloads.part(attachments[0]) if isinstance(attachments, list) and attachments else {}
    sort = payloads.text(first.get("type"), 40)
    text = payloads.text(message.get("text")) or (f"[{sort}]" if sort else "")
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=f"message {number}",
            text=text,
            at=payloads.moment(message.get("date"), received_at),
            button=_value(message.get("payload")),
            payload={"media": sort} if sort else {},
        )
    )


def _value(payload: object) -> str:
    """What a reply button of ours sends back; those of others have another form."""
    if not isinstance(payload, str):
        return ""
    try:
        return payloads.text(
            payloads.object_of(payload.encode("utf-8", "replace")).get("button"), 256
        )
    except ValueError:
        return ""
