"""A story or text made ready to send: compiled once, then rendered for every person.

Pure and fast; what is sent after one another are the ``steps``. A step is a message, or a webhook
that is asked which messages come in its place.
"""

import json
import mimetypes
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from posixpath import basename
from typing import Any
from urllib.parse import unquote, urlsplit

from clarion.content import blocks
from clarion.content.errors import ContentError
from clarion.content.messages import Message
from clarion.content.rendering import Text, compile_text, unknown_variables
from clarion.kit import standard_webhooks
from clarion.kit.markup.reading import FORMATS
from clarion.kit.parts import Button, Media
from clarion.kit.text import one_line

Load = Callable[[str], Media]
Contact = Mapping[str, Any]


class _Link:
    """An image or file at an address, which may hold variables."""

    __slots__ = ("_fixed", "_kind", "_name", "_url")

    def __init__(self, block: blocks.ImageBlock | blocks.FileBlock) -> None:
        self._kind = block.kind
        self._name = compile_text(_name_of(block))
        self._url = compile_text(block.url)
        is_fixed = self._url.fixed and self._name.fixed
        self._fixed = self._made(block.url, _name_of(block)) if is_fixed else None

    @property
    def fixed(self) -> bool:
        """Whether everybody gets the same."""
        return self._fixed is not None

    def render(self, contact: Contact, variables: Mapping[str, Any]) -> Media:
        """For one person. Raises ContentError when its address is none then."""
        if self._fixed is not None:
            return self._fixed
        name = one_line(self._name.render(contact, **variables))
        return self._made(self._url.render(contact, **variables), name)

    def _made(self, url: str, given_name: str) -> Media:
        blocks.check_address(url)
        path = urlsplit(url).path
        name = given_name or unquote(basename(path)) or self._kind
        return Media(self._kind, url, name, mimetypes.guess_type(path)[0] or "")


class _Upload:
    """An uploaded image or file, whose name may hold variables."""

    __slots__ = ("_media", "_name")

    def __init__(self, block: blocks.ImageBlock | blocks.FileBlock, load: Load | None) -> None:
        if load is None:
            raise ContentError("There are no uploads here. Give an address.")
        stored = load(block.media)
        self._name = compile_text(_name_of(block))
        self._media = replace(stored, kind=block.kind, name=_name_of(block) or stored.name)

    @property
    def size(self) -> int:
        """In bytes."""
        return self._media.size

    def render(self, contact: Contact, variables: Mapping[str, Any]) -> Media:
        """For one person. Raises ContentError."""
        if self._name.fixed:
            return self._media
        name = one_line(self._name.render(contact, **variables))
        return replace(self._media, name=name or self._media.kind)


class _Press:
    """A button whose words and value may hold variables."""

    __slots__ = ("_fixed", "_is_link", "_label", "_value")

    def __init__(self, button: blocks.BlockButton) -> None:
        self._is_link = button.kind == "link"
        value = button.value or button.label
        self._label = compile_text(button.label)
        self._value = compile_text(blocks.story_value(value) if button.kind == "story" else value)
        self._fixed: Button | None = None
        if self._label.fixed and self._value.fixed:
            self._fixed = self.render({}, {})

    @property
    def fixed(self) -> bool:
        """Whether everybody gets the same."""
        return self._fixed is not None

    def render(self, contact: Contact, variables: Mapping[str, Any]) -> Button:
        """For one person. Raises ContentError when no usable button comes of it."""
        if self._fixed is not None:
            return self._fixed
        label = self._label.render(contact, **variables)
        if not label.strip():
            raise ContentError(
                "A button has no words for this contact. Give the variable a default."
            )
        value = self._value.render(contact, **variables)
        if not self._is_link:
            return Button("reply", label, value)
        blocks.check_address(value)
        return Button("link", label, value)


class MessageStep:
    """One message of a story."""

    __slots__ = (
        "_buttons", "_format", "_media", "_place", "_plain", "_text", "block", "sources", "varies",
    )  # fmt: skip

    def __init__(self, block: blocks.Block, number: int, load: Load | None) -> None:
        """``number`` is the block's (from 1), named in errors; 0 for a text that is no story."""
        self.block = block
        self._place = f"Block {number}: " if number else ""
        self._text: Text
        self._format = format_of(block)
        self._media: _Link | _Upload | None = None
        self._buttons: tuple[_Press, ...] = ()
        if isinstance(block, blocks.ImageBlock | blocks.FileBlock):
            self._text = compile_text(block.caption, self._format)
            self._media = _Upload(block, load) if block.media else _Link(block)
        elif isinstance(block, blocks.ButtonsBlock):
            self._text = compile_text(block.text, self._format)
            self._buttons = tuple(map(_Press, block.buttons))
        elif isinstance(block, blocks.TextBlock):
            self._text = compile_text(block.text, self._format)
        self._plain = isinstance(block, blocks.TextBlock)
        # Whether its media or buttons differ by person; the text may, all the same.
        fixed = [not isinstance(self._media, _Link) or self._media.fixed]
        self.varies = not all([*fixed, *(button.fixed for button in self._buttons)])
        self.sources = tuple(_sources(block))

    @property
    def file_size(self) -> int:
        """Bytes of its upload; 0 without one."""
        return self._media.size if isinstance(self._media, _Upload) else 0

    def render(self, contact: Contact, /, **variables: Any) -> Message:
        """The message for one person. ``contact`` is what ``contact_context`` gives.

        Raises ContentError with one sentence.
        """
        try:
            text = self._text.render(contact, **variables)
            if self._plain:
                return Message(text, format=self._format)
            media = self._media.render(contact, variables) if self._media is not None else None
            buttons = tuple(button.render(contact, variables) for button in self._buttons)
            return Message(text, media, buttons, self._format)
        except ContentError as error:
            raise error.within(self._place) from None


class WebhookStep:
    """A webhook of a story: what to post for one person. The engine carries it there."""

    __slots__ = ("_key", "allow_private", "block", "number", "sources", "timeout", "url")

    def __init__(self, block: blocks.WebhookBlock, number: int) -> None:
        self.block = block
        self.number = number
        self.url = block.url
        self.timeout = block.timeout  # seconds
        self.allow_private = block.allow_private
        self.sources: tuple[str, ...] = ()
        self._key = standard_webhooks.key_of(block.secret.get_secret_value())

    def body(self, payload: Mapping[str, Any]) -> bytes:
        """What is posted: the ``payload`` that is given, and "block".

        The block's number is added here. Moments become ISO 8601.
        """
        whole = {**payload, "block": self.number}
        text = json.dumps(whole, ensure_ascii=False, separators=(",", ":"), default=_plain)
        return text.encode("utf-8", "replace")

    def headers(self, body: bytes, key: str) -> tuple[tuple[str, str], ...]:
        """The headers that go with a body. ``key`` names this question: the same on every try."""
        headers = (
            ("Content-Type", "application/json"),
            ("Accept", "application/json"),
            ("Idempotency-Key", key),
        )
        if not self._key:
            return headers
        now = int(time.time())
        return (
            *headers,
            ("webhook-id", key),
            ("webhook-timestamp", str(now)),
            ("webhook-signature", standard_webhooks.sign(self._key, key, now, body)),
        )


class Script:
    """The steps of a story or text, in their order."""

    __slots__ = ("steps",)

    def __init__(self, steps: Iterable[MessageStep | WebhookStep]) -> None:
        self.steps = list(steps)

    @property
    def largest_file(self) -> int:
        """Bytes of the largest upload in a message; 0 without uploads."""
        return max(
            (step.file_size for step in self.steps if isinstance(step, MessageStep)), default=0
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Every text that may hold variables, as it was written."""
        return tuple(source for step in self.steps for source in step.sources)

    def variables(self) -> set[str]:
        """The dotted names of all variables in all texts."""
        return {name for source in self.sources for name in compile_text(source).variables()}

    def unknown(self, variables: set[str], free: Collection[str] = ()) -> list[str]:
        """The variables that nobody has (see ``unknown_variables``), in the order of the story.

        What stands under “memory” is free after the first webhook: it may have been told to us.
        """
        allowed = set(free)
        missing: dict[str, None] = {}
        for step in self.steps:
            if isinstance(step, WebhookStep):
                allowed.add("memory")
            for source in step.sources:
                missing.update(dict.fromkeys(unknown_variables(source, variables, allowed)))
        return list(missing)


def compile_script(version_blocks: Sequence[Mapping[str, Any]], *, load: Load) -> Script:
    """The script of a story, from the blocks of its version. ``load`` gives uploads by token.

    Raises ContentError (StoryError where the blocks themselves are wrong).
    """
    steps: list[MessageStep | WebhookStep] = []
    for number, block in enumerate(blocks.from_stored(version_blocks), 1):
        if isinstance(block, blocks.WebhookBlock):
            steps.append(WebhookStep(block, number))
            continue
        try:
            steps.append(MessageStep(block, number, load))
        except ContentError as error:
            raise ContentError(f"Block {number}: {error}") from None
    return Script(steps)


def format_of(block: blocks.Block) -> str:
    """How the text of a block is written, one of markup.FORMATS; "" for a plain one."""
    written = "" if isinstance(block, blocks.WebhookBlock) else block.format
    return written if written in FORMATS else ""


def _name_of(block: blocks.ImageBlock | blocks.FileBlock) -> str:
    return block.name if isinstance(block, blocks.FileBlock) else ""


def _sources(block: blocks.Block) -> Iterable[str]:
    match block:
        case blocks.TextBlock():
            return [block.text]
        case blocks.ImageBlock() | blocks.FileBlock():
            return [source for source in (block.url, _name_of(block), block.caption) if source]
        case blocks.ButtonsBlock():
            pressed = [part for button in block.buttons for part in (button.label, button.value)]
            return [block.text, *filter(None, pressed)]
    return []


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
