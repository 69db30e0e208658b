"""What is looked at before a story is saved: its name, its blocks, and what they refer to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clarion.accounts.models import Agent, Role
from clarion.content import media
from clarion.content.blocks import (
    Block,
    ButtonsBlock,
    FileBlock,
    ImageBlock,
    WebhookBlock,
    parse_blocks,
    to_stored,
)
from clarion.content.errors import Fault, StoryError
from clarion.content.models import Story, StoryVersion, Upload
from clarion.kit.text import clean
from clarion.kit.urls import server_of

LONGEST_NAME = 100
_EARLIER_BLOCK = re.compile(r"([0-9]{1,6})\.([0-9]{1,3})")  # a version, and a block of it
_ENTER_AGAIN = "Enter it again: it would be used with another server than before."
_MANAGERS_ONLY = (
    "Only managers can allow private addresses. Ask a manager, or use a public address."
)


def tidy_name(name: str) -> str:
    """A name as it is stored."""
    return " ".join(clean(name, 1_000).split())


def prepared(
    name: str, raw: Sequence[Any], story: Story | None, by: Agent | str
) -> list[dict[str, Any]]:
    """The blocks as a version keeps them; ``story`` is the one that is edited, by ``by``.

    In a webhook block ``"keep": "3.2"`` stands for the secret of version 3, block 2; a button's
    story may be given by its name. Raises StoryError with all faults, the name's too.
    """
    faults = [Fault(0, "name", sentence) for sentence in _wrong_name(tidy_name(name))]
    blocks_given = [dict(block) if isinstance(block, Mapping) else block for block in raw]
    keeps = [
        str(block.pop("keep", "")) if isinstance(block, dict) else "" for block in blocks_given
    ]
    stored: list[dict[str, Any]] = []
    try:
        blocks = parse_blocks([_with_ids(block) for block in blocks_given])
        faults += _missing(blocks)
        faults += _not_allowed(blocks, story, by)
        stored = to_stored(blocks)
    except StoryError as error:
        faults += error.faults
    if not faults:
        faults += _keep_secrets(stored, keeps, story)
    if faults:
        raise StoryError(*faults)
    return stored


def _keep_secrets(
    stored: list[dict[str, Any]], keeps: list[str], story: Story | None
) -> Iterator[Fault]:
    """Put the secrets that are kept into their blocks; one does not follow to another server."""
    for number, (block, keep) in enumerate(zip(stored, keeps, strict=True), 1):
        if block["kind"] != "webhook" or "sealed" in block:
            continue
        before = _block_before(story, keep)
        if not (sealed := before.get("sealed")):
            continue
        if server_of(before.get("url")) != server_of(block["url"]):
            yield Fault(number, "secret", _ENTER_AGAIN)
        block["sealed"] = sealed


def _not_allowed(blocks: Sequence[Block], story: Story | None, by: Agent | str) -> Iterator[Fault]:
    """Private addresses are a manager's to allow; what one has allowed stays as it is."""
    if not isinstance(by, Agent) or by.may(Role.MANAGER):
        return
    latest = story.versions.order_by("-number").first() if story else None
    allowed = {
        block.get("url")
        for block in (latest.blocks if latest else [])
        if block.get("kind") == "webhook" and block.get("allow_private")
    }
    for number, block in enumerate(blocks, 1):
        if isinstance(block, WebhookBlock) and block.allow_private and block.url not in allowed:
            yield Fault(number, "allow_private", _MANAGERS_ONLY)


def _wrong_name(name: str) -> Iterator[str]:
    if not name:
        yield "Give the story a name."
    elif len(name) > LONGEST_NAME:
        yield f"A name may have {LONGEST_NAME} characters at most. Shorten it."
    elif name.isdigit():
        yield "A number alone is taken for the number of a story. Add a word to the name."


def _with_ids(block: Any) -> Any:
    """The block, with the stories of its buttons by their ids."""
    if not isinstance(block, dict) or not isinstance(block.get("buttons"), list):
        return block
    return {**block, "buttons": [_with_id(button) for button in block["buttons"]]}


def _with_id(button: Any) -> Any:
    if not isinstance(button, Mapping) or button.get("kind") != "story":
        return button
    value = button.get("value")
    if not isinstance(value, str) or value.isdigit():
        return button
    story = Story.objects.filter(name=tidy_name(value), archived_at__isnull=True).first()
    return {**button, "value": str(story.pk)} if story else button


def _missing(blocks: Sequence[Block]) -> Iterator[Fault]:
    """Uploads and stories that the blocks name and that are not there."""
    for number, block in enumerate(blocks, 1):
        if isinstance(block, ImageBlock | FileBlock) and block.media:
            row = Upload.objects.filter(token=block.media).first()
            if row is None:
                yield Fault(number, "media", "There is no such upload. Upload it again.")
            elif block.kind == "image" and not media.is_image(row):
                yield Fault(number, "media", f"“{row.name}” is no image. Send it as a file.")
        elif isinstance(block, ButtonsBlock):
            for index, button in enumerate(block.buttons):
                if button.kind == "story" and not _is_there(int(button.value)):
                    yield Fault(
                        number,
                        f"buttons.{index}.value",
                        "That story no longer exists. Choose another one.",
                    )


def _is_there(story_id: int) -> bool:
    return Story.objects.filter(pk=story_id, archived_at__isnull=True).exists()


def _block_before(story: Story | None, keep: str) -> dict[str, Any]:
    """A block of an earlier version, empty where there is none."""
    named = _EARLIER_BLOCK.fullmatch(keep)
    if story is None or named is None:
        return {}
    version, block = map(int, named.groups())
    before = StoryVersion.objects.filter(story=story, number=version).first()
    if before is None or not 1 <= block <= len(before.blocks):
        return {}
    block_before: dict[str, Any] = before.blocks[block - 1]
    return block_before
