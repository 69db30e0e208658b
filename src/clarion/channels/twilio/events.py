"""What a callback of Twilio reports: what became of a message, and what people write.

https://www.twilio.com/docs/messaging/guides/track-outbound-message-status and
https://www.twilio.com/docs/messaging/guides/webhook-request: both are forms, in the body of a POST
or in the query of a GET. Parameters may be added at any time.
"""

from collections.abc import Iterator, Mapping
from typing import Final, Literal
from urllib.parse import parse_qsl

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut, Receipt
from clarion.channels.keywords import with_requested_state
from clarion.channels.phone_ids import PHONE
from clarion.channels.twilio.errors import OPTED_OUT, failure

MESSAGE_ID: Final = "clarion_message"  # in the query of the status callback that a message asks for
_MOST_FIELDS = 1_000
_STATUSES: dict[str, Literal["delivered", "read", "failed"]] = {
    "delivered": "delivered",
    "read": "read",
    "undelivered": "failed",
    "failed": "failed",
    "canceled": "failed",
}
_NO_NEWS = frozenset({"accepted", "scheduled", "queued", "sending", "sent", "partially_delivered"})
_ARRIVED = frozenset({"received", "receiving"})
_OPT_OUT_TYPES: dict[str, Literal["opted_out", "active"]] = {"STOP": "opted_out", "START": "active"}
# What it answers itself by default; it compares whole messages, in any case:
# https://help.twilio.com/articles/223134027
_HELP = frozenset({"HELP", "INFO"})
_CANCELED = "The message was cancelled at Twilio."


def fields_of(text: bytes | str) -> list[tuple[str, str]]:
    """The fields of a form as they came. Raises ValueError for one with too many of them."""
    raw = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    return parse_qsl(raw, keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="replace")


def events_of(hook: HookRequest, *, answers_help: bool) -> list[Event]:
    """The events of one callback. ``answers_help``: whether Twilio answers HELP itself.

    Raises ValueError with a sentence when it is no callback of Twilio at all.
    """
    try:
        fields = dict(fields_of(hook.body or hook.query))
    except ValueError:
        raise ValueError("The callback has too many fields.") from None
    sid = next(filter(None, (payloads.identifier(fields.get(name)) for name in _SIDS)), "")
    if not sid:
        raise ValueError("The callback is not one about a message of Twilio.")
    status = fields.get("MessageStatus") or fields.get("SmsStatus", "")
    if status in _ARRIVED or (not status and "Body" in fields):
        return _inbound(fields, sid, hook, answers_help=answers_help)
    return list(_receipts(fields, sid, status, hook))


_SIDS: Final = ("MessageSid", "SmsMessageSid", "SmsSid")


def _receipts(
    fields: Mapping[str, str], sid: str, status: str, hook: HookRequest
) -> Iterator[Event]:
    """The receipt of one message. What comes before “delivered” is no news."""
    receipt_status = _STATUSES.get(status)
    if receipt_status is None:
        if status not in _NO_NEWS:
            yield Ignored(f"A status “{payloads.text(status, 40)}” is not used.")
        return
    at = hook.received_at
    message_id = payloads.identifier(dict(fields_of(hook.query)).get(MESSAGE_ID))
    if receipt_status != "failed":
        yield Receipt(receipt_status, at, sid, message_id or None)
        return
    failed = failure(fields.get("ErrorCode", ""))
    person = _digits(fields.get("To", ""))
    if failed.code == str(OPTED_OUT) and person:
        yield OptOut(person, "opted_out", at)
    sentence = _CANCELED if status == "canceled" else failed.sentence
    yield Receipt("failed", at, sid, message_id or None, sentence, failed.code, failed.unreachable)


def _inbound(
    fields: Mapping[str, str], sid: str, hook: HookRequest, *, answers_help: bool
) -> list[Event]:
    """What somebody wrote. Twilio puts the parts of a long SMS together itself.

    With Advanced Opt-Out it says which of its words it was, which may be words of the operator's
    own: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out.
    """
    sender = _digits(fields.get("From", ""))
    if not sender:
        return [Ignored("A message does not come from a phone number.")]
    text = payloads.text(fields.get("Body"))
    media = _media(fields)
    kind = fields.get("OptOutType", "").upper()
    inbound = Inbound(
        sender=sender,
        external_id=sid,
        text=text,
        at=hook.received_at,
        name=payloads.text(fields.get("ProfileName"), 200),
        payload={"media": media} if media else {},
        answered=kind == "HELP" or (answers_help and text.strip().upper() in _HELP),
    )
    if kind in _OPT_OUT_TYPES:
        return [inbound, OptOut(sender, _OPT_OUT_TYPES[kind], hook.received_at)]
    return with_requested_state(inbound)


def _media(fields: Mapping[str, str]) -> str:
    """What came beside the text, empty for nothing."""
    count = fields.get("NumMedia", "")
    if not count.isascii() or not count.isdigit() or len(count) > 3 or int(count) == 0:
        return ""
    main_type = fields.get("MediaContentType0", "").partition("/")[0]
    return main_type if main_type in ("image", "audio", "video") else "file"


def _digits(number: str) -> str:
    """A phone number as it is stored; empty for anything else, such as another platform's id."""
    digits = number.strip().removeprefix("+")
    return digits if PHONE.fullmatch(digits) else ""
