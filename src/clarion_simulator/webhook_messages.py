"""A message of the webhook kind: what must be in it, and what it may carry beside its text."""

import hashlib
import re
from base64 import b64decode
from typing import Any, NamedTuple

from pydantic_core import from_json

from clarion_simulator.log import PARTS

_NAMES = frozenset(PARTS)
_URL = re.compile(r"https?://[!-~]+")
_ADDRESS = re.compile(r"https?://\S+")


class Message(NamedTuple):
    """One message; `parts` as the log keeps them, `id` is None where the sender gave none."""

    to: str
    text: str
    id: object
    callback: str
    parts: dict[str, Any]


def read(raw: bytes | bytearray, callback: str) -> Message:
    """The message in a body; `callback` is where receipts go unless it says so itself.

    Raises ValueError with what is wrong, in words without a full stop.
    """
    try:
        body = from_json(raw, cache_strings="keys")
    except ValueError:
        raise ValueError("The body is not JSON") from None
    if not isinstance(body, dict):
        raise ValueError("The body is not a JSON object")
    to, text = body.get("to"), body.get("text", "")
    if isinstance(to, int) and not isinstance(to, bool):
        to = str(to)
    if not isinstance(to, str) or not to:
        raise ValueError("to must be the recipient, a text")
    if not isinstance(text, str):
        raise ValueError("text must be a text")
    callback = body.get("callback") or callback
    if callback and not (isinstance(callback, str) and _URL.fullmatch(callback)):
        raise ValueError("callback must be an http:// or https:// address")
    parts = {} if _NAMES.isdisjoint(body) else _parts(body)
    return Message(to, text, body.get("id"), callback, parts)


def _parts(body: dict[str, Any]) -> dict[str, Any]:
    readers = zip(PARTS, (_media, _buttons, _template), strict=True)
    return {name: read(body[name]) for name, read in readers if name in body}


def _media(value: object) -> dict[str, Any]:
    if not isinstance(value, dict) or value.get("kind") not in ("image", "file"):
        raise ValueError("media must be an object with kind image or file")
    media = {name: _text(value, name, "media") for name in ("kind", "url", "name", "content_type")}
    media = {name: text for name, text in media.items() if text}
    data = value.get("data")
    if "url" in media:
        if not _ADDRESS.fullmatch(media["url"]):
            raise ValueError("media.url must be an http:// or https:// address")
        return media
    try:
        content = b64decode(data, validate=True) if isinstance(data, str) else b""
    except ValueError:
        content = b""
    if not content:
        raise ValueError("media needs a url, or data in base64")
    return {**media, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _buttons(value: object) -> list[dict[str, str]]:
    if not isinstance(value, list) or not value:
        raise ValueError("buttons must be a list of buttons")
    buttons = []
    for each in value:
        if not isinstance(each, dict) or each.get("kind") not in ("link", "reply"):
            raise ValueError("a button must be an object with kind link or reply")
        button = {name: _text(each, name, "a button") for name in ("kind", "label", "value")}
        if not all(button.values()):
            raise ValueError("a button must have a label and a value")
        buttons.append(button)
    return buttons


def _template(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("template must be an object")
    variables = value.get("variables")
    if not isinstance(variables, list) or not all(isinstance(each, str) for each in variables):
        raise ValueError("template.variables must be a list of texts")
    template = {name: _text(value, name, "template") for name in ("name", "language")}
    if not template["name"]:
        raise ValueError("template must have a name")
    return {**template, "variables": variables}


def _text(value: dict[str, Any], name: str, where: str) -> str:
    text = value.get(name, "")
    if not isinstance(text, str):
        raise ValueError(f"{where}: {name} must be a text")
    return text
