"""Messages in the form that the Send API takes them.

…/send-messages/template/button, …/template/generic, …/quick-replies and …/saving-assets of
https://developers.facebook.com/documentation/business-messaging/messenger-platform. What it can't
send is Unsendable, with a sentence; nothing is left out silently. No message has a tag: those are
for replies of people and for events of an account, never for broadcasts.
"""

from typing import Any, Final

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fetchable, ensure_fits, length_of, sent_back, unit_of
from clarion.kit.parts import Button, Media

TITLE_LENGTH: Final = 80  # characters of the text beside a picture: the title of a card
MOST_QUICK_REPLIES: Final = 13
_MOST_BUTTONS = 3  # of a text or card with buttons that stay
_BUTTON_TEXT = 640  # characters of the text above them
_LABEL_LENGTH = 20  # characters on a button
_PAYLOAD_LENGTH = 1_000  # characters of what a button sends back
_PICTURES = frozenset({"", "image/jpeg", "image/png", "image/gif"})  # "": nobody knows


def message_of(message: Outgoing, limits: Limits, label: str) -> dict[str, Any]:
    """The object “message” of a request. Raises Unsendable."""
    ensure_fits(message, limits, label)
    for button in message.buttons:
        _ensure_short(button.label, _LABEL_LENGTH, "The label of a button", label)
        if button.kind == "reply":
            _ensure_short(sent_back(button), _PAYLOAD_LENGTH, "What a button sends back", label)
    if message.media is not None:
        ensure_fetchable(message.media, label)
        return _with_media(message, message.media, label)
    if not message.text.strip():
        raise Unsendable("The text is empty.")
    if message.buttons:
        return _with_buttons(message, limits, label)
    return {"text": _fitting(message.text, limits, label)}


def _with_media(message: Outgoing, media: Media, label: str) -> dict[str, Any]:
    if media.kind == "image" and media.content_type not in _PICTURES:
        raise Unsendable(
            f"{label} accepts only JPEG, PNG and GIF pictures. Send this one as a file."
        )
    if media.kind == "image" and (message.text or message.buttons):
        if not message.text.strip():
            raise Unsendable(f"{label} requires a text between a picture and its buttons.")
        card: dict[str, Any] = {"title": message.text, "image_url": media.url}
        if message.buttons:
            card["buttons"] = _lasting(message.buttons, label)
        return _template({"template_type": "generic", "elements": [card]})
    if message.buttons:
        raise Unsendable(f"{label} has no buttons below a file. Put them below a text.")
    return {"attachment": {"type": media.kind, "payload": {"url": media.url}}}


def _with_buttons(message: Outgoing, limits: Limits, label: str) -> dict[str, Any]:
    """Buttons that stay below the text, or those that disappear once one of them is pressed.

    The latter only answer, but are more, and the text above them may be longer.
    """
    has_link = any(button.kind == "link" for button in message.buttons)
    lasting = len(message.buttons) <= _MOST_BUTTONS and len(message.text) <= _BUTTON_TEXT
    if has_link or lasting:
        _ensure_short(message.text, _BUTTON_TEXT, "The text above buttons", label)
        text = _fitting(message.text, limits, label)
        buttons = _lasting(message.buttons, label)
        return _template({"template_type": "button", "text": text, "buttons": buttons})
    replies = [
        {"content_type": "text", "title": button.label, "payload": sent_back(button)}
        for button in message.buttons
    ]
    return {"text": _fitting(message.text, limits, label), "quick_replies": replies}


def _template(payload: dict[str, Any]) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}


def _lasting(buttons: tuple[Button, ...], label: str) -> list[dict[str, str]]:
    if len(buttons) > _MOST_BUTTONS:
        raise Unsendable(
            f"{label} accepts at most {_MOST_BUTTONS} buttons below a picture, and where one of "
            "them is a link."
        )
    return [
        {"type": "web_url", "title": button.label, "url": button.value}
        if button.kind == "link"
        else {"type": "postback", "title": button.label, "payload": sent_back(button)}
        for button in buttons
    ]


def _fitting(text: str, limits: Limits, label: str) -> str:
    if length_of(text, limits) > limits.text_length:
        raise Unsendable(
            f"The text is longer than the {limits.text_length:,} {unit_of(limits)} that {label} "
            "accepts. Shorten it."
        )
    return text


def _ensure_short(text: str, limit: int, what: str, label: str) -> None:
    if len(text) > limit:
        raise Unsendable(f"{what} is longer than the {limit:,} characters that {label} accepts.")
