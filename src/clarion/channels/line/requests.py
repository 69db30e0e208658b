"""Messages in the form that LINE takes them.

https://developers.line.biz/en/reference/messaging-api/#message-objects; its schema is
https://github.com/line/line-openapi (messaging-api.yml).
"""

import json
from collections.abc import Sequence
from typing import Any, Final
from uuid import UUID, uuid5

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fetchable, ensure_fits, length_of, sent_back
from clarion.kit.parts import Button, Media

TEXT_LENGTH: Final = 5_000  # UTF-16 units of a text message
RECIPIENTS: Final = 500  # of one multicast
MOST_BUTTONS: Final = 13  # quick replies under one message
_TEMPLATE_BUTTONS: Final = 4  # of a buttons template
_TEMPLATE_TEXT: Final = 160  # UTF-16 units of its text, where it has no picture and no title
_LABEL: Final = 20  # UTF-16 units
_DATA: Final = 300  # characters that a postback sends
_URL: Final = 1_000  # characters of a link, and …
_MEDIA_URL: Final = 2_000  # … of a picture's
_PICTURES = frozenset({"", "image/jpeg", "image/png"})  # "" is one whose type nobody knows
# Of retry keys, from the id of a message or from those of all that share a request.
_KEYS = UUID("6f6b1a86-6a6b-5d0a-9d0e-2f5f7c0c1b7a")


def messages_of(message: Outgoing, limits: Limits, label: str) -> list[dict[str, Any]]:
    """The message objects, at most three of the five that a request may have. Raises Unsendable.

    Up to four buttons under a short text stay in the chat. More, or under a longer text, are quick
    replies, which phones show until the next message.
    """
    ensure_fits(message, limits, label)
    objects: list[dict[str, Any]] = []
    if message.media is not None:
        url = _picture(message.media)
        objects.append({"type": "image", "originalContentUrl": url, "previewImageUrl": url})
    if length_of(message.text, limits) > limits.text_length:
        raise Unsendable(
            f"The text is longer than the {limits.text_length:,} characters that LINE accepts."
        )
    actions = [_action(button, limits) for button in message.buttons]
    is_short = length_of(message.text, limits) <= _TEMPLATE_TEXT
    if message.text.strip():
        if 0 < len(actions) <= _TEMPLATE_BUTTONS and is_short:
            template = {"type": "buttons", "text": message.text, "actions": actions}
            objects.append({"type": "template", "altText": message.text, "template": template})
            return objects
        objects.append({"type": "text", "text": message.text})
    if not objects:
        raise Unsendable("The text is empty.")
    if actions:
        items = [{"type": "action", "action": action} for action in actions]
        objects[-1]["quickReply"] = {"items": items}
    return objects


def retry_key(ids: Sequence[str]) -> str:
    """X-Line-Retry-Key of the request for these messages; the same ones have the same key."""
    return str(uuid5(_KEYS, "\n".join(ids)))


def encoded(body: dict[str, Any]) -> bytes:
    """The body of a request."""
    written = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return written.encode("utf-8", "replace")


def _picture(media: Media) -> str:
    ensure_fetchable(media, "LINE")
    if not media.url.startswith("https://") or len(media.url) > _MEDIA_URL:
        raise Unsendable("LINE accepts pictures whose URL begins with https://.")
    if media.content_type not in _PICTURES:
        raise Unsendable("LINE accepts only JPEG and PNG pictures.")
    return media.url


def _action(button: Button, limits: Limits) -> dict[str, Any]:
    if length_of(button.label, limits) > _LABEL:
        raise Unsendable(
            f"The label of a button is longer than the {_LABEL} characters that LINE accepts."
        )
    if button.kind == "link":
        if len(button.value) > _URL:
            raise Unsendable(f"The URL of a link button is longer than {_URL:,} characters.")
        return {"type": "uri", "label": button.label, "uri": button.value}
    # A postback does not say which button it was: so the label is sent along.
    data = f"{sent_back(button)}\n{button.label}"
    if length_of(data, limits) > _DATA:
        raise Unsendable("A reply button sends back more than LINE accepts.")
    return {"type": "postback", "label": button.label, "data": data, "displayText": button.label}
