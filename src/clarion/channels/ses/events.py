"""What SES reports through SNS.

https://docs.aws.amazon.com/ses/latest/dg/event-publishing-retrieving-sns-contents.html; the
notifications of an identity have the same form with notificationType instead of eventType.
"""

from collections.abc import Iterator, Mapping
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

OUR_ID: Final = "clarion-id"  # of the message, a tag that every event repeats
_NO_MESSAGE: Final = Ignored("An event without a message is not used.")
_Ids = tuple[str | None, str | None]


def message_of(hook: HookRequest) -> Mapping[str, Any]:
    """The SNS message. Raises ValueError with a sentence when it is none."""
    message = payloads.object_of(hook.body)
    if not isinstance(message.get("Type"), str):
        raise ValueError("The callback is not a message of Amazon SNS: it has no Type.")
    return message


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence when it is none."""
    message = message_of(hook)
    if message["Type"] != "Notification":
        return []  # a confirmation of the subscription is answered with a request
    try:
        event = payloads.object_of(payloads.text(message.get("Message"), 1_000_000).encode())
    except ValueError:  # such as “Successfully validated SNS topic …”
        return [Ignored("A notification that is not about an e-mail is not used.")]
    kind = payloads.text(event.get("eventType") or event.get("notificationType"), 40)
    reader = _READERS.get(kind)
    if reader is None:
        return [Ignored(f"An event of the kind “{kind}” is not used.")]
    mail = payloads.part(event.get("mail"))
    own_id = payloads.part(mail.get("tags")).get(OUR_ID)
    ids = (
        payloads.identifier(mail.get("messageId")) or None,
        (payloads.identifier(own_id[0]) if isinstance(own_id, list) and own_id else "") or None,
    )
    sent_at = payloads.moment(message.get("Timestamp"), hook.received_at)
    return list(reader(event, ids, sent_at, hook)) or [_NO_MESSAGE]


def _delivery(
    event: Mapping[str, Any], ids: _Ids, at: datetime, hook: HookRequest
) -> Iterator[Event]:
    about = payloads.part(event.get("delivery"))
    if any(ids):
        yield Receipt("delivered", _moment(about, at, hook), *ids)


def _bounce(
    event: Mapping[str, Any], ids: _Ids, at: datetime, hook: HookRequest
) -> Iterator[Event]:
    about = payloads.part(event.get("bounce"))
    at = _moment(about, at, hook)
    kind, sub_kind = (payloads.text(about.get(n), 40) for n in ("bounceType", "bounceSubType"))
    never = kind == "Permanent"
    people = _people(about.get("bouncedRecipients"))
    statement = next((tidy(words, ()) for _, words in people if words), "")
    sentence = (
        f"The message bounced ({kind} {sub_kind}".rstrip()
        + ")"
        + (f": {statement}." if statement else ".")
    )
    if any(ids):
        yield Receipt("failed", at, *ids, sentence, kind[:40], unreachable=never)
    for address, _ in people if never else ():
        if sub_kind == "UnsubscribedRecipient":
            yield OptOut(address, "opted_out", at)
        else:
            yield AddressReport(address, "hard_bounce", at, sentence[:300], ids[1] or "")


def _complaint(
    event: Mapping[str, Any], ids: _Ids, at: datetime, hook: HookRequest
) -> Iterator[Event]:
    about = payloads.part(event.get("complaint"))
    kind = payloads.text(about.get("complaintFeedbackType"), 40)
    if kind == "not-spam":  # the contact took it out of the spam folder
        yield Ignored("A report that a message is not spam is not used.")
        return
    for address, _ in _people(about.get("complainedRecipients")):
        detail = kind or payloads.text(about.get("complaintSubType"), 40) or "complaint"
        yield AddressReport(address, "complaint", _moment(about, at, hook), detail, ids[1] or "")


def _reject(
    event: Mapping[str, Any], ids: _Ids, at: datetime, hook: HookRequest
) -> Iterator[Event]:
    reason = tidy(payloads.text(payloads.part(event.get("reject")).get("reason"), 300), ())
    if any(ids):
        sentence = f"SES rejected the message{': ' + reason if reason else ''}."
        yield Receipt("failed", at, *ids, sentence, "Reject")


def _rendering(
    event: Mapping[str, Any], ids: _Ids, at: datetime, hook: HookRequest
) -> Iterator[Event]:
    if any(ids):
        yield Receipt("failed", at, *ids, "SES could not render the message.", "Rendering Failure")


_READERS: Final = {
    "Delivery": _delivery,
    "Bounce": _bounce,
    "Complaint": _complaint,
    "Reject": _reject,
    "Rendering Failure": _rendering,
}


def _moment(about: Mapping[str, Any], otherwise: datetime, hook: HookRequest) -> datetime:
    stated = about.get("timestamp")
    return payloads.moment(stated, hook.received_at) if stated else otherwise


def _people(value: object) -> list[tuple[str, str]]:
    """Addresses, and what the receiving server said about each."""
    return [
        (address, payloads.text(about.get("diagnosticCode"), 1_000))
        for about in payloads.objects(value)
        if (address := reported_id(about.get("emailAddress")))
    ]
