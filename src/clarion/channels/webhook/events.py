"""What a receiver's callback tells: one JSON object {"type", "timestamp", "data"}."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.wording import tidy

_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "message.delivered": "delivered",
    "message.read": "read",
    "message.failed": "failed",
}


def events_of(hook: HookRequest, secrets: Iterable[str]) -> list[Event]:
    """One JSON object {"type", "timestamp", "data"}; unknown types tell nothing.

    Raises ValueError for a body of another form, or where a known type lacks its data.
    """
    body = payloads.object_of(hook.body)
    event_type, data = body.get("type"), payloads.part(body.get("data"))
    if not isinstance(event_type, str):
        raise ValueError("The callback has no type.")
    at = payloads.moment(body.get("timestamp"), hook.received_at)
    if event_type in _STATUSES:
        message_id = _required_id(event_type, data, "id")
        reason = _reason(data, secrets) if event_type == "message.failed" else ""
        return [Receipt(_STATUSES[event_type], at, message_id=message_id, reason=reason)]
    if event_type == "message.received":
        own_id = {"id": data.get("id") or hook.headers.get("webhook-id")}
        inbound = Inbound(
            sender=_required_id(event_type, data, "from"),
            external_id=_required_id(event_type, own_id, "id"),
            text=payloads.text(data.get("text")),
            at=at,
            name=payloads.text(data.get("name"), 200),
            language=payloads.text(data.get("language"), 35),
            button=payloads.text(data.get("button"), 256),
        )
        return with_requested_state(inbound)
    if event_type == "contact.opted_out":
        return [OptOut(_required_id(event_type, data, "from", "to"), "opted_out", at)]
    return [Ignored(f"A callback of the type “{payloads.text(event_type, 40)}” is not used.")]


def _reason(data: Mapping[str, Any], secrets: Iterable[str]) -> str:
    words = tidy(payloads.text(data.get("reason")), secrets)
    return f"The receiver reported: {words}." if words else "The receiver reported a failure."


def _required_id(event_type: str, data: Mapping[str, Any], *names: str) -> str:
    value = next(filter(None, (payloads.identifier(data.get(name)) for name in names)), "")
    if not value:
        raise ValueError(f"A callback “{event_type}” needs data.{' or data.'.join(names)}.")
    return value
