"""Stories for the tests of the engine, and broadcasts of them on their way."""

from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.content.models import Story, StoryVersion
from support import factory


def text(words: str) -> dict[str, Any]:
    return {"kind": "text", "text": words}


def webhook(url: str) -> dict[str, Any]:
    return {"kind": "webhook", "url": url, "timeout": 30, "allow_private": True}


def story(*blocks: dict[str, Any]) -> StoryVersion:
    story = Story.objects.create(name=f"Story {Story.objects.count()}")
    return StoryVersion.objects.create(story=story, number=1, blocks=list(blocks))


def launch(channel: Channel, version: StoryVersion, **fields: Any) -> Broadcast:
    """A broadcast of a story, on its way."""
    broadcast = factory.draft([channel], text="")
    Broadcast.objects.filter(pk=broadcast.pk).update(
        state="sending", scheduled_at=1, started_at=1,
        data_type="story", story=version.story, story_version=version, **fields,
    )  # fmt: skip
    broadcast.refresh_from_db()
    return broadcast
