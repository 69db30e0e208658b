"""What Discord posts to the Interactions endpoint, and what it is answered.

https://docs.discord.com/developers/interactions/receiving-and-responding and
https://docs.discord.com/developers/interactions/overview (signatures).
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from clarion.channels import payloads
from clarion.channels.contract import Event, HookRequest, Ignored, Inbound
from clarion.channels.discord.ids import USER, is_snowflake
from clarion.channels.keywords import with_requested_state

TOLERANCE = 300  # seconds that a timestamp may be away from our clock
_TIMESTAMP = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[0-9a-f]{128}")
_PING, _COMMAND, _PRESS = 1, 2, 3
_ONLY_FOR_THEM = 64  # the flag of an answer that nobody else sees


def is_signed(key: str, hook: HookRequest) -> bool:
    """Whether it is signed with the application's key (Ed25519), a short time ago."""
    signature = hook.headers.get("x-signature-ed25519", "").lower()
    timestamp = hook.headers.get("x-signature-timestamp", "")
    if not key or not _SIGNATURE.fullmatch(signature) or not _TIMESTAMP.fullmatch(timestamp):
        return False
    if abs(hook.received_at.timestamp() - int(timestamp)) > TOLERANCE:
        return False
    try:
        verifier = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
        verifier.verify(bytes.fromhex(signature), timestamp.encode() + hook.body)
    except (InvalidSignature, ValueError):
        return False
    return True


def events_of(hook: HookRequest) -> list[Event]:
    """A pressed button, or a slash command. Raises ValueError where it is no interaction."""
    interaction = payloads.object_of(hook.body)
    type_ = interaction.get("type")
    if isinstance(type_, bool) or not isinstance(type_, int):
        raise ValueError("The callback is not a Discord interaction: it has no type.")
    data = payloads.part(interaction.get("data"))
    if type_ == _PRESS:
        value = payloads.text(data.get("custom_id"), 256)
        text = _label(payloads.part(interaction.get("message")), value)
    elif type_ == _COMMAND:
        value, text = "", " ".join(_words(data))
    else:
        return [Ignored("An interaction of this type is not used.")]
    sender, aliases = _sender(interaction)
    interaction_id = payloads.identifier(interaction.get("id"))
    if not sender or not text or not 0 < len(interaction_id) <= 100:
        return [Ignored("An interaction without a user or a text is not used.")]
    user = _user(interaction)
    name = payloads.text(user.get("global_name"), 200) or payloads.text(user.get("username"), 200)
    return with_requested_state(
        Inbound(
            sender=sender,
            external_id=f"interaction {interaction_id}",
            text=text,
            at=hook.received_at,  # an interaction has no time
            name=name,
            language=payloads.text(interaction.get("locale"), 35),
            button=value,
            aliases=aliases,
        )
    )


def answer_to(hook: HookRequest, command_reply: str) -> bytes:
    """PONG to PING; that a button has done its work; an answer to a command. Never raises."""
    try:
        type_ = payloads.object_of(hook.body).get("type")
    except ValueError:
        return b""
    answers: dict[Any, dict[str, Any]] = {
        _PING: {"type": 1},
        _COMMAND: {"type": 4, "data": {"content": command_reply, "flags": _ONLY_FOR_THEM}},
        _PRESS: {"type": 6},
    }
    is_answered = isinstance(type_, int) and not isinstance(type_, bool) and type_ in answers
    return json.dumps(answers[type_]).encode() if is_answered else b""


def _user(interaction: Mapping[str, Any]) -> Mapping[str, Any]:
    """In a server the user is part of the member."""
    user = payloads.part(interaction.get("user"))
    return user or payloads.part(payloads.part(interaction.get("member")).get("user"))


def _sender(interaction: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Who it is: by the channel of direct messages, where it happened there, and by their id."""
    user = payloads.identifier(_user(interaction).get("id"))
    if not is_snowflake(user):
        return "", ()
    channel = payloads.identifier(interaction.get("channel_id"))
    if interaction.get("guild_id") is None and interaction.get("context") == 1:  # BOT_DM
        return (channel, (USER + user,)) if is_snowflake(channel) else (USER + user, ())
    return USER + user, ()


def _words(data: Mapping[str, Any]) -> Iterator[str]:
    """A command as it was written: “/feedback very good”."""
    name = payloads.text(data.get("name"), 32)
    if not name:
        return
    yield f"/{name}"
    options = data.get("options")
    for option in options if isinstance(options, list) else ():
        value = payloads.part(option).get("value")
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            yield payloads.text(str(value), 6_000)


def _label(message: Mapping[str, Any], value: str) -> str:
    rows = message.get("components")
    for row in rows if isinstance(rows, list) else ():
        keys = payloads.part(row).get("components")
        for key in keys if isinstance(keys, list) else ():
            if payloads.part(key).get("custom_id") == value:
                return payloads.text(payloads.part(key).get("label"), 200) or value
    return value
