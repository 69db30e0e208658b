"""A message as chat.postMessage takes it.

https://docs.slack.dev/reference/methods/chat.postMessage, and the lengths of Block Kit:
https://docs.slack.dev/reference/block-kit/blocks.
"""

import json
from typing import Any

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.fitting import ensure_fits, sent_back
from clarion.kit.parts import Button, Media

TEXT = 4_000  # characters that Slack recommends at most; it cuts after 40,000
SECTION = 3_000  # characters of the text of one section
BUTTONS = 25  # elements of one block of actions
_LABEL = 75  # characters
_VALUE = 2_000
_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def escaped(text: str) -> str:
    """A text in which nothing is a mention, a link or a command: the three characters that
    https://docs.slack.dev/messaging/formatting-message-text says to escape."""
    return text.translate(_ESCAPES)


def body_of(message: Outgoing, limits: Limits, label: str) -> bytes:
    """The JSON of one message. Raises Unsendable for what Slack does not take.

    Without `mrkdwn` a text is shown as it is written: no asterisk makes anything bold.
    """
    fields: dict[str, Any] = {"channel": message.to, "text": escaped(message.text)}
    fields["mrkdwn"] = False
    if message.media or message.buttons or message.template:
        ensure_fits(message, limits, label)
        fields["blocks"] = _blocks(message)
        fields["text"] = fields["text"] or _alt_text(message)
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def _blocks(message: Outgoing) -> list[dict[str, Any]]:
    text = message.text
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": _plain(text[start : start + SECTION])}
        for start in range(0, len(text), SECTION)
        if text[start : start + SECTION].strip()
    ]
    if message.media:
        blocks.append(_image(message.media))
    if message.buttons:
        elements = [_button(each, number) for number, each in enumerate(message.buttons)]
        blocks.append({"type": "actions", "elements": elements})
    return blocks


def _image(media: Media) -> dict[str, Any]:
    if not media.url:
        raise Unsendable(
            "Slack needs the public URL of a picture. Set CLARION_PUBLIC_URL, or use a picture "
            "that has a URL."
        )
    return {"type": "image", "image_url": media.url, "alt_text": media.name[:_VALUE] or "picture"}


def _button(button: Button, number: int) -> dict[str, Any]:
    if len(button.label) > _LABEL:
        raise Unsendable(f"Slack accepts at most {_LABEL} characters on a button. Shorten it.")
    key = {"type": "button", "text": _plain(button.label), "action_id": f"button-{number}"}
    if button.kind == "link":
        return {**key, "url": button.value}
    value = sent_back(button)
    if len(value) > _VALUE:
        raise Unsendable(f"A reply button sends back at most {_VALUE:,} characters.")
    return {**key, "value": value}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}


def _alt_text(message: Outgoing) -> str:
    """What notifications show of a message without a text."""
    return escaped(message.buttons[0].label) if message.buttons else "picture"
