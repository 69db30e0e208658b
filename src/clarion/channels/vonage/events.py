"""What a callback of Vonage reports: what became of a message, and what people write.

https://developer.vonage.com/en/messages/concepts/messages-status-callbacks and the reference of the
Messages API, webhooks “message-status” and “inbound-message”, of version 1. Vonage itself counts
and joins the parts of a long SMS: a status is about the whole message, an inbound message is whole
(``sms.num_messages``).
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Literal

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.phone_ids import PHONE
from clarion.channels.vonage.errors import OPTED_OUT, failure

_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "rejected": "failed",
    "undeliverable": "failed",
}
_NO_NEWS = "submitted"


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence when it is none of Vonage."""
    body = payloads.object_of(hook.body)
    message_uuid = payloads.identifier(body.get("message_uuid"))
    if not message_uuid:
        raise ValueError("The callback is not one about a message of Vonage.")
    if body.get("channel") not in (None, "sms"):
        return [Ignored("A message of another channel than SMS is not used.")]
    at = payloads.moment(body.get("timestamp"), hook.received_at)
    if "status" in body:
        return list(_receipts(body, message_uuid, at))
    return _inbound(body, message_uuid, at)


def _receipts(body: Mapping[str, Any], message_uuid: str, at: datetime) -> Iterator[Event]:
    """The receipt of one message. “submitted” is no news."""
    status = payloads.text(body.get("status"), 40)
    receipt_status = _STATUSES.get(status)
    if receipt_status is None:
        if status != _NO_NEWS:
            yield Ignored(f"A status “{status}” is not used.")
        return
    message_id = payloads.identifier(body.get("client_ref")) or None
    if receipt_status != "failed":
        yield Receipt(receipt_status, at, message_uuid, message_id)
        return
    failed = failure(payloads.part(body.get("error")))
    person = _digits(body.get("to"))
    if failed.code == str(OPTED_OUT) and person:
        yield OptOut(person, "opted_out", at)
    yield Receipt(
        "failed", at, message_uuid, message_id, failed.sentence, failed.code, failed.unreachable
    )


def _inbound(body: Mapping[str, Any], message_uuid: str, at: datetime) -> list[Event]:
    """What somebody wrote."""
    sender = _digits(body.get("from"))
    if not sender:
        return [Ignored("A message does not come from a phone number.")]
    kind = payloads.text(body.get("message_type"), 40)
    text = payloads.text(body.get("text"))
    payload = {"media": kind} if kind not in ("", "text") else {}
    return with_requested_state(Inbound(sender, message_uuid, text, at, payload=payload))


def _digits(value: object) -> str:
    """A phone number as it is stored; empty for anything else."""
    digits = payloads.identifier(value).removeprefix("+")
    return digits if PHONE.fullmatch(digits) else ""
