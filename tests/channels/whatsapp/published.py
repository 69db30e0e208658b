"""Meta's OpenAPI document of the Cloud API, and the examples of its callbacks."""

import json
from datetime import UTC, datetime
from typing import Any

from channels.published import Documented, Parts, Published
from channels.whatsapp.fixtures import PHONE_NUMBER_ID, meta
from clarion.channels.contract import Event, Inbound, OptOut, Receipt
from clarion.transport.messages import HttpRequest

_OPENAPI = "https://github.com/facebook/openapi/blob/main/business-messaging-api_v23.0.yaml"
_PAGES = (
    "https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference"
)
_SHEENA = "16505551234"
_CONTACTS = [{"profile": {"name": "Sheena Nelson"}, "wa_id": _SHEENA}]
_WAMID = "wamid.HBgLMTY1MDM4Nzk0MzkVAgASGBQzQTRBNjU5OUFFRTAzODEwMTQ0RgA="
_SENT = "wamid.HBgLMTY1MDM4Nzk0MzkVAgARGBI3MEM2RUJFNkI0RENGQTVDRjUA"


def _body(request: HttpRequest) -> Parts:
    body = json.loads(request.body)
    if request.url.endswith(f"/{PHONE_NUMBER_ID}"):
        return [("phone_number", body)]
    assert request.url.endswith(f"/{PHONE_NUMBER_ID}/messages")
    return [(body["type"], body)]


def _at(timestamp: int) -> datetime:
    return datetime.fromtimestamp(timestamp, UTC)


def _wrote(timestamp: int, type_: str, part: dict[str, Any], *events: Event) -> Documented:
    message = {
        "from": _SHEENA, "id": _WAMID, "timestamp": str(timestamp), "type": type_, type_: part
    }  # fmt: skip
    hook = meta({"contacts": _CONTACTS, "messages": [message]})
    return Documented(f"{_OPENAPI}#{type_}", hook, events)


def _status(word: str, *events: Event, **more: Any) -> Documented:
    about = {"id": _SENT, "status": word, "timestamp": "1750030073", "recipient_id": _SHEENA}
    return Documented(f"{_PAGES}/messages/status", meta({"statuses": [about | more]}), events)


def _receipt(word: Any, **more: Any) -> Receipt:
    return Receipt(word, _at(1750030073), _SENT, **more)


_ERROR = {
    "code": 131049,
    "title": "This message was not delivered to maintain healthy ecosystem engagement.",
    "message": "This message was not delivered to maintain healthy ecosystem engagement.",
    "error_data": {"details": "In order to maintain a healthy ecosystem engagement, …"},
}
_PREFERENCE = {
    "wa_id": _SHEENA,
    "detail": "User requested to stop marketing messages",
    "category": "marketing_messages",
    "value": "stop",
    "timestamp": 1731705721,
}
PUBLISHED = Published(
    kind="whatsapp",
    request=_body,
    documented=(
        _wrote(
            1749416383,
            "text",
            {"body": "Does it come in another color?"},
            Inbound(
                _SHEENA, _WAMID, "Does it come in another color?", _at(1749416383),
                "Sheena Nelson",
            ),
        ),
        _wrote(
            1750091045,
            "button",
            {"payload": "no-7", "text": "No, thank you"},
            Inbound(
                _SHEENA, _WAMID, "No, thank you", _at(1750091045), "Sheena Nelson",
                button="no-7",
            ),
        ),
        _wrote(
            1750025136,
            "interactive",
            {"type": "button_reply", "button_reply": {"id": "cancel-button", "title": "Red"}},
            Inbound(
                _SHEENA, _WAMID, "Red", _at(1750025136), "Sheena Nelson", button="cancel-button"
            ),
        ),
        _status("sent"),
        _status("delivered", _receipt("delivered")),
        _status("read", _receipt("read")),
        _status(
            "failed",
            _receipt(
                "failed",
                reason="Meta did not deliver the message: this contact receives a lot of "
                "marketing. Wait a day before you send again.",
                code="131049",
            ),
            errors=[_ERROR],
        ),
        Documented(
            f"{_PAGES}/user_preferences",
            meta({"contacts": _CONTACTS, "user_preferences": [_PREFERENCE]},
                 field="user_preferences"),
            (OptOut(_SHEENA, "opted_out", _at(1731705721)),),
        ),
    ),
)  # fmt: skip
