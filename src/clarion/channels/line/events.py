"""What a callback of LINE reports.

https://developers.line.biz/en/reference/messaging-api/#webhook-event-objects; its schema is
https://github.com/line/line-openapi (webhook.yml).
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut
from clarion.channels.keywords import with_requested_state
from clarion.channels.line.ids import is_user_id

_NOT_PRIVATE = Ignored("An event outside a chat with one person is not used.")
_NO_ID = Ignored("An event without an id is not used.")


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback; one without any is LINE's try of the webhook URL.

    Raises ValueError with a sentence when it is no callback of LINE at all.
    """
    body = payloads.object_of(hook.body)
    entries = body.get("events")
    if not isinstance(entries, list):
        raise ValueError("The callback is not one of LINE: it has no events.")
    return [
        event
        for entry in entries
        if isinstance(entry, dict)
        for event in _events_of_entry(entry, hook.received_at)
    ]


def _events_of_entry(entry: Mapping[str, Any], received_at: datetime) -> list[Event]:
    source, name = payloads.part(entry.get("source")), payloads.text(entry.get("type"), 40)
    person = payloads.identifier(source.get("userId"))
    at = _moment(entry.get("timestamp"), received_at)
    if source.get("type") != "user" or not is_user_id(person):
        return [_NOT_PRIVATE]
    if name == "message":
        return _message_events(payloads.part(entry.get("message")), person, at)
    if name == "postback":
        return _postback_events(entry, person, at)
    if name == "follow":
        # Who unblocks the account had opted out of it in another way before, perhaps.
        unblocked = payloads.part(entry.get("follow")).get("isUnblocked") is True
        return [OptOut(person, "reachable" if unblocked else "active", at)]
    if name == "unfollow":
        return [OptOut(person, "blocked", at)]
    return [Ignored(f"An event of the kind “{name}” is not used.")]


def _message_events(message: Mapping[str, Any], person: str, at: datetime) -> list[Event]:
    message_id = payloads.identifier(message.get("id"))
    sort = payloads.text(message.get("type"), 40)
    if not message_id:
        return [_NO_ID]
    return with_requested_state(
        Inbound(
            sender=person,
            external_id=message_id,
            text=payloads.text(message.get("text")) or _described(sort, message),
            at=at,
            payload={"media": sort} if sort not in ("", "text") else {},
        )
    )


def _postback_events(entry: Mapping[str, Any], person: str, at: datetime) -> list[Event]:
    """A pressed reply button: its value and its label, see ``requests``."""
    data = payloads.text(payloads.part(entry.get("postback")).get("data"), 1_000)
    event_id = payloads.identifier(entry.get("webhookEventId"))
    value, _, label = data.partition("\n")
    if not value or not event_id:
        return [_NO_ID]
    return with_requested_state(
        Inbound(
            sender=person,
            external_id=f"button {event_id}",
            text=label,
            at=at,
            button=value[:256],
        )
    )


def _described(sort: str, message: Mapping[str, Any]) -> str:
    if sort == "location":
        words = (payloads.text(message.get(name), 300) for name in ("title", "address"))
        return "Location: " + ", ".join(filter(None, words))
    if sort == "file":
        return f"File: {payloads.text(message.get('fileName'), 200)}"
    return ""


def _moment(value: object, received_at: datetime) -> datetime:
    """LINE's times are in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int):
        return received_at
    return payloads.moment(value // 1000, received_at)
