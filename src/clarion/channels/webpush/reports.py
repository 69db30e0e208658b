"""What a message's service worker reports back, and the proof that it got the message."""

import hmac
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.webpush.keys import encoded

_SIZE = 18  # bytes


def proof(secret: str, message_id: str, user_id: str) -> str:
    """What only the browser learns that decrypts this message; it sends it back in its reports."""
    text = f"{message_id}\n{user_id}".encode("utf-8", "replace")
    return encoded(hmac.digest(secret.encode(), text, sha256)[:_SIZE])


def is_proven(secret: str, hook: HookRequest) -> bool:
    """Whether the report comes from the browser that got the message. Constant time."""
    try:
        report = payloads.object_of(hook.body)
    except ValueError:
        return False
    message_id, user_id = _about(report)
    expected = proof(secret, message_id, user_id).encode()
    stated = payloads.text(report.get("proof"), 100).encode("utf-8", "replace")
    return bool(secret and message_id) and hmac.compare_digest(expected, stated)


def events_of(hook: HookRequest) -> list[Event]:
    """A notification that was shown, or one of its reply buttons that was pressed.

    The browser's clock is not believed: both count from when they arrive. Raises ValueError where
    it is no report.
    """
    report = payloads.object_of(hook.body)
    message_id, user_id = _about(report)
    type_ = payloads.text(report.get("type"), 40)
    if not type_ or not message_id or not user_id:
        raise ValueError("The report does not name a message, a subscription and a type.")
    if type_ == "shown":
        return [Receipt("delivered", hook.received_at, message_id=message_id)]
    value = payloads.text(report.get("button"), 256)
    if type_ == "pressed" and value:
        return with_requested_state(
            Inbound(
                sender=user_id,
                external_id=f"button {message_id} {_short(value)}",
                text=payloads.text(report.get("label"), 200) or value,
                at=hook.received_at,
                button=value,
            )
        )
    return [Ignored("A report of this type is not used.")]


def _about(report: Mapping[str, Any]) -> tuple[str, str]:
    return payloads.identifier(report.get("id")), payloads.identifier(report.get("to"))


def _short(value: str) -> str:
    return sha256(value.encode()).hexdigest()[:16]
