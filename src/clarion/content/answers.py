"""What a story's webhook answers: 0 to 20 messages, what it wants remembered, and attributes."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from clarion.content import blocks
from clarion.content.errors import ContentError
from clarion.content.faults import sentences
from clarion.content.filters import OUTPUT_LIMIT
from clarion.content.messages import Message, as_json
from clarion.kit.markup.pieces import MarkupError
from clarion.kit.markup.reading import FORMATS, read
from clarion.kit.parts import Button, Media

MOST_RESPONSES: Final = 20
BODY_LIMIT: Final = 256 * 1024  # bytes
OBJECT_LIMIT: Final = 64 * 1024  # bytes of JSON, for each of the two objects
_FIELDS = frozenset({"responses", "memory", "attributes"})


@dataclass(frozen=True, slots=True)
class Answer:
    """``responses`` are messages for ``message_from``; JSON can hold all of it."""

    responses: list[dict[str, Any]]
    memory: dict[str, Any]
    attributes: dict[str, Any]  # of the contact, by name; not compared with their types yet


def parse_answer(body: bytes) -> Answer:
    """Read the body of a webhook's 2xx reply; an empty one says nothing, and that is fine.

    Texts are taken as they are: an answer holds no variables. Raises ContentError.
    """
    if len(body) > BODY_LIMIT:
        raise ContentError(f"The webhook's answer is larger than {BODY_LIMIT // 1024} KiB.")
    if not body.strip():
        return Answer([], {}, {})
    answer = _json(body)
    if unknown := sorted(set(answer) - _FIELDS):
        raise ContentError(
            f"The webhook's answer has a field “{unknown[0][:40]}”: only responses, memory and "
            "attributes are allowed."
        )
    responses = answer.get("responses", [])
    if not isinstance(responses, list):
        raise ContentError("The webhook's answer has responses that are no list.")
    if len(responses) > MOST_RESPONSES:
        raise ContentError(
            f"The webhook answered {len(responses):,} messages: {MOST_RESPONSES} are allowed."
        )
    messages = [_message(number, response) for number, response in enumerate(responses, 1)]
    return Answer(
        [as_json(message) for message in messages],
        _storable("memory", answer.get("memory", {})),
        _storable("attributes", answer.get("attributes", {})),
    )


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body, parse_constant=_no_number)
    except (ValueError, RecursionError):  # ValueError is also what undecodable bytes raise
        raise ContentError("The webhook's answer is no JSON.") from None
    if not isinstance(answer, dict):
        raise ContentError("The webhook's answer is no JSON object.")
    return answer


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)  # NaN and Infinity, which only Python's JSON knows


def _storable(field: str, value: object) -> dict[str, Any]:
    """An object that databases store. Raises ContentError, which names the field."""
    if not isinstance(value, dict):
        raise ContentError(f"The webhook's answer has a field “{field}” that is no object.")
    try:
        size = len(json.dumps(value, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError):  # a lone surrogate, 1e999, a thousand brackets
        raise ContentError(
            f"The webhook's {field} contains something that no database can store."
        ) from None
    if size > OBJECT_LIMIT:
        raise ContentError(f"The webhook's {field} is larger than {OBJECT_LIMIT // 1024} KiB.")
    if _holds_nul(value):
        raise ContentError(f"The webhook's {field} contains a NUL character.")
    return value


def _holds_nul(value: object) -> bool:
    # PostgreSQL stores none.
    if isinstance(value, str):
        return "\x00" in value
    if isinstance(value, dict):
        return any(_holds_nul(key) or _holds_nul(held) for key, held in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


def _message(number: int, response: object) -> Message:
    if isinstance(response, str):
        response = {"kind": "text", "text": response}
    try:
        block = blocks.shape(response)
        return _MAKERS[block.kind](block)
    except ValidationError as error:
        _field, sentence = next(sentences(error))
    except ContentError as error:
        sentence = str(error)
    raise ContentError(f"Response {number} of the webhook: {sentence}") from None


def _text(block: blocks.TextBlock) -> Message:
    return _formatted(Message(_bounded(block.text, "The text is empty.")), block)


def _media(block: blocks.ImageBlock | blocks.FileBlock) -> Message:
    if block.media:
        raise ContentError("An answer can't name an upload. Give its address.")
    blocks.check_address(block.url)
    name = block.name if isinstance(block, blocks.FileBlock) else ""
    message = Message(_bounded(block.caption), Media(block.kind, block.url, name, ""))
    return _formatted(message, block)


def _buttons(block: blocks.ButtonsBlock) -> Message:
    text = _bounded(block.text, "The text above the buttons is empty.")
    return _formatted(Message(text, None, tuple(map(_button, block.buttons))), block)


def _formatted(
    message: Message,
    block: blocks.TextBlock | blocks.ImageBlock | blocks.FileBlock | blocks.ButtonsBlock,
) -> Message:
    """The message with the format of its block. Raises ContentError for markup that is wrong."""
    if block.format not in FORMATS:
        return message
    try:
        read(message.text, block.format)
    except MarkupError as error:
        raise ContentError(str(error)) from None
    return replace(message, format=block.format)


def _button(button: blocks.BlockButton) -> Button:
    if not button.label.strip():
        raise ContentError("A button has no words.")
    if button.kind == "link":
        blocks.check_address(button.value)
        return Button("link", button.label, button.value)
    if button.kind == "story":
        return Button("reply", button.label, blocks.story_value(button.value))
    return Button("reply", button.label, button.value or button.label)


def _webhook(_: blocks.WebhookBlock) -> Message:
    raise ContentError("A webhook can't answer with another webhook.")


def _bounded(text: str, when_empty: str = "") -> str:
    if when_empty and not text.strip():
        raise ContentError(when_empty)
    if len(text.encode()) > OUTPUT_LIMIT:
        raise ContentError(f"The text is longer than {OUTPUT_LIMIT // 1024} KiB.")
    return text


_MAKERS: Mapping[str, Callable[[Any], Message]] = {
    "text": _text,
    "image": _media,
    "file": _media,
    "buttons": _buttons,
    "webhook": _webhook,
}
