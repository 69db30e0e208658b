"""What a callback of Postmark reports: https://postmarkapp.com/developer/webhooks/webhooks-overview.

Bounce types: https://postmarkapp.com/developer/api/bounce-api#bounce-types.
"""

from collections.abc import Mapping
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
from clarion.channels.postmark.requests import OUR_ID
from clarion.channels.wording import tidy

# What says that no message will ever arrive at the address.
_HARD: Final = frozenset({"HardBounce", "BadEmailAddress", "ManuallyDeactivated"})
# What failed for this message: the address is as good as before.
_SOFT: Final = frozenset(
    {
        "SoftBounce", "SpamNotification", "VirusNotification", "Blocked", "DMARCPolicy",
        "AddressChange", "SMTPApiError", "TemplateRenderingFailed", "Unconfirmed", "Unknown",
    }
)  # fmt: skip
_NOT_USED: Final = Ignored("A bounce that says nothing about a message is not used.")
_NOBODY: Final = Ignored("A callback without an e-mail address is not used.")


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence when it is none."""
    record = payloads.object_of(hook.body)
    kind = record.get("RecordType")
    if not isinstance(kind, str):
        raise ValueError("The callback is not one of Postmark: it has no RecordType.")
    reader = _READERS.get(kind)
    if reader is None:
        return [Ignored(f"A callback of the kind “{payloads.text(kind, 40)}” is not used.")]
    return reader(record, hook)


def _delivery(record: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    at = payloads.moment(record.get("DeliveredAt"), hook.received_at)
    ids = _ids(record)
    return [Receipt("delivered", at, *ids)] if any(ids) else [_NOT_USED]


def _bounce(record: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    kind = payloads.text(record.get("Type"), 40)
    at = payloads.moment(record.get("BouncedAt"), hook.received_at)
    address = reported_id(record.get("Email"))
    if kind == "SpamComplaint":
        return _complaint(record, hook)
    if kind == "Unsubscribe":
        return [OptOut(address, "opted_out", at)] if address else [_NOBODY]
    if kind not in _HARD and kind not in _SOFT:
        return [Ignored(f"A bounce of the type “{kind}” is not used.")]
    reason = tidy(payloads.text(record.get("Details"), 1_000), ())
    sentence = f"The message bounced ({kind}){': ' + reason if reason else ''}."
    external_id, message_id = _ids(record)
    events: list[Event] = []
    if external_id or message_id:
        events.append(
            Receipt(
                "failed", at, external_id, message_id, sentence, kind, unreachable=kind in _HARD
            )
        )
    if kind in _HARD and address:
        events.append(AddressReport(address, "hard_bounce", at, sentence[:300], message_id or ""))
    return events or [_NOT_USED]


def _complaint(record: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    address = reported_id(record.get("Email"))
    if not address:
        return [_NOBODY]
    at = payloads.moment(record.get("BouncedAt"), hook.received_at)
    return [AddressReport(address, "complaint", at, "SpamComplaint", _ids(record)[1] or "")]


def _subscription(record: Mapping[str, Any], hook: HookRequest) -> list[Event]:
    """Postmark stopped or resumed sending to an address: for what reason, and who asked for it."""
    address = reported_id(record.get("Recipient"))
    at = payloads.moment(record.get("ChangedAt"), hook.received_at)
    reason, by_recipient = record.get("SuppressionReason"), record.get("Origin") == "Recipient"
    about = _ids(record)[1] or ""
    if not address:
        return [_NOBODY]
    if record.get("SuppressSending") is not True:
        return [OptOut(address, "active", at)] if by_recipient else [Ignored(_RESUMED)]
    if reason == "SpamComplaint":
        return [AddressReport(address, "complaint", at, "SpamComplaint", about)]
    if reason == "HardBounce":
        return [AddressReport(address, "hard_bounce", at, "HardBounce", about)]
    return [OptOut(address, "opted_out", at)] if by_recipient else [Ignored(_STOPPED)]


_RESUMED: Final = "An address that was taken off Postmark's own list by hand is not used."
_STOPPED: Final = "An address that was put on Postmark's own list by hand is not used."
_READERS: Final = {
    "Delivery": _delivery,
    "Bounce": _bounce,
    "SpamComplaint": _complaint,
    "SubscriptionChange": _subscription,
}


def _ids(record: Mapping[str, Any]) -> tuple[str | None, str | None]:
    """Postmark's id of the message, and ours."""
    own_id = payloads.identifier(payloads.part(record.get("Metadata")).get(OUR_ID))
    return payloads.identifier(record.get("MessageID")) or None, own_id or None
