"""What Slack posts: events, pressed buttons, and the question whether the URL is ours.

https://docs.slack.dev/apis/events-api, https://docs.slack.dev/interactivity/handling-user-interaction
and https://docs.slack.dev/authentication/verifying-requests-from-slack.
"""

import hmac
import json
import re
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound, OptOut
from clarion.channels.keywords import with_requested_state
from clarion.channels.slack.ids import is_id

TOLERANCE = 300  # seconds that a timestamp may be away from our clock
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
# The second is of message.app_home: a message in the Messages tab of the app.
_DIRECT = ("im", "app_home")
_FORM = b"payload="
_NOT_DIRECT = Ignored("A message outside a direct message is not used.")
_OURS = Ignored("A message of a bot is not used.")
_CHANGED = Ignored("A message that was edited, deleted or made by Slack is not used.")


def is_signed(secret: str, hook: HookRequest) -> bool:
    """Whether the signature v0 is good and its timestamp recent. Constant time."""
    stated = hook.headers.get("x-slack-signature", "").encode("utf-8", "replace")
    timestamp = hook.headers.get("x-slack-request-timestamp", "")
    if not secret or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs(hook.received_at.timestamp() - int(timestamp)) > TOLERANCE:
        return False
    base = b"v0:%b:%b" % (timestamp.encode(), hook.body)
    expected = b"v0=" + hmac.digest(secret.encode(), base, sha256).hex().encode()
    return hmac.compare_digest(expected, stated)


def events_of(hook: HookRequest) -> list[Event]:
    """The events of one callback. Raises ValueError with a sentence where it is none."""
    callback = _callback(hook.body)
    type_ = payloads.text(callback.get("type"), 40)
    if type_ == "event_callback":
        return _of_event(payloads.part(callback.get("event")), callback, hook.received_at)
    if type_ == "block_actions":
        return _of_button(callback, hook.received_at)
    if not type_:
        raise ValueError("The callback is not from Slack: it has no type.")
    return [Ignored(f"A callback of the type “{type_}” is not used.")]


def answer_to(hook: HookRequest) -> bytes:
    """The challenge with which Slack tries a URL, empty for everything else. Never raises."""
    try:
        callback = _callback(hook.body)
    except ValueError:
        return b""
    challenge = payloads.text(callback.get("challenge"), 1_000)
    if callback.get("type") != "url_verification" or not challenge:
        return b""
    return json.dumps({"challenge": challenge}).encode()


def _callback(body: bytes) -> dict[str, Any]:
    """The JSON of a callback; pressed buttons come in the field of a form."""
    if body.startswith(_FORM):
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=5)
        body = fields.get("payload", [""])[0].encode("utf-8", "replace")
    return payloads.object_of(body)


def _of_event(
    event: Mapping[str, Any], callback: Mapping[str, Any], received_at: datetime
) -> list[Event]:
    type_ = payloads.text(event.get("type"), 40)
    at = _moment(event.get("event_ts") or event.get("ts"), received_at)
    if type_ == "message":
        return _of_message(event, at)
    channel = payloads.identifier(event.get("channel"))
    user = event.get("user")
    if type_ == "user_change" and payloads.part(user).get("deleted") is True:
        person = payloads.identifier(payloads.part(user).get("id"))
        return [OptOut(person, "deactivated", at)] if is_id(person) else [_unused(type_)]
    if not is_id(channel):
        return [_unused(type_)]
    if type_ in ("channel_archive", "group_archive", "channel_deleted", "group_deleted"):
        return [OptOut(channel, "deactivated", at)]
    if type_ in ("channel_left", "group_left"):
        return [OptOut(channel, "blocked", at)]
    is_bot = payloads.identifier(user) in _own_ids(callback)
    if type_ == "member_left_channel" and is_bot:
        return [OptOut(channel, "blocked", at)]
    if type_ == "member_joined_channel" and is_bot:
        return [OptOut(channel, "reachable", at)]
    return [_unused(type_)]


def _of_message(event: Mapping[str, Any], at: datetime) -> list[Event]:
    """What a person wrote to the app. Our own messages come back as well, with a bot_id."""
    if event.get("bot_id") or event.get("subtype") == "bot_message":
        return [_OURS]
    if event.get("channel_type") not in _DIRECT:
        return [_NOT_DIRECT]
    subtype, sender = event.get("subtype"), payloads.identifier(event.get("user"))
    message_id = payloads.identifier(event.get("ts"))
    if subtype not in (None, "file_share", "thread_broadcast") or not is_id(sender):
        return [_CHANGED]
    if not 0 < len(message_id) <= 40:
        return [_CHANGED]
    text = _unescaped(payloads.text(event.get("text")))
    sort = "file" if event.get("files") else ""
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=f"message {message_id}",
            text=text or ("[file]" if sort else ""),
            at=at,
            payload={"media": sort} if sort else {},
        )
    )


def _of_button(callback: Mapping[str, Any], received_at: datetime) -> list[Event]:
    """Pressed buttons; one that is a link has no value, and is reported all the same."""
    user = payloads.part(callback.get("user"))
    sender, actions = payloads.identifier(user.get("id")), callback.get("actions")
    events: list[Event] = []
    for action in actions if isinstance(actions, list) else ():
        pressed = payloads.part(action)
        value = payloads.text(pressed.get("value"), 256)
        pressed_at = payloads.identifier(pressed.get("action_ts"))
        if not is_id(sender) or not value or not 0 < len(pressed_at) <= 40:
            continue
        events += with_requested_state(
            Inbound(
                sender=sender,
                external_id=f"button {pressed_at}",
                text=payloads.text(payloads.part(pressed.get("text")).get("text"), 200) or value,
                at=_moment(pressed_at, received_at),
                name=payloads.text(user.get("name"), 200),
                button=value,
            )
        )
    return events or [Ignored("A pressed button without a value is not used.")]


def _own_ids(callback: Mapping[str, Any]) -> set[str]:
    """The ids of our own bot user in this workspace.

    An authorization that is no bot's is that of a person whose token the app has as well.
    """
    installed = callback.get("authorizations")
    parts = [payloads.part(each) for each in (installed if isinstance(installed, list) else ())]
    bots = [each for each in parts if each.get("is_bot") is True]
    return {payloads.identifier(each.get("user_id")) for each in bots} - {""}


def _moment(value: object, received_at: datetime) -> datetime:
    """Slack's times are texts of seconds, such as 1355517523.000005."""
    if isinstance(value, int | float):
        value = str(value)
    whole = value.partition(".")[0] if isinstance(value, str) else ""
    return payloads.moment(int(whole) if _TIMESTAMP.fullmatch(whole) else None, received_at)


def _unescaped(text: str) -> str:
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _unused(type_: str) -> Ignored:
    return Ignored(f"An event of the type “{type_}” is not used.")
