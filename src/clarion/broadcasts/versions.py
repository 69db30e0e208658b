"""Which version of its story a broadcast sends."""

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.content import stories
from clarion.content.models import StoryVersion


def version_of(broadcast: Broadcast) -> StoryVersion | None:
    """The version that it sends: the fixed one, or the newest until it is launched.

    None where it sends no story.
    """
    if broadcast.data_type != Broadcast.DataType.STORY or broadcast.story is None:
        return None
    return broadcast.story_version or stories.newest(broadcast.story)


def fix_story(broadcast: Broadcast) -> Broadcast:
    """Fix the version of a draft's story: the newest. Later edits of the story change nothing.

    A restart comes with the version that the people have had the beginning of.
    """
    version = version_of(broadcast)
    if version is not None and broadcast.story_version_id is None:
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        draft.update(story_version=version)
        broadcast.story_version = version
    return broadcast
