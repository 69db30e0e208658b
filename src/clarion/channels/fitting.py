"""Refusing what a kind can't carry, in words for people, before anything leaves."""

import re

from clarion.channels.contract import Limits, Outgoing, Unsendable
from clarion.kit.markup.pieces import MarkupError, shown_text
from clarion.kit.markup.reading import read
from clarion.kit.parts import Button, Media

_ADDRESS = re.compile(r"https?://[^\s\x00-\x20\x7f-\x9f\"<>\\^`{|}]+")
_NOUNS = {"image": "picture", "file": "file"}


def is_address(value: str) -> bool:
    """Whether it is an address that a link may lead to: http or https, without a space in it."""
    return len(value) <= 2048 and bool(_ADDRESS.fullmatch(value)) and value.isprintable()


def length_of(text: str, limits: Limits) -> int:
    """How long a text is as a kind counts, before and while sending: characters, UTF-16 units, or
    bytes of UTF-8."""
    if limits.utf8:
        return len(text.encode("utf-8", "replace"))
    return len(text.encode("utf-16-le", "replace")) // 2 if limits.utf16 else len(text)


def shown_length(message: Outgoing, limits: Limits) -> int:
    """How long its text is without markup. Raises Unsendable where that can't be read."""
    if not message.format:
        return length_of(message.text, limits)
    try:
        return length_of(shown_text(read(message.text, message.format)), limits)
    except MarkupError as error:
        raise Unsendable(str(error)) from None


def unit_of(limits: Limits) -> str:
    """What ``length_of`` counts, for people."""
    return "bytes" if limits.utf8 else "characters"


def ensure_fits(message: Outgoing, limits: Limits, label: str) -> None:
    """Raise Unsendable with one sentence when the parts beside the text are outside ``limits``.

    ``label`` is the kind's. A plain text needs no such look: the provider tells its length. What
    can't be read of a formatted one may be this person's fault, through the value of a variable;
    the provider would not tell it from a fault for everybody.
    """
    ensure_addresses(message)
    if message.format and message.format not in limits.formats:
        raise Unsendable(f"{label} shows no text in the format {message.format}.")
    length = shown_length(message, limits) if message.format or message.media is not None else 0
    if message.template is not None and not limits.templates:
        raise Unsendable(f"{label} has no templates. Choose a text or a story.")
    if message.media is not None:
        _ensure_media(message.media, limits, label)
        if message.text and message.media.kind in limits.bare_media:
            raise Unsendable(text_beside(message.media.kind, label))
        if length > limits.caption_length:
            raise Unsendable(caption_too_long(limits.caption_length, label))
    if len(message.buttons) > limits.most_buttons > 0:
        raise Unsendable(f"{label} accepts at most {limits.most_buttons} buttons under a message.")
    for button in message.buttons:
        _ensure_button(button, limits, label)


def ensure_addresses(message: Outgoing) -> None:
    """Raise Unsendable unless a picture's, file's or button's address is one for a browser."""
    media = message.media
    if media is not None and media.url and not is_address(media.url):
        noun = _NOUNS[media.kind]
        raise Unsendable(f"The URL of a {noun} must begin with https:// or http://.")
    if any(each.kind == "link" and not is_address(each.value) for each in message.buttons):
        raise Unsendable("The URL of a link button must begin with https:// or http://.")


def sent_back(button: Button) -> str:
    """What a reply button sends back: its value, or its label where it has none."""
    return button.value or button.label


def text_beside(media: str, label: str) -> str:
    """The sentence for a text beside a picture or file that can have none."""
    noun = _NOUNS[media]
    return f"{label} sends a {noun} without text. Put the text into a message of its own."


def ensure_fetchable(media: Media, label: str) -> None:
    """Raise Unsendable for a picture or file without a URL, where the provider downloads it."""
    if not media.url:
        raise Unsendable(
            f"{label} downloads pictures and files itself, and this one has no public URL. Set "
            "CLARION_PUBLIC_URL, or use the URL of a picture or file on the web."
        )


def caption_too_long(most: int, label: str) -> str:
    """The sentence for a caption of more than ``most`` characters."""
    return (
        f"The text beside a picture or file is longer than the {most:,} characters that {label} "
        "accepts. Shorten it."
    )


def _ensure_media(media: Media, limits: Limits, label: str) -> None:
    noun = _NOUNS[media.kind]
    if media.kind not in limits.media:
        raise Unsendable(f"{label} accepts no {noun}s.")
    if not media.url and not media.size:
        raise Unsendable(f"The {noun} has neither a URL nor content. Choose it again.")


def _ensure_button(button: Button, limits: Limits, label: str) -> None:
    if button.kind not in limits.buttons:
        raise Unsendable(f"{label} has no {button.kind} buttons.")
    if not any(each.isprintable() and each != " " for each in button.label):
        raise Unsendable("A button has no label.")
