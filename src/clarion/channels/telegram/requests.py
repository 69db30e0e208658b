"""A message with more than a text, as a call of the Bot API.

Rules from https://core.telegram.org/bots/api: sendPhoto, sendDocument, “Sending files”,
InlineKeyboardButton.
"""

import json
from typing import Any, NamedTuple

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.files import content_type
from clarion.channels.fitting import ensure_fits, sent_back
from clarion.channels.multipart import form
from clarion.kit.parts import Button, Media

CAPTION = 1024  # characters “after entities parsing”, an emoji counts as two
BUTTON_DATA = 64  # bytes
JSON = "application/json"
PARSE_MODES = {"chat_html": "HTML", "markdownv2": "MarkdownV2"}
_MB = 1_000_000
_UPLOADED = {"image": 10 * _MB, "file": 50 * _MB}  # bytes
_FETCHED = {"image": 5 * _MB, "file": 20 * _MB}  # bytes, when Telegram gets it from an address
_FETCHED_FILES = frozenset({"application/pdf", "application/zip", "image/gif"})
_METHODS = {"image": ("sendPhoto", "photo"), "file": ("sendDocument", "document")}


class Call(NamedTuple):
    """One call: its method, and the type and bytes of what is posted."""

    method: str
    content_type: str
    body: bytes
    upload: bool = False


def call_of(message: Outgoing, limits: Limits, label: str, *, paid: bool) -> Call:
    """The call that sends this message; ``paid``: beyond the free rate it is paid for.

    Raises Unsendable for what Telegram does not take.
    """
    ensure_fits(message, limits, label)
    fields: dict[str, Any] = {"chat_id": message.to}
    if paid:
        fields["allow_paid_broadcast"] = True
    if message.buttons:
        fields["reply_markup"] = {"inline_keyboard": [[_key(each)] for each in message.buttons]}
    if message.format:
        fields["parse_mode"] = PARSE_MODES[message.format]
    if message.media is None:
        return _as_json("sendMessage", {**fields, "text": message.text})
    if message.text:
        fields["caption"] = message.text
    method, name = _METHODS[message.media.kind]
    if message.media.kept_id:
        return _as_json(method, {**fields, name: message.media.kept_id})
    if _is_fetched(message.media):
        return _as_json(method, {**fields, name: message.media.url})
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for key, value in fields.items()
    }
    return Call(method, *form(texts, name, message.media), upload=True)


def _key(button: Button) -> dict[str, str]:
    if button.kind == "link":
        return {"text": button.label, "url": button.value}
    value = sent_back(button)
    if len(value.encode("utf-8", "replace")) > BUTTON_DATA:
        raise Unsendable(
            f"A reply button sends back more than the {BUTTON_DATA} bytes that Telegram accepts."
        )
    return {"text": button.label, "callback_data": value}


def _is_fetched(media: Media) -> bool:
    """Whether Telegram gets it from its address: it keeps what it got, so that is quicker."""
    size = media.size
    if not size:
        return True
    fetched = media.kind == "image" or content_type(media) in _FETCHED_FILES
    if media.url and fetched and size <= _FETCHED[media.kind]:
        return True
    most = _UPLOADED[media.kind]
    if size > most:
        noun = "pictures" if media.kind == "image" else "files"
        raise Unsendable(f"Telegram accepts {noun} of at most {most // _MB} MB. Use a smaller one.")
    return False


def _as_json(method: str, fields: dict[str, Any]) -> Call:
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":"))
    return Call(method, JSON, body.encode("utf-8", "replace"))
