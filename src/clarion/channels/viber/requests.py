"""Messages in the form that Viber takes them.

https://creators.viber.com/docs/bots-api/data-models/message, and of keyboards
https://developers.viber.com/docs/tools/keyboards/.
"""

import json
from typing import Any, Final

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.channels.files import file_name
from clarion.channels.fitting import ensure_fetchable, ensure_fits, sent_back
from clarion.kit.parts import Button, Media

TEXT_LENGTH: Final = 7_000  # characters
CAPTION: Final = 768  # characters beside a picture
MOST_BUTTONS: Final = 24  # rows of a keyboard; that Viber shows so many is not verified
RECEIVERS: Final = 300  # of one broadcast message
VIDEO_SIZE: Final = 26_000_000  # bytes of a video that is played in the chat
FILE_SIZE: Final = 50_000_000  # bytes
LARGEST: Final = 30_000  # bytes of a whole request
_PER_RECEIVER: Final = 40  # bytes of an id and what is around it, at most
_TRACKING: Final = 4_000  # characters
_LABEL: Final = 250  # characters that a pressed button sends
_PICTURES = (".jpeg", ".jpg", ".png", ".gif")


def content_of(message: Outgoing, limits: Limits, label: str) -> dict[str, Any]:
    """What a message says, without its sender and receivers. Raises Unsendable."""
    ensure_fits(message, limits, label)
    content: dict[str, Any] = {"min_api_version": 1}
    if message.media is not None and message.media.kind == "file":
        content |= _file(message.media)
    elif message.media is not None:
        content |= {"type": "picture", "text": message.text, "media": _picture(message.media)}
    elif message.text.strip():
        content |= {"type": "text", "text": message.text}
    else:
        raise Unsendable("The text is empty.")
    if len(message.text) > limits.text_length:
        raise Unsendable(
            f"The text is longer than the {limits.text_length:,} characters that Viber accepts."
        )
    if message.buttons:
        keys = [_key(button) for button in message.buttons]
        content["keyboard"] = {"Type": "keyboard", "DefaultHeight": False, "Buttons": keys}
    values = {each.label: sent_back(each) for each in message.buttons if each.kind == "reply"}
    if values:
        # A press comes back as a text, its label, with what is tracked of the last message.
        content["tracking_data"] = _json({"buttons": values})
        if len(content["tracking_data"]) > _TRACKING:
            raise Unsendable("The reply buttons send back more than Viber accepts.")
    return content


def fits_many(content: dict[str, Any]) -> bool:
    """Whether a request with so many receivers is small enough."""
    return len(encoded(content)) + RECEIVERS * _PER_RECEIVER <= LARGEST


def encoded(body: dict[str, Any]) -> bytes:
    """The body of a request."""
    return _json(body).encode("utf-8", "replace")


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _picture(media: Media) -> str:
    ensure_fetchable(media, "Viber")
    path = media.url.partition("#")[0].partition("?")[0]
    if not path.lower().endswith(_PICTURES):
        raise Unsendable("Viber accepts pictures whose URL ends with .jpeg, .jpg, .png or .gif.")
    return media.url


def _file(media: Media) -> dict[str, Any]:
    """A video that Viber plays, or a file. Raises Unsendable.

    …/docs/bots-api/data-models/message#video-message and #file-message: both need the size.
    """
    ensure_fetchable(media, "Viber")
    if not media.size:
        raise Unsendable(
            "Viber needs the size of a file, which is not known of a URL. Upload the file instead."
        )
    path = media.url.partition("#")[0].partition("?")[0].lower()
    if media.size <= VIDEO_SIZE and path.endswith(".mp4"):
        return {"type": "video", "media": media.url, "size": media.size}
    if media.size > FILE_SIZE:
        raise Unsendable(f"Viber accepts files of at most {FILE_SIZE // 10**6} MB.")
    name = file_name(media)
    return {"type": "file", "media": media.url, "size": media.size, "file_name": name}


def _key(button: Button) -> dict[str, Any]:
    if len(button.label) > _LABEL:
        raise Unsendable(f"The label of a button is longer than {_LABEL} characters.")
    is_link = button.kind == "link"
    return {
        "Columns": 6,
        "Rows": 1,
        "ActionType": "open-url" if is_link else "reply",
        "ActionBody": button.value if is_link else button.label,
        "Text": button.label,
    }
