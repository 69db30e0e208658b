"""What WhatsApp looks at in a message before it takes it, and what of it stands in the log."""

import re
from typing import Any

TEXT_MAX = 4096
BODY_MAX = 1024
BUTTONS_MAX = 3
LABEL_MAX = 20
_TEMPLATE = re.compile(r"[a-z0-9_]{1,512}")
_LINK = re.compile(r"https?://[!-~]+")


class Wrong(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error reply with this code of WhatsApp."""

    def __init__(self, code: int, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


def shown(message: dict[str, Any]) -> str:
    """The words of a message as the log keeps them. Raises Wrong for what WhatsApp refuses."""
    if message.get("messaging_product") != "whatsapp":
        raise Wrong(100, "Param messaging_product must be whatsapp.")
    if not any(isinstance(message.get(to), str) and message[to] for to in ("to", "recipient")):
        raise Wrong(131008, "The parameter to is required.")
    kind = message.get("type")
    reader = _READERS.get(kind) if isinstance(kind, str) else None
    if reader is None:
        raise Wrong(131051, f"Unsupported message type {kind}.")
    return reader(_part(message, str(kind)))


def _text(part: dict[str, Any]) -> str:
    return _words(part, "body", TEXT_MAX)


def _media(part: dict[str, Any]) -> str:
    media_id = part.get("id")
    if isinstance(media_id, str) and media_id.isdigit():
        return _words(part, "caption", BODY_MAX) if "caption" in part else f"file {media_id}"
    link = part.get("link")
    if not isinstance(link, str) or not _LINK.fullmatch(link):
        raise Wrong(131009, "Parameter link must be a valid URL.")
    return _words(part, "caption", BODY_MAX) if "caption" in part else link


def _template(part: dict[str, Any]) -> str:
    name = part.get("name")
    if not isinstance(name, str) or not _TEMPLATE.fullmatch(name):
        raise Wrong(100, "Param template['name'] must be lower-case letters, digits and _.")
    language = _words(_part(part, "language"), "code", 20)
    values = [
        _words(each, "text", BODY_MAX)
        for component in _parts(part, "components")
        if component.get("type") == "body"
        for each in _parts(component, "parameters")
    ]
    for value in values:
        if re.search(r"[\n\r\t]| {5}", value):
            raise Wrong(132018, "Param text has a line break, a tab or too many spaces.")
    return f"{name} ({language}){': ' if values else ''}{' | '.join(values)}"


def _interactive(part: dict[str, Any]) -> str:
    body = _words(_part(part, "body"), "text", BODY_MAX)
    action = _part(part, "action")
    if part.get("type") == "cta_url":
        link = _part(action, "parameters")
        labels = [_words(link, "display_text", LABEL_MAX)]
        _media({"link": link.get("url")})
    elif part.get("type") == "button":
        replies = [_part(each, "reply") for each in _parts(action, "buttons")]
        labels = [_words(reply, "title", LABEL_MAX) for reply in replies]
        ids = {_words(reply, "id", 256) for reply in replies}
        if not 1 <= len(labels) <= BUTTONS_MAX or len(ids) < len(labels):
            raise Wrong(131009, f"There must be 1 to {BUTTONS_MAX} buttons with ids of their own.")
    else:
        raise Wrong(131009, "Parameter interactive['type'] is not known.")
    if "header" in part:
        header = _part(part, "header")
        _media(_part(header, str(header.get("type"))))
    return " ".join([body, *(f"[{label}]" for label in labels)])


_READERS = {
    "text": _text,
    "image": _media,
    "document": _media,
    "template": _template,
    "interactive": _interactive,
}


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise Wrong(131008, f"The parameter {name} is required.")
    return part


def _parts(whole: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = whole.get(name, [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Wrong(131009, f"Parameter {name} must be a list of objects.")
    return parts


def _words(part: dict[str, Any], name: str, limit: int) -> str:
    words = part.get(name)
    if not isinstance(words, str) or not words.strip():
        raise Wrong(131008, f"The parameter {name} is required.")
    if len(words) > limit:
        raise Wrong(131009, f"Parameter {name} is longer than {limit} characters.")
    return words
