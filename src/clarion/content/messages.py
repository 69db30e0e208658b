"""What a person gets: plain values that the layers above turn into what a channel sends."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from clarion.content.errors import ContentError
from clarion.kit.markup.pieces import MarkupError
from clarion.kit.markup.reading import plain_of
from clarion.kit.parts import Button, Media

BETWEEN = "\n\n"


@dataclass(frozen=True, slots=True)
class Message:
    """One message to one person."""

    text: str  # with media it is the caption
    media: Media | None = None
    buttons: tuple[Button, ...] = ()
    format: str = ""  # how the text is written, one of markup.FORMATS; "": as it is shown

    def fitted(self, formats: Collection[str]) -> "Message":
        """The same where only texts in these formats are shown: else its text is made plain.

        Raises ContentError.
        """
        if not self.format or self.format in formats:
            return self
        try:
            return replace(self, text=plain_of(self.text, self.format), format="")
        except MarkupError as error:
            raise ContentError(str(error)) from None

    def shown(self) -> str:
        """All that the person sees, as plain text: what the record keeps."""
        if self.media is None and not self.buttons:
            return self.text
        lines = []
        if self.media is not None:
            lines.append(f"[{self.media.kind}: {self.media.url or self.media.name}]")
        if self.text:
            lines.append(self.text)
        for button in self.buttons:
            leads = f" → {button.value}" if button.kind == "link" else ""
            lines.append(f"[{button.label}{leads}]")
        return "\n".join(lines)


def message_from(fields: Mapping[str, Any]) -> Message:
    """The message that ``as_json`` wrote down."""
    media = fields.get("media")
    return Message(
        fields["text"],
        Media(media["kind"], media["url"], media["name"], media["content_type"]) if media else None,
        tuple(Button(b["kind"], b["label"], b["value"]) for b in fields.get("buttons", ())),
        fields.get("format", ""),
    )


def as_json(message: Message) -> dict[str, Any]:
    """A message without bytes of ours, as JSON can hold it. ``message_from`` reads it."""
    written: dict[str, Any] = {"text": message.text}
    if media := message.media:
        written["media"] = {
            "kind": media.kind, "url": media.url, "name": media.name,
            "content_type": media.content_type,
        }  # fmt: skip
    if message.buttons:
        written["buttons"] = [
            {"kind": button.kind, "label": button.label, "value": button.value}
            for button in message.buttons
        ]
    if message.format:
        written["format"] = message.format
    return written


def shown_all(messages: Iterable[str]) -> str:
    """Several messages as the record keeps them: one below the other."""
    return BETWEEN.join(messages)
