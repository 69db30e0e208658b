"""``clarion stories``."""

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.content import media
from clarion.content.blocks import WebhookBlock, from_stored
from clarion.content.models import Story, Upload
from clarion.content.stories import create_story, newest
from support import factory

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\x00" * 20
HOOK = {"kind": "webhook", "url": "https://example.org/in", "secret": "hush-hush"}


@pytest.fixture
def file(tmp_path: Path) -> Callable[[object], str]:
    """Write a document and return its path."""

    def write(document: object) -> str:
        path = tmp_path / "story.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return str(path)

    return write


@pytest.fixture
def whole() -> Story:
    """A story with all five kinds of blocks."""
    token = media.save_upload("cat.png", "", [PNG]).token
    more = create_story(name="More", blocks=[{"kind": "text", "text": "m"}], by=factory.BY)
    blocks = [
        {"kind": "text", "text": "Hello {{ contact.name }}"},
        {"kind": "image", "media": token, "caption": "A cat"},
        {"kind": "file", "url": "https://a.example/menu.pdf"},
        {"kind": "buttons", "text": "?", "buttons": [
            {"kind": "story", "label": "More", "value": more.pk}]},
        HOOK,
    ]  # fmt: skip
    return create_story(name="Welcome", blocks=blocks, by=factory.BY)


def test_b2_a_story_is_exported_and_imported_elsewhere(
    whole: Story, ok: Callable[..., str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    path = tmp_path / "welcome.json"
    ok("stories", "export", "Welcome", "--to", str(path))
    assert "hush" not in path.read_text()
    assert "sealed" not in path.read_text()
    assert json.loads(path.read_text()) == json.loads(ok("stories", "export", str(whole.pk)))

    elsewhere(path)
    document = ok_json("stories", "import", str(path))
    assert document["name"] == "Welcome"
    assert document["version"] == 1
    assert document["blocks"] == ["text", "image", "file", "buttons", "webhook"]
    assert document["edited_by"] is None
    version = newest(Story.objects.get(name="Welcome"))
    assert media.hold(media.describe(version.blocks[1]["media"])).data == PNG
    assert version.blocks[3]["buttons"][0]["value"] == str(Story.objects.get(name="More").pk)


def elsewhere(path: Path) -> None:
    """Make as if this were another server, which has a story called More but no upload."""
    Story.objects.filter(name="Welcome").delete()
    Upload.objects.all().delete()
    more = Story.objects.get(name="More")
    blocks = newest(more).blocks
    more.delete()
    create_story(name="Another", blocks=blocks, by=factory.BY)
    create_story(name="More", blocks=blocks, by=factory.BY)


def test_b3_an_update_keeps_the_webhooks_secret(
    whole: Story, ok: Callable[..., str], refused: Callable[..., str], tmp_path: Path
) -> None:
    path = tmp_path / "welcome.json"
    ok("stories", "export", "Welcome", "--to", str(path))
    document = json.loads(path.read_text())
    document["blocks"].reverse()
    path.write_text(json.dumps(document))

    assert "already a story called “Welcome”" in refused("stories", "import", str(path))
    assert "version 2" in ok("stories", "import", str(path), "--update")
    first, *_rest = from_stored(newest(whole).blocks)
    assert isinstance(first, WebhookBlock)
    assert first.secret.get_secret_value() == "hush-hush"


def test_show(whole: Story, ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    printed = ok("stories", "show", "Welcome")
    assert "1. text\n   Hello ‹contact.name›\n" in printed
    assert "   [image: /media/" in printed
    assert "5. webhook\n   https://example.org/in" in printed
    assert "hush" not in printed
    document = ok_json("stories", "show", str(whole.pk))
    assert document["messages"][3:] == ["?\n[More]", None]


def test_list_delete_and_restore(
    whole: Story, ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    assert [row["name"] for row in ok_json("stories", "list")] == ["Welcome", "More"]
    assert [row["name"] for row in ok_json("stories", "list", "--search", "MOR")] == ["More"]
    assert "Welcome" in ok("stories", "list", "--limit", "1")

    assert f"clarion stories restore {whole.pk}" in ok("stories", "delete", "Welcome")
    assert [row["name"] for row in ok_json("stories", "list")] == ["More"]
    assert [row["name"] for row in ok_json("stories", "list", "--archived")] == ["Welcome"]
    assert "There is no story “Welcome”." in refused("stories", "show", "Welcome")
    assert ok("stories", "restore", "Welcome") == "“Welcome” is restored.\n"
    assert "There is no archived story" in refused("stories", "restore", "Welcome")


def test_from_standard_input(ok: Callable[..., str]) -> None:
    document = json.dumps({"name": "Piped", "blocks": [{"kind": "text", "text": "a"}]})
    assert "“Piped” is story" in ok("stories", "import", "-", stdin=document)


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("{", "is not JSON: line 1"),
        ("[" * 100_000, "can't be read as JSON"),
        ([], "JSON object with name and blocks"),
        ({"name": 7, "blocks": []}, "JSON object with name and blocks"),
        ({"name": "A", "blocks": [], "colour": 1}, "no field “colour”"),
        ({"name": "A", "blocks": []}, "The story is empty. Add a block."),
        ({"name": "A", "blocks": [{"kind": "text", "text": "{{"}]}, "Block 1: Line 1"),
        ({"name": "A", "blocks": [], "files": []}, "are an object"),
        ({"name": "A", "blocks": [], "files": {"x": {"data": "!"}}}, "“x”: It is no base64"),
        ({"name": "A", "blocks": [], "files": {"x": {}}}, "needs a name and data"),
        ({"name": "A", "blocks": [], "files": {"x": {"data": ""}}}, "The file is empty"),
        ({"name": "A", "blocks": [{"kind": "image", "media": "x"}],
          "files": {"x": {"data": base64.b64encode(b"<svg/>").decode()}}}, "“x” is no image"),
    ],
)  # fmt: skip
def test_a_document_that_can_not_be_taken(
    db: None,
    file: Callable[[object], str],
    refused: Callable[..., str],
    document: object,
    said: str,
) -> None:
    message = refused("stories", "import", file(document))
    assert said in message
    assert "\n" not in message
    assert not Story.objects.exists()


def test_a_file_that_can_not_be_read_or_written(
    whole: Story, refused: Callable[..., str], tmp_path: Path
) -> None:
    assert "can't be read" in refused("stories", "import", str(tmp_path / "missing.json"))
    (tmp_path / "latin.json").write_bytes(b'{"name": "\xfc"}')
    assert "is not UTF-8 text" in refused("stories", "import", str(tmp_path / "latin.json"))
    there = tmp_path / "missing" / "x.json"
    assert "can't be written" in refused("stories", "export", "Welcome", "--to", str(there))
