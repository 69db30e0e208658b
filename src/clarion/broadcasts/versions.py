"""Which version of its story a broadcast sends."""

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.content import stories


def fix_story(broadcast: Broadcast) -> Broadcast:
    """Fix the version of a draft's story: the newest. Later edits of the story change nothing.

    A restart comes with the version that the people have had the beginning of.
    """
    story = broadcast.story if broadcast.data_type == Broadcast.DataType.STORY else None
    if story is not None and broadcast.story_version_id is None:
        version = stories.newest(story)
        draft = Broadcast.objects.filter(pk=broadcast.pk, state=BroadcastState.DRAFT)
        draft.update(story_version=version)
        broadcast.story_version = version
    return broadcast
