"""What a callback of Mailgun reports.

Payloads: https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/webhook-payloads. The
reasons of a failure are those that its examples and users show; it has no list of them.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from clarion.channels import payloads
from clarion.channels.contract import (
    AddressReport,
    Event,
    HookRequest,
    Ignored,
    OptOut,
    Receipt,
)
from clarion.channels.mailing.ids import reported_id
from clarion.channels.wording import tidy

OUR_ID: Final = "clarion-id"  # of the message, a variable that every callback repeats
_NOBODY: Final = Ignored("A callback without an e-mail address is not used.")
_NO_MESSAGE: Final = Ignored("A callback without a message is not used.")
_LATER: Final = Ignored("A delay is not used: Mailgun tries again.")
# A 5xx that says something about the sender, this message or this moment, not about the address:
# sender, full mailbox, system and size, protocol, content, policy (RFC 3463, RFC 5248).
_NOT_HARD: Final = re.compile(r"\b5\.(?:1\.[78]|2\.[2-9]|[3-6]\.\d|7\.\d{1,3})\b")


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence when it is none."""
    data = payloads.object_of(hook.body).get("event-data")
    if not isinstance(data, dict) or not isinstance(data.get("event"), str):
        raise ValueError("The callback is not one of Mailgun: it has no event.")
    at = _moment(data.get("timestamp"), hook)
    reader = _READERS.get(data["event"])
    if reader is None:
        return [Ignored(f"An event of the kind “{payloads.text(data['event'], 40)}” is not used.")]
    return reader(data, at)


def _delivered(data: Mapping[str, Any], at: datetime) -> list[Event]:
    ids = _ids(data)
    return [Receipt("delivered", at, *ids)] if any(ids) else [_NO_MESSAGE]


def _rejected(data: Mapping[str, Any], at: datetime) -> list[Event]:
    words = tidy(payloads.text(payloads.part(data.get("reject")).get("reason"), 500), ())
    sentence = f"Mailgun rejected the message{': ' + words if words else ''}."
    ids = _ids(data)
    return [Receipt("failed", at, *ids, sentence, "rejected")] if any(ids) else [_NO_MESSAGE]


def _failed(data: Mapping[str, Any], at: datetime) -> list[Event]:
    if data.get("severity") == "temporary":
        return [_LATER]
    reason = payloads.text(data.get("reason"), 40)
    status = payloads.part(data.get("delivery-status"))
    statement = payloads.text(status.get("message"), 1_000) or payloads.text(
        status.get("description"), 1_000
    )
    words = tidy(statement, ())
    sentence = f"The message bounced ({reason or 'failed'}){': ' + words if words else ''}."
    address = reported_id(data.get("recipient"))
    is_hard = reason == "suppress-bounce" or (
        reason == "bounce" and not _NOT_HARD.search(statement)
    )
    never = is_hard or reason in ("suppress-complaint", "suppress-unsubscribe")
    external_id, message_id = _ids(data)
    events: list[Event] = []
    if external_id or message_id:
        code = payloads.identifier(status.get("code"))
        events.append(
            Receipt("failed", at, external_id, message_id, sentence, code[:60], unreachable=never)
        )
    about = message_id or ""
    if is_hard and address:
        events.append(AddressReport(address, "hard_bounce", at, sentence[:300], about))
    elif reason == "suppress-complaint" and address:
        events.append(AddressReport(address, "complaint", at, "On Mailgun's list", about))
    elif reason == "suppress-unsubscribe" and address:
        events.append(OptOut(address, "opted_out", at))
    return events or [_NO_MESSAGE]


def _complained(data: Mapping[str, Any], at: datetime) -> list[Event]:
    address = reported_id(data.get("recipient"))
    if not address:
        return [_NOBODY]
    return [AddressReport(address, "complaint", at, "complained", _ids(data)[1] or "")]


def _unsubscribed(data: Mapping[str, Any], at: datetime) -> list[Event]:
    address = reported_id(data.get("recipient"))
    return [OptOut(address, "opted_out", at)] if address else [_NOBODY]


_READERS: Final = {
    "delivered": _delivered,
    "failed": _failed,
    "rejected": _rejected,
    "complained": _complained,
    "unsubscribed": _unsubscribed,
}


def _ids(data: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Mailgun's id of the message, without its brackets, and ours."""
    headers = payloads.part(payloads.part(data.get("message")).get("headers"))
    external_id = payloads.identifier(headers.get("message-id")).strip("<>")
    own_id = payloads.identifier(payloads.part(data.get("user-variables")).get(OUR_ID))
    return external_id or None, own_id or None


def _moment(value: object, hook: HookRequest) -> datetime:
    """Seconds since 1970 with a fraction, which is not needed."""
    if isinstance(value, float) and math.isfinite(value):
        value = int(value)
    return payloads.moment(value, hook.received_at)
