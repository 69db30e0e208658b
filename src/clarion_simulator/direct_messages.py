"""What the Send API looks at in a message before it takes it, and what of it stands in the log."""

import re
from dataclasses import dataclass
from typing import Any

LABEL_MAX = 20
TITLE_MAX = 80
BUTTON_TEXT_MAX = 640
BUTTONS_MAX = 3
QUICK_REPLIES_MAX = 13
PAYLOAD_MAX = 1_000
_LINK = re.compile(r"https?://[!-~]+")


@dataclass(frozen=True)
class Platform:
    """One of the two platforms: what its callbacks are about, and how long a text may be."""

    name: str
    about: str
    text_max: int
    counts_bytes: bool
    confirms_delivery: bool

    def length(self, text: str) -> int:
        """How long a text is there."""
        return len(text.encode() if self.counts_bytes else text)


MESSENGER = Platform("messenger", "page", 2_000, counts_bytes=False, confirms_delivery=True)
INSTAGRAM = Platform("instagram", "instagram", 1_000, counts_bytes=True, confirms_delivery=False)


class Invalid(Exception):  # noqa: N818 - it is an answer, not a mistake of ours
    """An error reply with code 100."""


def shown(request: dict[str, Any], platform: Platform) -> tuple[str, str]:
    """Who gets a message, and its words as the log keeps them. Raises Invalid."""
    to = _part(request, "recipient").get("id")
    if not isinstance(to, str) or not to:
        raise Invalid("Param recipient['id'] is required.")
    if request.get("messaging_type") not in ("RESPONSE", "UPDATE"):
        raise Invalid("Param messaging_type must be RESPONSE or UPDATE without a tag.")
    message = _part(request, "message")
    if "attachment" in message:
        if "text" in message:
            raise Invalid("Message cannot have both text and an attachment.")
        return to, _attachment(_part(message, "attachment"))
    text = _words(message, "text", platform.text_max, platform)
    replies = _parts(message, "quick_replies")
    if len(replies) > QUICK_REPLIES_MAX:
        raise Invalid(f"There must be at most {QUICK_REPLIES_MAX} quick replies.")
    return to, " ".join([text, *(f"[{_button(reply)}]" for reply in replies)])


def _attachment(part: dict[str, Any]) -> str:
    payload = _part(part, "payload")
    if part.get("type") == "template":
        return _template(payload)
    if part.get("type") not in ("image", "file", "audio", "video"):
        raise Invalid("Param attachment['type'] is not known.")
    return _link(payload, "url")


def _template(payload: dict[str, Any]) -> str:
    if payload.get("template_type") == "button":
        text = _words(payload, "text", BUTTON_TEXT_MAX)
        return _with_buttons(text, _parts(payload, "buttons"), least=1)
    if payload.get("template_type") != "generic":
        raise Invalid("Param template_type is not known.")
    cards = _parts(payload, "elements")
    if not 1 <= len(cards) <= 10:
        raise Invalid("There must be 1 to 10 elements.")
    for card in cards:
        if "image_url" in card:
            _link(card, "image_url")
    texts = [_with_buttons(_words(c, "title", TITLE_MAX), _parts(c, "buttons")) for c in cards]
    return " | ".join(texts)


def _with_buttons(text: str, buttons: list[dict[str, Any]], least: int = 0) -> str:
    if not least <= len(buttons) <= BUTTONS_MAX:
        raise Invalid(f"There must be at most {BUTTONS_MAX} buttons.")
    return " ".join([text, *(f"[{_button(button)}]" for button in buttons)])


def _button(button: dict[str, Any]) -> str:
    kind = button.get("type") or button.get("content_type")
    if kind == "web_url":
        _link(button, "url")
    elif kind in ("postback", "text"):
        _words(button, "payload", PAYLOAD_MAX)
    else:
        raise Invalid("Param type of a button is not known.")
    return _words(button, "title", LABEL_MAX)


def _link(part: dict[str, Any], name: str) -> str:
    url = part.get(name)
    if not isinstance(url, str) or not _LINK.fullmatch(url):
        raise Invalid(f"Param {name} must be a valid URL.")
    return url


def _part(whole: dict[str, Any], name: str) -> dict[str, Any]:
    part = whole.get(name)
    if not isinstance(part, dict):
        raise Invalid(f"Param {name} is required.")
    return part


def _parts(whole: dict[str, Any], name: str) -> list[dict[str, Any]]:
    parts = whole.get(name, [])
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise Invalid(f"Param {name} must be a list of objects.")
    return parts


def _words(part: dict[str, Any], name: str, limit: int, of: Platform = MESSENGER) -> str:
    words = part.get(name)
    if not isinstance(words, str) or not words.strip():
        raise Invalid(f"Param {name} is required.")
    if of.length(words) > limit:
        raise Invalid(f"Length of param {name} must be less than or equal to {limit}.")
    return words
