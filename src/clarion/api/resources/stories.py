"""Stories: several messages in one, saved as versions."""

from typing import Annotated, Any

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.content import stories
from clarion.content.models import Story, StoryVersion
from clarion.content.preview import preview_story
from clarion.content.saving import LONGEST_NAME
from clarion.kit.paging import Cursor

AREA = "Stories"
_READ, _WRITE = "content:read", "content:write"
_BLOCKS = "Each with its kind (text, image, file, buttons, webhook) and the fields of that kind"


class StoryIn(Input):
    """A story as it is created."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    blocks: list[dict[str, Any]] = Field(min_length=1, max_length=100, description=_BLOCKS)


class StoryPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    blocks: list[dict[str, Any]] | None = Field(
        None,
        min_length=1,
        max_length=100,
        description=f"{_BLOCKS}. A webhook keeps the secret of version 3, block 2 with keep: 3.2",
    )


class StoryOut(Output):
    """The newest version of a story. Secrets of webhooks are not shown."""

    id: Id
    name: str
    version: int
    blocks: list[dict[str, Any]]
    archived: bool
    saved_at: Moment


class StoryBlockOut(Output):
    """A block of a story as a recipient would see it."""

    number: int
    text: str | None = Field(description="null where it is a webhook or can't be sent")
    webhook: str
    problem: str


class StoryPreviewOut(Output):
    """What a recipient would see."""

    blocks: list[StoryBlockOut]


@operation(AREA, "GET", "/stories", Page[StoryOut], Rules(_READ, paged=True))
def list_stories(
    request: ApiRequest,
    q: Annotated[str, Query("", max_length=200, description="Part of the name")] = "",
    archived: bool = False,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[StoryOut]:
    """List stories, last edited first"""
    after = Cursor.parse(cursor, 1).key[0] if cursor else None
    page = stories.story_list(q, archived=archived, after=after, limit=limit)
    following = str(Cursor((page.next,))) if page.next is not None else None
    return Page(items=[_version_out(version) for version in page.versions], next=following)


@operation(
    AREA, "POST", "/stories", StoryOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_story(request: ApiRequest, body: StoryIn) -> Created:
    """Create a story"""
    story = stories.create_story(name=body.name, blocks=body.blocks, by=request.by)
    return _created(story)


@operation(AREA, "GET", "/stories/{story_id}", StoryOut, Rules(_READ, tagged=True))
def get_story(request: ApiRequest, story_id: Id) -> StoryOut:
    """Get a story"""
    return _story_out(get(Story.objects.all(), story_id, "story"))


@operation(
    AREA, "PATCH", "/stories/{story_id}", StoryOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_story(request: ApiRequest, story_id: Id, body: StoryPatch) -> StoryOut:
    """Save a new version of a story

    Broadcasts keep the version that they were written with.
    """
    story = lock(Story.objects.all(), story_id, "story")
    require_match(request, _story_out(story))
    before = stories.newest(story)
    blocks = _kept(before) if body.blocks is None else body.blocks
    stories.save_story(story, name=body.name, blocks=blocks, number=before.number, by=request.by)
    return _story_out(story)


def _kept(before: StoryVersion) -> list[dict[str, Any]]:
    """The blocks of a version as they are sent to be saved again, with their secrets."""
    return [
        {name: value for name, value in block.items() if name != "sealed"}
        | ({"keep": f"{before.number}.{number}"} if "sealed" in block else {})
        for number, block in enumerate(before.blocks, 1)
    ]


@operation(
    AREA, "POST", "/stories/{story_id}/duplicate", StoryOut,
    Rules(_WRITE, repeatable=True, tagged=True), status=201,
)  # fmt: skip
def duplicate_story(request: ApiRequest, story_id: Id) -> Created:
    """Copy a story"""
    story = get(Story.objects.all(), story_id, "story")
    return _created(stories.duplicate_story(story, by=request.by))


@operation(AREA, "POST", "/stories/{story_id}/archive", StoryOut, Rules(_WRITE))
def archive_story(request: ApiRequest, story_id: Id) -> StoryOut:
    """Archive a story: broadcasts that use it are not changed"""
    story = get(Story.objects.all(), story_id, "story")
    stories.archive_story(story, by=request.by)
    return _story_out(story)


@operation(AREA, "POST", "/stories/{story_id}/restore", StoryOut, Rules(_WRITE))
def restore_story(request: ApiRequest, story_id: Id) -> StoryOut:
    """Restore an archived story"""
    story = get(Story.objects.all(), story_id, "story")
    stories.restore_story(story, by=request.by)
    return _story_out(story)


@operation(AREA, "GET", "/stories/{story_id}/preview", StoryPreviewOut, Rules(_READ))
def preview_of_story(request: ApiRequest, story_id: Id) -> StoryPreviewOut:
    """Show the messages of a story, with their variables"""
    story = get(Story.objects.all(), story_id, "story")
    shown = preview_story(stories.newest(story).blocks, None)
    blocks = [
        StoryBlockOut(
            number=block.number,
            text=block.message.shown() if block.message else None,
            webhook=block.webhook,
            problem=block.problem,
        )
        for block in shown
    ]
    return StoryPreviewOut(blocks=blocks)


def _created(story: Story) -> Created:
    return Created(_story_out(story), f"/api/v1/stories/{story.pk}")


def _story_out(story: Story) -> StoryOut:
    return _version_out(stories.newest(story))


def _version_out(version: StoryVersion) -> StoryOut:
    blocks = [
        {name: value for name, value in block.items() if name != "sealed"}
        for block in version.blocks
    ]
    return StoryOut(
        id=version.story_id,
        name=version.story.name,
        version=version.number,
        blocks=blocks,
        archived=version.story.archived_at is not None,
        saved_at=version.created_at,
    )
