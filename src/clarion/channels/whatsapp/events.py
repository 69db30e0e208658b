"""What a callback of WhatsApp reports: statuses, messages of people, their preferences.

https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
and …/user_preferences. One callback carries up to a thousand updates, of several numbers of one
app; those of other numbers are left to their own channels.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.whatsapp.errors import OPTED_OUT, code_of, failure

_OBJECT = "whatsapp_business_account"
_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "failed": "failed",
}
# What a message may be instead of words; shown to agents as what it is.
_MEDIA = frozenset(
    {"image", "video", "audio", "voice", "document", "sticker", "location", "contacts", "order"}
)
_PREFERENCES: dict[str, Literal["opted_out", "active"]] = {"stop": "opted_out", "resume": "active"}
_MILLISECONDS = 10**12  # Meta was seen to send these in the place of seconds


def events_of(hook: HookRequest, number: str, secrets: Iterable[str]) -> list[Event]:
    """The events of one callback that are about the phone number with this id.

    Raises ValueError with a sentence when it is no callback of WhatsApp at all.
    """
    body = payloads.object_of(hook.body)
    if body.get("object") != _OBJECT or not isinstance(body.get("entry"), list):
        raise ValueError("The callback is not one of a WhatsApp Business account.")
    events: list[Event] = []
    for value in _values(body):
        metadata = payloads.part(value.get("metadata"))
        if payloads.identifier(metadata.get("phone_number_id")) not in ("", number):
            continue
        for status in _objects(value.get("statuses")):
            events += _receipt_events(status, hook.received_at, secrets)
        names = _names(value)
        for message in _objects(value.get("messages")):
            events += _message_events(message, names, hook.received_at)
        for preference in _objects(value.get("user_preferences")):
            events += _preference_events(preference, hook.received_at)
    return events


def _values(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for entry in _objects(body.get("entry")):
        for change in _objects(entry.get("changes")):
            yield payloads.part(change.get("value"))


def _objects(value: object) -> list[Mapping[str, Any]]:
    """The JSON objects in a list; nothing for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _names(value: Mapping[str, Any]) -> dict[str, str]:
    """The names of the people of a change, by either of their ids."""
    return {
        sender: payloads.text(payloads.part(contact.get("profile")).get("name"), 200)
        for contact in _objects(value.get("contacts"))
        for sender in (payloads.identifier(contact.get(key)) for key in ("wa_id", "user_id"))
        if sender
    }


def _receipt_events(
    status: Mapping[str, Any], received_at: datetime, secrets: Iterable[str]
) -> Iterator[Event]:
    """The receipt of one message. “sent” is no news: it repeats the answer to our request."""
    word = status.get("status")
    receipt_status = _STATUSES.get(word) if isinstance(word, str) else None
    external_id = payloads.identifier(status.get("id"))
    message_id = payloads.identifier(status.get("biz_opaque_callback_data"))
    if receipt_status is None or not (external_id or message_id):
        return
    at = _moment(status.get("timestamp"), received_at)
    code, reason = "", ""
    if receipt_status == "failed":
        error = next(iter(_objects(status.get("errors"))), {})
        code, reason = failure(error, secrets)
        person = _person_id(status, "recipient_id", "recipient_user_id")
        if person and code_of(error) == OPTED_OUT:
            yield OptOut(person, "opted_out", at)
    yield Receipt(receipt_status, at, external_id or None, message_id or None, reason, code)


def _message_events(
    message: Mapping[str, Any], names: Mapping[str, str], received_at: datetime
) -> list[Event]:
    """What a person wrote. Messages in groups, reactions and unknown types are ignored."""
    sender = _person_id(message, "from", "from_user_id")
    message_id = payloads.identifier(message.get("id"))
    content = _content(message)
    if not sender or not message_id or content is None or message.get("group_id"):
        return []
    text, button, media = content
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=message_id,
            text=text,
            at=_moment(message.get("timestamp"), received_at),
            name=names.get(sender, ""),
            button=button,
            payload={"media": media} if media else {},
        )
    )


def _content(message: Mapping[str, Any]) -> tuple[str, str, str] | None:
    """(text, value of the pressed button, sort of media) of a message, None for unknown types."""
    kind = message.get("type")
    if not isinstance(kind, str):
        return None
    part = payloads.part(message.get(kind))
    if kind == "text":
        return payloads.text(part.get("body")), "", ""
    if kind == "button":  # a quick reply of a template
        return payloads.text(part.get("text")), payloads.text(part.get("payload")), ""
    if kind == "interactive":
        for name in ("button_reply", "list_reply"):
            if reply := payloads.part(part.get(name)):
                return payloads.text(reply.get("title")), payloads.text(reply.get("id")), ""
        return None
    return (payloads.text(part.get("caption")), "", kind) if kind in _MEDIA else None


def _preference_events(preference: Mapping[str, Any], received_at: datetime) -> list[Event]:
    """What a person chose in WhatsApp itself: to stop, or to have again, this one's marketing."""
    value = preference.get("value")
    state = _PREFERENCES.get(value) if isinstance(value, str) else None
    person = _person_id(preference, "wa_id", "user_id")
    if state is None or not person or preference.get("category") != "marketing_messages":
        return []
    return [OptOut(person, state, _moment(preference.get("timestamp"), received_at))]


def _person_id(part: Mapping[str, Any], number: str, user_id: str) -> str:
    """A person's phone number or, where they keep it to themselves, their business-scoped id."""
    return payloads.identifier(part.get(number)) or payloads.identifier(part.get(user_id))


def _moment(value: object, received_at: datetime) -> datetime:
    """When it happened: Unix seconds, which Meta writes as text."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20:
        value = int(value)
        value = value // 1000 if value >= _MILLISECONDS else value
    return payloads.moment(value, received_at)
