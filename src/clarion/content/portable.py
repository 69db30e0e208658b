"""Stories as documents: written out whole, and read in again, here or on another server."""

import base64
import binascii
from collections.abc import Iterable, Mapping
from typing import Any

from clarion.accounts.models import Agent
from clarion.content import media
from clarion.content.errors import ContentError, StoryError
from clarion.content.models import Story, StoryVersion, Upload
from clarion.content.saving import tidy_name
from clarion.content.stories import create_story, newest, save_story

_FIELDS = frozenset({"name", "blocks", "files"})


def export_story(story: Story) -> dict[str, Any]:
    """The newest version as a document: {"name", "blocks", "files"}, for ``import_story``.

    Uploads are in it, as base64; buttons name their stories. The secrets of webhooks are not.
    Raises ContentError when an upload is gone.
    """
    blocks = [_exported(block) for block in newest(story).blocks]
    tokens = dict.fromkeys(block["media"] for block in blocks if block.get("media"))
    files = {token: _file(media.find(token)) for token in tokens}
    return {"name": story.name, "blocks": blocks, **({"files": files} if files else {})}


def import_story(document: object, *, update: bool = False, by: Agent | str) -> StoryVersion:
    """Add the story of a document, or with ``update`` save it as a new version of its namesake.

    A webhook without a secret keeps the one that is stored for the same address. Raises
    StoryError, ContentError for what its files hold.
    """
    if not isinstance(document, Mapping):
        raise StoryError("A story is a JSON object with name and blocks.")
    if unknown := sorted(map(str, set(document) - _FIELDS)):
        raise StoryError(f"There is no field “{unknown[0][:40]}” in a story. Remove it.")
    name, blocks = document.get("name"), document.get("blocks")
    if not isinstance(name, str) or not isinstance(blocks, list):
        raise StoryError("A story is a JSON object with name and blocks.")
    tokens = dict(_kept_files(document.get("files", {})))
    prepared = [_with_token(block, tokens) for block in blocks]
    story = Story.objects.filter(name=tidy_name(name)).first() if update else None
    if story is None:
        return newest(create_story(name=name, blocks=prepared, by=by))
    before = newest(story)
    prepared = [_with_secret(block, before) for block in prepared]
    return save_story(story, blocks=prepared, by=by, number=before.number)


def _exported(block: Mapping[str, Any]) -> dict[str, Any]:
    shown = {name: value for name, value in block.items() if name != "sealed"}
    if "buttons" in shown:
        shown["buttons"] = [_exported_button(button) for button in shown["buttons"]]
    return shown


def _exported_button(button: Mapping[str, Any]) -> dict[str, Any]:
    if button["kind"] != "story":
        return dict(button)
    named = Story.objects.filter(pk=int(button["value"])).first()
    return {**button, "value": named.name if named else button["value"]}


def _file(row: Upload) -> dict[str, str]:
    data = base64.b64encode(media.read(row)).decode("ascii")
    return {"name": row.name, "content_type": row.content_type, "data": data}


def _kept_files(files: object) -> Iterable[tuple[str, str]]:
    """Keep the files of a document; what it calls each, and its token here."""
    if not isinstance(files, Mapping):
        raise StoryError("The files of a story are an object: what a block calls it, and the file.")
    for called, file in files.items():
        if not isinstance(file, Mapping) or not isinstance(file.get("data"), str):
            raise StoryError(f"The file “{called[:40]}” needs a name and data in base64.")
        try:
            data = base64.b64decode(file["data"], validate=True)
            row = media.save_upload(
                str(file.get("name", called)), str(file.get("content_type", "")), [data]
            )
        except (binascii.Error, ValueError) as error:
            sentence = str(error) if isinstance(error, ContentError) else "It is no base64."
            raise StoryError(f"The file “{called[:40]}”: {sentence}") from None
        yield called, row.token


def _with_token(block: Any, tokens: Mapping[str, str]) -> Any:
    if not isinstance(block, Mapping) or not isinstance(block.get("media"), str):
        return block
    return {**block, "media": tokens.get(block["media"], block["media"])}


def _with_secret(block: Any, before: StoryVersion) -> Any:
    if not isinstance(block, Mapping) or block.get("kind") != "webhook" or block.get("secret"):
        return block
    for number, stored in enumerate(before.blocks, 1):
        if stored["kind"] == "webhook" and stored["url"] == block.get("url"):
            return {**block, "keep": f"{before.number}.{number}"}
    return block
