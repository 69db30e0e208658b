"""A message as Create Message takes it: https://docs.discord.com/developers/resources/message.

Components: https://docs.discord.com/developers/components/reference, Action Row and Button.
"""

import hashlib
import json
from typing import Any

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.discord.ids import user_of
from clarion.channels.fitting import ensure_fits, sent_back
from clarion.kit.parts import Button

TEXT = 2_000  # characters of a message's content
BUTTONS = 25  # five rows of five
_ROW = 5
_LABEL = 80  # characters
_CUSTOM_ID = 100
_LINK = 512
_PRIMARY, _LINK_STYLE = 1, 5


def opening(to: str) -> bytes:
    """The JSON that opens the channel of direct messages with a user."""
    return json.dumps({"recipient_id": user_of(to)}).encode()


def body_of(message: Outgoing, limits: Limits, label: str) -> bytes:
    """The JSON of one message. Raises Unsendable for what Discord does not take.

    Nobody is notified by an @ in a text. The nonce lets Discord drop a message that comes twice
    “in the past few minutes”, which is less than a repeat may need.
    """
    fields: dict[str, Any] = {
        "content": message.text,
        "nonce": nonce_of(message.id),
        "enforce_nonce": True,
        "allowed_mentions": {"parse": []},
    }
    if message.media or message.buttons or message.template:
        ensure_fits(message, limits, label)
        if message.media:
            if not message.media.url:
                raise Unsendable(
                    "Discord needs the public URL of a picture. Set CLARION_PUBLIC_URL, or use a "
                    "picture that has a URL."
                )
            fields["embeds"] = [{"image": {"url": message.media.url}}]
        if message.buttons:
            fields["components"] = _rows(message)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def nonce_of(message_id: str) -> str:
    """Up to 25 characters that stand for our id: “a nonce can be up to 25 characters”."""
    return hashlib.sha256(message_id.encode("utf-8", "replace")).hexdigest()[:25]


def _rows(message: Outgoing) -> list[dict[str, Any]]:
    keys = [_key(each) for each in message.buttons]
    ids = [key["custom_id"] for key in keys if "custom_id" in key]
    if len(set(ids)) != len(ids):
        raise Unsendable("Two reply buttons send back the same value. Discord accepts each once.")
    rows = [keys[start : start + _ROW] for start in range(0, len(keys), _ROW)]
    return [{"type": 1, "components": row} for row in rows]


def _key(button: Button) -> dict[str, Any]:
    if len(button.label) > _LABEL:
        raise Unsendable(f"Discord accepts at most {_LABEL} characters on a button. Shorten it.")
    if button.kind == "link":
        if len(button.value) > _LINK:
            raise Unsendable(f"Discord accepts links of at most {_LINK} characters on a button.")
        return {"type": 2, "style": _LINK_STYLE, "label": button.label, "url": button.value}
    value = sent_back(button)
    if len(value) > _CUSTOM_ID:
        raise Unsendable(f"A reply button sends back at most {_CUSTOM_ID} characters on Discord.")
    return {"type": 2, "style": _PRIMARY, "label": button.label, "custom_id": value}
