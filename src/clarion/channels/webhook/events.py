"""What a receiver's callback tells: one JSON object {"type", "timestamp", "data"}."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_wish
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
    kind, data = body.get("type"), payloads.part(body.get("data"))
    if not isinstance(kind, str):
        raise ValueError("The callback has no type.")
    at = payloads.moment(body.get("timestamp"), hook.received_at)
    if kind in _STATUSES:
        message_id = _needed(kind, data, "id")
        reason = _reason(data, secrets) if kind == "message.failed" else ""
        return [Receipt(_STATUSES[kind], at, message_id=message_id, reason=reason)]
    if kind == "message.received":
        own_id = {"id": data.get("id") or hook.headers.get("webhook-id")}
        inbound = Inbound(
            sender=_needed(kind, data, "from"),
            external_id=_needed(kind, own_id, "id"),
            text=payloads.text(data.get("text")),
            at=at,
            name=payloads.text(data.get("name"), 200),
            language=payloads.text(data.get("language"), 35),
            button=payloads.text(data.get("button"), 256),
        )
        return with_wish(inbound)
    if kind == "contact.opted_out":
        return [OptOut(_needed(kind, data, "from", "to"), "opted_out", at)]
    return []


def _reason(data: Mapping[str, Any], secrets: Iterable[str]) -> str:
    words = tidy(payloads.text(data.get("reason")), secrets)
    return f"The receiver reported: {words}." if words else "The receiver reported a failure."


def _needed(kind: str, data: Mapping[str, Any], *names: str) -> str:
    found = next(filter(None, (payloads.identifier(data.get(name)) for name in names)), "")
    if not found:
        raise ValueError(f"A callback “{kind}” needs data.{' or data.'.join(names)}.")
    return found
