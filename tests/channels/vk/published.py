"""VK's schema of its API and callbacks, and the examples of dev.vk.com."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import HookRequest, Inbound, OptOut
from clarion.transport.messages import HttpRequest

_NUMBERS = ("peer_id", "random_id")
_EVENTS = "https://dev.vk.com/api/community-events/json-schema"


def _form(request: HttpRequest) -> Parts:
    """A form has texts only: what is a number is read as one."""
    pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
    fields: dict[str, Any] = dict(pairs)
    assert len(fields) == len(pairs)
    fields |= {name: int(fields[name]) for name in _NUMBERS if name in fields}
    if "peer_ids" in fields:
        fields["peer_ids"] = [int(peer) for peer in fields["peer_ids"].split(",")]
    parts: Parts = [("messages_send", fields)]
    if "keyboard" in fields:
        parts.append(("messages_keyboard", json.loads(fields["keyboard"])))
    return parts


def _event(hook: HookRequest) -> Parts:
    event = json.loads(hook.body)
    return [("callback_base", event), (f"callback_{event['type']}", event["object"])]


def _posted(type_: str, about: dict[str, Any]) -> HookRequest:
    event = {
        "type": type_, "object": about, "group_id": 237300, "v": "5.199", "secret": "aaQ13axAPQ",
        "event_id": "6471c9d1c0fb5f0e4bb0b1c3f1d7f6d0c9c0f0a1",
    }  # fmt: skip
    return HookRequest({}, "", json.dumps(event).encode(), NOW)


_MESSAGE = {
    "date": 1556551452, "from_id": 205387401, "id": 0, "out": 0, "version": 10000123,
    "attachments": [], "conversation_message_id": 1, "fwd_messages": [], "important": False,
    "is_hidden": False, "peer_id": 205387401, "random_id": 0, "text": "Hello",
}  # fmt: skip
_CLIENT = {
    "button_actions": ["text", "open_link", "callback"], "keyboard": True, "inline_keyboard": True,
    "carousel": True, "lang_id": 0,
}  # fmt: skip
PUBLISHED = Published(
    kind="vk",
    request=_form,
    callback=_event,
    documented=(
        Documented(
            f"{_EVENTS}#message_new",
            _posted("message_new", {"message": _MESSAGE, "client_info": _CLIENT}),
            (
                Inbound(
                    "205387401", "message 1", "Hello",
                    datetime(2019, 4, 29, 15, 24, 12, tzinfo=UTC),
                ),
            ),
        ),
        Documented(
            f"{_EVENTS}#message_allow",
            _posted("message_allow", {"user_id": 205387401, "key": "subscribed"}),
            (OptOut("205387401", "reachable", NOW),),
        ),
        Documented(
            f"{_EVENTS}#message_deny",
            _posted("message_deny", {"user_id": 205387401}),
            (OptOut("205387401", "blocked", NOW),),
        ),
    ),
)  # fmt: skip
