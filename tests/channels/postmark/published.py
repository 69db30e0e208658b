"""Postmark's own types, and the examples of postmarkapp.com/developer/webhooks."""

import json
from datetime import UTC, datetime
from typing import Any

from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import AddressReport, HookRequest, OptOut, Receipt
from clarion.transport.messages import HttpRequest

_PAGES = "https://postmarkapp.com/developer/webhooks"
_MESSAGE = "883953f4-6105-42a2-a16a-77a8eac79483"
_AT = datetime(2019, 11, 5, 16, 33, 54, 907025, UTC)
_TIME = "2019-11-05T16:33:54.9070259Z"
_BOUNCED = "The message bounced (HardBounce): Test bounce details."


def _body(request: HttpRequest) -> Parts:
    is_webhook = request.url.endswith("/webhooks")
    return [("CreateWebhookRequest" if is_webhook else "Message", json.loads(request.body))]


def _record(hook: HookRequest) -> Parts:
    record = json.loads(hook.body)
    return [(f"{record['RecordType']}Webhook", record)]


def _posted(kind: str, **fields: Any) -> HookRequest:
    common = {
        "RecordType": kind, "MessageStream": "outbound", "MessageID": _MESSAGE, "ServerID": 1234,
        "Tag": "Test", "Metadata": {"a_key": "a_value", "b_key": "b_value"},
    }  # fmt: skip
    return HookRequest({}, "", json.dumps({**common, **fields}).encode(), NOW)


def _bounced(kind: str, **fields: Any) -> HookRequest:
    common = {
        "ID": 42, "Type": "HardBounce", "TypeCode": 1, "Name": "Hard bounce",
        "Description": "The server was unable to deliver your message (ex: unknown user).",
        "Details": "Test bounce details", "Email": "john@example.com", "From": "sender@example.com",
        "BouncedAt": _TIME, "DumpAvailable": True, "Inactive": True, "CanActivate": True,
        "Subject": "Test subject", "Content": "<Full dump of bounce>",
    }  # fmt: skip
    return _posted(kind, **{**common, **fields})


PUBLISHED = Published(
    kind="postmark",
    request=_body,
    callback=_record,
    documented=(
        Documented(
            f"{_PAGES}/delivery-webhook",
            _posted(
                "Delivery", Recipient="john@example.com", DeliveredAt=_TIME,
                Details="Test delivery webhook details",
            ),
            (Receipt("delivered", _AT, _MESSAGE),),
        ),
        Documented(
            f"{_PAGES}/bounce-webhook",
            _bounced("Bounce"),
            (
                Receipt("failed", _AT, _MESSAGE, None, _BOUNCED, "HardBounce", unreachable=True),
                AddressReport("john@example.com", "hard_bounce", _AT, _BOUNCED),
            ),
        ),
        Documented(
            f"{_PAGES}/spam-complaint-webhook",
            _bounced("SpamComplaint", Type="SpamComplaint", TypeCode=512, Name="Spam complaint"),
            (AddressReport("john@example.com", "complaint", _AT, "SpamComplaint"),),
        ),
        Documented(
            f"{_PAGES}/subscription-change-webhook",
            _posted(
                "SubscriptionChange", ChangedAt=_TIME, Recipient="john@example.com",
                Origin="Recipient", SuppressSending=True, SuppressionReason="ManualSuppression",
            ),
            (OptOut("john@example.com", "opted_out", _AT),),
        ),
        Documented(
            f"{_PAGES}/subscription-change-webhook",
            _posted(
                "SubscriptionChange", ChangedAt=_TIME, Recipient="john@example.com",
                Origin="Recipient", SuppressSending=True, SuppressionReason="HardBounce",
            ),
            (AddressReport("john@example.com", "hard_bounce", _AT, "HardBounce"),),
        ),
    ),
)  # fmt: skip
