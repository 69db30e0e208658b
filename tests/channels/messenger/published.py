"""What Meta documents about messages of a page, see ``graph_published``."""

from datetime import timedelta

from channels.graph_published import AT, PSID, example, published
from clarion.channels.contract import OptOut, Receipt, SeenUntil

_PAGES = (
    "https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks"
    "/webhook-events"
)
_SENT = "mid.1458668856218:ed81099e15d3f4f233"
_WATERMARK = AT - timedelta(seconds=1)
_STOPPED = {
    "type": "notification_messages",
    "payload": "ADDITIONAL-INFORMATION",
    "notification_messages_token": "NOTIFICATION-MESSAGES-TOKEN",
    "notification_messages_timezone": "TIMEZONE-ID",
    "token_expiry_timestamp": 1668888000000,
    "user_token_status": "NOT_REFRESHED",
    "notification_messages_status": "STOP_NOTIFICATIONS",
    "title": "Updates and promotions",
}
PUBLISHED = published(
    "messenger",
    "page",
    _PAGES,
    example(
        "page",
        f"{_PAGES}/message-deliveries",
        {"delivery": {"mids": [_SENT], "watermark": 1458692751478}},
        Receipt("delivered", AT, _SENT),
    ),
    example(
        "page",
        f"{_PAGES}/message-reads",
        {"read": {"watermark": 1458692751478}},
        SeenUntil(PSID, "read", _WATERMARK, AT),
    ),
    example(
        "page",
        f"{_PAGES}/messaging-optins",
        {"optin": _STOPPED},
        OptOut(PSID, "opted_out", AT),
    ),
)
