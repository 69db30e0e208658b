"""What a callback of Viber reports: https://creators.viber.com/docs/bots-api/events."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.replies import json_object
from clarion.channels.viber.ids import is_user_id
from clarion.channels.viber.outcomes import external_id
from clarion.channels.wording import tidy

_RECEIPTS: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "seen": "read",
    "failed": "failed",
}
EVENTS = (*_RECEIPTS, "subscribed", "unsubscribed", "conversation_started")  # and messages
_NOBODY = Ignored("An event without a subscriber or an id is not used.")
_FAILED = "Viber reported that the message failed"


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence when it is none of Viber's."""
    body = payloads.object_of(hook.body)
    name = body.get("event")
    if not isinstance(name, str):
        raise ValueError("The callback is not one of Viber: it has no event.")
    at = _moment(body.get("timestamp"), hook.received_at)
    token = payloads.identifier(body.get("message_token"))
    if name == "message":
        return _message_events(body, token, at)
    if name in _RECEIPTS:
        person = payloads.identifier(body.get("user_id"))
        if not token or not is_user_id(person):
            return [_NOBODY]
        words = tidy(payloads.text(body.get("desc"), 400)) if name == "failed" else ""
        reason = f"{_FAILED}: {words}." if words else f"{_FAILED}."
        status = _RECEIPTS[name]
        return [
            Receipt(
                status, at, external_id(token, person), reason=reason if name == "failed" else ""
            )
        ]
    if name in ("subscribed", "unsubscribed"):
        user = payloads.part(body.get("user"))
        person = payloads.identifier(user.get("id") or body.get("user_id"))
        if not is_user_id(person):
            return [_NOBODY]
        return [OptOut(person, "active" if name == "subscribed" else "opted_out", at)]
    if name == "conversation_started":
        return [Ignored("A person opened the chat with the bot. That is not a subscription.")]
    return [Ignored(f"An event of the kind “{payloads.text(name, 40)}” is not used.")]


def _message_events(body: Mapping[str, Any], token: str, at: datetime) -> list[Event]:
    sender, message = payloads.part(body.get("sender")), payloads.part(body.get("message"))
    person = payloads.identifier(sender.get("id"))
    if not token or not is_user_id(person):
        return [_NOBODY]
    text, sort = payloads.text(message.get("text")), payloads.text(message.get("type"), 40)
    return with_requested_state(
        Inbound(
            sender=person,
            external_id=token,
            text=text or _described(sort, message),
            at=at,
            name=payloads.text(sender.get("name"), 200),
            language=payloads.text(sender.get("language"), 35),
            button=_button(text, message),
            payload={"media": sort} if sort not in ("", "text") else {},
        )
    )


def _button(text: str, message: Mapping[str, Any]) -> str:
    """The value of the reply button whose label came back as the text, empty where none did."""
    tracked = payloads.text(message.get("tracking_data"), 4_000)
    values = payloads.part(json_object(tracked.encode()).get("buttons"))
    return payloads.text(values.get(text), 256) if text else ""


def _described(sort: str, message: Mapping[str, Any]) -> str:
    location, contact = (
        payloads.part(message.get("location")),
        payloads.part(message.get("contact")),
    )
    if sort == "location" and location:
        coordinates = (location.get("lat"), location.get("lon"))
        if all(isinstance(each, int | float) and abs(each) <= 360 for each in coordinates):
            return f"Location: {coordinates[0]}, {coordinates[1]}"
    if sort == "contact" and contact:
        words = (payloads.text(contact.get(name), 100) for name in ("name", "phone_number"))
        return "Contact: " + ", ".join(filter(None, words))
    return ""


def _moment(value: object, received_at: datetime) -> datetime:
    """Viber's times are in milliseconds."""
    if isinstance(value, bool) or not isinstance(value, int):
        return received_at
    return payloads.moment(value // 1000, received_at)
