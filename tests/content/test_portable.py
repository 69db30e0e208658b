"""Stories as documents, and the documents in docs/stories.md."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from clarion.content import media
from clarion.content.answers import parse_answer
from clarion.content.errors import ContentError
from clarion.content.portable import export_story, import_story
from clarion.content.script import WebhookStep, compile_script
from clarion.content.stories import StoryConflict, create_story, newest
from support import factory

pytestmark = pytest.mark.django_db
PAGE = (Path(__file__).parents[2] / "docs" / "stories.md").read_text(encoding="utf-8")
POSTED, ANSWER, DOCUMENT = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)


def brought(document: object, **more: Any) -> Any:
    return import_story(document, by=factory.BY, **more)


def test_the_documents_of_the_page_are_taken() -> None:
    create_story(name="Opening hours", blocks=[{"kind": "text", "text": "a"}], by=factory.BY)
    document = json.loads(DOCUMENT.replace("…", "="))
    version = brought(document)
    script = compile_script(version.blocks, load=media.describe)
    hook = script.steps[-1]
    assert isinstance(hook, WebhookStep)
    posted = json.loads(POSTED)
    assert json.loads(hook.body(posted)) == {**posted, "block": 5}
    answer = parse_answer(ANSWER.encode())
    assert len(answer.responses) == 3
    assert answer.memory == {"points": 7}


def test_there_and_back() -> None:
    token = media.save_upload("cat.png", "", [b"\x89PNG\r\n\x1a\n"]).token
    blocks = [{"kind": "image", "media": token}, {"kind": "file", "media": token, "name": "c"}]
    story = create_story(name="Cats", blocks=blocks, by=factory.BY)
    document = export_story(story)
    assert list(document["files"]) == [token]

    again = brought({**json.loads(json.dumps(document)), "name": "Again"})
    assert again.blocks == newest(story).blocks
    assert brought(document, update=True) == newest(story)


def test_an_upload_that_is_gone_is_said() -> None:
    token = media.save_upload("cat.txt", "", [b"miau"]).token
    story = create_story(name="A", blocks=[{"kind": "file", "media": token}], by=factory.BY)
    media.path(token).unlink()
    with pytest.raises(ContentError, match=r"“cat\.txt” no longer exists"):
        export_story(story)


def test_somebody_who_saves_while_it_is_read_in_is_not_overwritten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    story = create_story(name="A", blocks=[{"kind": "text", "text": "1"}], by=factory.BY)
    before = newest(story)
    brought({"name": "A", "blocks": [{"kind": "text", "text": "2"}]}, update=True)
    monkeypatch.setattr("clarion.content.portable.newest", lambda _: before)
    with pytest.raises(StoryConflict):
        brought({"name": "A", "blocks": [{"kind": "text", "text": "3"}]}, update=True)
