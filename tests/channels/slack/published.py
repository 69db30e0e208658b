"""Slack's own types of messages and events, and the examples of docs.slack.dev."""

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlencode

from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import HookRequest, Inbound, OptOut
from clarion.transport.messages import HttpRequest


def _message(request: HttpRequest) -> Parts:
    assert request.url.endswith("/chat.postMessage")
    return [("Message", json.loads(request.body))]


def _event(hook: HookRequest) -> Parts:
    if hook.body.startswith(b"payload="):
        pressed = json.loads(parse_qs(hook.body.decode())["payload"][0])
        return [("Button", _as_sent(action)) for action in pressed["actions"]]
    return [("Events", json.loads(hook.body)["event"])]


def _as_sent(action: dict[str, Any]) -> dict[str, Any]:
    """A pressed button without what Slack adds to it."""
    return {name: value for name, value in action.items() if name not in ("block_id", "action_ts")}


def _posted(**event: Any) -> HookRequest:
    envelope = {
        "token": "XXYYZZ", "team_id": "T123ABC456", "api_app_id": "A123ABC456", "event": event,
        "type": "event_callback", "event_id": "Ev123ABC456", "event_time": 1355517523,
        "authorizations": [
            {"enterprise_id": None, "team_id": "T123ABC456", "user_id": "U061F7AUR", "is_bot": True}
        ],
    }  # fmt: skip
    return HookRequest({}, "", json.dumps(envelope).encode(), NOW)


_AT = datetime(2012, 12, 14, 20, 38, 43, tzinfo=UTC)
_EVENTS = "https://docs.slack.dev/reference/events"
_USER, _CHANNEL = "U2147483697", "C123ABC456"
_PRESSED = {
    "type": "block_actions",
    "team": {"id": "T9TK3CUKW", "domain": "example"},
    "user": {"id": "UA8RXUSPL", "username": "jtorrance", "name": "jtorrance", "team_id": "T9TK3"},
    "api_app_id": "AABA1ABCD",
    "token": "9s8d9as89d8as9d8as989",
    "container": {
        "type": "message", "message_ts": "1548261231.000200", "channel_id": "CBR2V3XEX",
        "is_ephemeral": False,
    },
    "trigger_id": "12321423423.333649436676.d8c1bb837935619ccad0f624c448ffb3",
    "channel": {"id": "CBR2V3XEX", "name": "review-updates"},
    "response_url": "https://hooks.slack.com/actions/AABA1ABCD/1232321423432/D09sSasdasdAS9091209",
    "actions": [
        {
            "action_id": "WaXA",
            "block_id": "=qXel",
            "text": {"type": "plain_text", "text": "View", "emoji": True},
            "value": "click_me_123",
            "type": "button",
            "action_ts": "1548426417.840180",
        }
    ],
}  # fmt: skip
PUBLISHED = Published(
    kind="slack",
    request=_message,
    callback=_event,
    documented=(
        Documented(
            f"{_EVENTS}/message.im",
            _posted(
                type="message", channel="D024BE91L", user=_USER,
                text="Hello hello can you hear me?",
                ts="1355517523.000005", event_ts="1355517523.000005", channel_type="im",
            ),
            (Inbound(_USER, "message 1355517523.000005", "Hello hello can you hear me?", _AT),),
        ),
        Documented(
            f"{_EVENTS}/message.app_home",
            _posted(
                type="message", user="U061F7AUR", text="How many cats did we herd yesterday?",
                ts="1355517523.000001", channel="D0PNCRP9N", event_ts="1355517523.000001",
                channel_type="app_home",
            ),
            (
                Inbound(
                    "U061F7AUR", "message 1355517523.000001",
                    "How many cats did we herd yesterday?", _AT,
                ),
            ),
        ),
        Documented(
            "https://docs.slack.dev/reference/interaction-payloads/block_actions-payload",
            HookRequest({}, "", urlencode({"payload": json.dumps(_PRESSED)}).encode(), NOW),
            (
                Inbound(
                    "UA8RXUSPL", "button 1548426417.840180", "View",
                    datetime(2019, 1, 25, 14, 26, 57, tzinfo=UTC), "jtorrance",
                    button="click_me_123",
                ),
            ),
        ),
        Documented(
            f"{_EVENTS}/channel_archive",
            _posted(
                type="channel_archive", channel=_CHANNEL, user="U123ABC456",
                event_ts="1355517523.1",
            ),
            (OptOut(_CHANNEL, "deactivated", _AT),),
        ),
        Documented(
            f"{_EVENTS}/channel_deleted",
            _posted(type="channel_deleted", channel=_CHANNEL),
            (OptOut(_CHANNEL, "deactivated", NOW),),
        ),
        Documented(
            f"{_EVENTS}/group_left",
            _posted(type="group_left", channel="G02ELGNBH"),
            (OptOut("G02ELGNBH", "blocked", NOW),),
        ),
        Documented(
            f"{_EVENTS}/member_left_channel",
            _posted(
                type="member_left_channel", user="U061F7AUR", channel="C0698JE0H", channel_type="C",
                team="T024BE7LD",
            ),
            (OptOut("C0698JE0H", "blocked", NOW),),
        ),
        Documented(
            f"{_EVENTS}/member_joined_channel",
            _posted(
                type="member_joined_channel", user="U061F7AUR", channel="C0698JE0H",
                channel_type="C", team="T024BE7LD", inviter="U123456789",
            ),
            (OptOut("C0698JE0H", "reachable", NOW),),
        ),
        Documented(
            f"{_EVENTS}/user_change",
            _posted(type="user_change", user={"id": "U1234", "deleted": True, "name": "some-user"}),
            (OptOut("U1234", "deactivated", NOW),),
        ),
    ),
)  # fmt: skip
