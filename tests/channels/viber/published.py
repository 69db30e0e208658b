"""The tables of Viber's documentation as a schema, and its examples of events.

Viber publishes no schema; the source of its pages is https://github.com/Viber/creators-hub.
"""

import json
from datetime import UTC, datetime
from typing import Any

from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import HookRequest, Inbound, OptOut, Receipt
from clarion.transport.messages import HttpRequest

_CALLS = {
    "send_message": "SendMessage",
    "broadcast_message": "BroadcastMessage",
    "set_webhook": "SetWebhook",
}
_EVENTS = "https://creators.viber.com/docs/bots-api/events"
_AT = datetime(2016, 3, 12, 6, 29, 57, tzinfo=UTC)
_TOKEN, _PERSON = 4912661846655238145, "jc9HsWTZ2Yf2NkRZ8KcNug=="
_USER = {
    "id": _PERSON, "name": "John McClane", "avatar": "http://avatar.example.com", "country": "UK",
    "language": "en", "api_version": 1,
}  # fmt: skip


def _body(request: HttpRequest) -> Parts:
    assert len(request.body) <= 30_000
    return [(_CALLS[request.url.rpartition("/")[2]], json.loads(request.body))]


def _event(name: str, **fields: Any) -> HookRequest:
    event = {"event": name, "timestamp": 1457764197627, "message_token": _TOKEN, **fields}
    return HookRequest({}, "", json.dumps(event).encode(), NOW)


_WRITTEN = {
    "type": "text",
    "text": "a message to the service",
    "media": "http://example.com",
    "location": {"lat": 50.76891, "lon": 6.11499},
    "tracking_data": "tracking data",
}
_RECEIPT = f"{_TOKEN}:{_PERSON}"
PUBLISHED = Published(
    kind="viber",
    request=_body,
    documented=(
        Documented(
            f"{_EVENTS}/message-delivered",
            _event("delivered", user_id=_PERSON),
            (Receipt("delivered", _AT, _RECEIPT),),
        ),
        Documented(
            f"{_EVENTS}/message-seen",
            _event("seen", user_id=_PERSON),
            (Receipt("read", _AT, _RECEIPT),),
        ),
        Documented(
            f"{_EVENTS}/message-failed",
            _event("failed", user_id=_PERSON, desc="message validation failed"),
            (
                Receipt(
                    "failed", _AT, _RECEIPT,
                    reason="Viber reported that the message failed: message validation failed.",
                ),
            ),
        ),
        Documented(
            f"{_EVENTS}/user-subscribed",
            _event("subscribed", chat_hostname="SN-149_", user=_USER),
            (OptOut(_PERSON, "active", _AT),),
        ),
        Documented(
            f"{_EVENTS}/user-unsubscribed",
            _event("unsubscribed", user_id=_PERSON),
            (OptOut(_PERSON, "opted_out", _AT),),
        ),
        Documented(
            f"{_EVENTS}/user-message-received",
            _event("message", sender=_USER, message=_WRITTEN),
            (
                Inbound(
                    _PERSON, str(_TOKEN), "a message to the service", _AT, "John McClane", "en"
                ),
            ),
        ),
    ),
)  # fmt: skip
