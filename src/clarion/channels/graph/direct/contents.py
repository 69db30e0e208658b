"""What a message of a person is.

…/messenger-platform/webhooks/webhook-events/messages and …/instagram-messaging/webhooks of
https://developers.facebook.com/documentation/business-messaging.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from clarion.channels import payloads

_NOUNS = {
    "audio": "audio",
    "fallback": "link",
    "file": "file",
    "ig_post": "shared post",
    "ig_reel": "reel",
    "image": "image",
    "like_heart": "heart",
    "location": "location",
    "reel": "reel",
    "share": "shared post",
    "story_mention": "story mention",
    "template": "shared content",
    "video": "video",
}
_OTHER = "unsupported message"


class Content(NamedTuple):
    """What a message says."""

    text: str
    button: str = ""  # the value of the pressed button
    media: str = ""  # what it is, where that is no text


def content_of(message: Mapping[str, Any]) -> Content:
    """What was written, pressed or attached, else a line that says what came.

    A line begins with what it is about, so that no name in it is taken for a word that opts out.
    """
    text = payloads.text(message.get("text"))
    payload = payloads.text(payloads.part(message.get("quick_reply")).get("payload"), 1_000)
    if payload:
        return Content(text, payload)
    attachments = payloads.objects(message.get("attachments"))
    nouns = list(dict.fromkeys(_noun(each) for each in attachments))
    story = payloads.part(payloads.part(message.get("reply_to")).get("story"))
    if story:
        nouns.insert(0, "story reply")
    if message.get("is_unsupported") is True or not (text or nouns):
        nouns = nouns or [_OTHER]
    described = "" if text else ", ".join(filter(None, map(_described, attachments)))
    return Content(text or described, media=", ".join(nouns))


def reaction_of(reaction: Mapping[str, Any]) -> Content:
    """What somebody reacted with."""
    emoji = payloads.text(reaction.get("emoji"), 40) or payloads.text(reaction.get("reaction"), 40)
    return Content(f"Reaction: {emoji}" if emoji else "Reaction", media="reaction")


def _noun(attachment: Mapping[str, Any]) -> str:
    kind = attachment.get("type")
    return _NOUNS.get(kind, _OTHER) if isinstance(kind, str) else _OTHER


def _described(attachment: Mapping[str, Any]) -> str:
    payload = payloads.part(attachment.get("payload"))
    kind = attachment.get("type")
    if kind == "location":
        where = payloads.part(payload.get("coordinates"))
        numbers = [str(where[key]) for key in ("lat", "long") if _is_number(where.get(key))]
        return f"Location: {', '.join(numbers)}" if numbers else "Location"
    title = attachment.get("title") or payload.get("title")
    words = payloads.text(title, 300)
    if kind in ("fallback", "share", "ig_post", "ig_reel", "reel", "template"):
        noun = _noun(attachment).capitalize()
        return f"{noun}: {words}" if words else noun
    if kind == "story_mention":
        return "Story mention: they mentioned you in their story"
    return "Heart: ❤" if kind == "like_heart" else ""


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 10**20
