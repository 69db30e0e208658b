"""Discord's OpenAPI document, and the examples of docs.discord.com/developers."""

import json
from typing import Any

from channels.discord.fixtures import make
from channels.fixtures import NOW
from channels.published import Documented, Parts, Published
from clarion.channels.contract import HookRequest, Inbound
from clarion.transport.messages import HttpRequest

_ANSWERS = {1: "Pong", 4: "CreateMessage", 6: "UpdateMessage"}


def _body(request: HttpRequest) -> Parts:
    is_opening = request.url.endswith("/users/@me/channels")
    name = "CreatePrivateChannelRequest" if is_opening else "MessageCreateRequest"
    return [(name, json.loads(request.body))]


def _answer(hook: HookRequest) -> Parts:
    """What the callback is answered with: Discord has a schema of that only."""
    answer = make(command_reply="Thank you").answer(hook)
    assert answer is not None
    body = json.loads(answer.body)
    return [(f"{_ANSWERS[body['type']]}InteractionCallbackRequest", body)]


def _posted(interaction: dict[str, Any]) -> HookRequest:
    return HookRequest({}, "", json.dumps(interaction).encode(), NOW)


_MEMBER: dict[str, Any] = {
    "user": {
        "id": "53908232506183680", "username": "Mason", "discriminator": "1337",
        "avatar": "a_d5efa99b3eeaa7dd43acca82f5692432", "public_flags": 131141,
    },
    "roles": ["539082325061836999"], "premium_since": None, "permissions": "2147483647",
    "pending": False, "nick": None, "mute": False, "is_pending": False, "deaf": False,
    "joined_at": "2017-03-13T19:19:14.040000+00:00",
}  # fmt: skip
_COMMAND = {
    "type": 2,
    "token": "A_UNIQUE_TOKEN",
    "member": _MEMBER,
    "id": "786008729715212338",
    "guild_id": "290926798626357999",
    "app_permissions": "442368",
    "guild_locale": "en-US",
    "locale": "en-US",
    "data": {
        "options": [{"type": 3, "name": "cardname", "value": "The Gitrog Monster"}],
        "type": 1,
        "name": "cardsearch",
        "id": "771825006014889984",
    },
    "channel_id": "645027906669510667",
}
_BUTTON = {"type": 2, "custom_id": "click_me", "label": "Click me!", "style": 1}
_PRESSED = {
    **_COMMAND,
    "type": 3,
    "data": {"component_type": 2, "id": 2, "custom_id": "click_me"},
    "message": {"components": [{"type": 1, "components": [_BUTTON]}]},
}
PUBLISHED = Published(
    kind="discord",
    request=_body,
    callback=_answer,
    documented=(
        Documented(
            "https://docs.discord.com/developers/interactions/application-commands",
            _posted(_COMMAND),
            (
                Inbound(
                    "user:53908232506183680", "interaction 786008729715212338",
                    "/cardsearch The Gitrog Monster", NOW, "Mason", "en-US",
                ),
            ),
        ),
        Documented(
            "https://docs.discord.com/developers/components/reference#button",
            _posted(_PRESSED),
            (
                Inbound(
                    "user:53908232506183680", "interaction 786008729715212338", "Click me!", NOW,
                    "Mason", "en-US", button="click_me",
                ),
            ),
        ),
    ),
)  # fmt: skip
