"""Stories: made, saved as new versions, copied, archived and found."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.content.errors import Fault, StoryError
from clarion.content.models import Story, StoryVersion
from clarion.content.saving import LONGEST_NAME, prepared, tidy_name
from clarion.kit import clock, db
from clarion.kit.db.matching import contains
from clarion.kit.numbers import parse_id
from clarion.kit.text import search_words


class StoryConflict(StoryError):  # noqa: N818 - reads as what happened
    """Somebody else saved the story meanwhile; ``newest`` is what they saved."""

    def __init__(self, newest: StoryVersion) -> None:
        self.newest = newest
        editor = newest.agent.name if newest.agent else "Somebody"
        super().__init__(
            f"{editor} has saved version {newest.number} while you were editing. "
            "Compare it with yours, then replace it with yours or discard yours."
        )


@dataclass(frozen=True, slots=True)
class StoryPage:
    """The newest versions of some stories; ``next`` is the ``after`` of the following page."""

    versions: list[StoryVersion]
    next: int | None = None


def create_story(*, name: str, blocks: Sequence[Any], by: Agent | str) -> Story:
    """Add a story; this is its version 1. Raises StoryError."""
    stored = prepared(name, blocks, None, by)
    story = Story(name=tidy_name(name))
    with _unique(story.name), transaction.atomic():
        story.save()
        _add_version(story, 1, stored, by)
        audit.note("story.create", _subject(story), by, name=story.name)
    return story


def check_story(
    *, name: str, blocks: Sequence[Any], story: Story | None = None, by: Agent | str
) -> None:
    """Raise StoryError with everything that keeps ``by`` from saving this, but a taken name."""
    prepared(name, blocks, story, by)


def save_story(
    story: Story,
    *,
    name: str | None = None,
    blocks: Sequence[Any],
    by: Agent | str,
    number: int,
) -> StoryVersion:
    """Save as a new version. ``number`` is of the version that was edited.

    A webhook block with ``"keep": "3.2"`` and no secret keeps that of version 3, block 2. Where
    nothing has changed, the version stays. Raises StoryConflict when somebody has saved since,
    StoryError for everything else.
    """
    name = story.name if name is None else name
    stored = prepared(name, blocks, story, by)
    with _unique(tidy_name(name)), transaction.atomic():
        present = Story.objects.select_for_update().get(pk=story.pk)
        if present.archived_at is not None:
            raise StoryError(f"“{present.name}” is archived. Restore it, then save again.")
        before = newest(present)
        if before.number != number:
            raise StoryConflict(before)
        if present.name != tidy_name(name):
            present.name = tidy_name(name)
            present.save(update_fields=["name"])
            audit.note("story.rename", _subject(story), by, name=present.name)
        before.story, story.name = present, present.name
        if before.blocks == stored:
            return before
        version = _add_version(present, number + 1, stored, by)
        audit.note("story.save", _subject(story), by, version=version.number)
    return version


def duplicate_story(story: Story, *, by: Agent | str) -> Story:
    """A copy of the newest version under a name of its own, secrets included."""
    version = newest(story)
    with transaction.atomic():
        copy = Story.objects.create(name=_free_name(story.name))
        _add_version(copy, 1, version.blocks, by)
        audit.note("story.create", _subject(copy), by, name=copy.name, copy_of=story.pk)
    return copy


def archive_story(story: Story, *, by: Agent | str) -> None:
    """Take a story out of the lists. Broadcasts that use it go on; it can be restored."""
    _set_archived(story, clock.now(), "story.archive", by)


def restore_story(story: Story, *, by: Agent | str) -> None:
    """Put an archived story back into the lists."""
    _set_archived(story, None, "story.restore", by)


def find_story(name_or_id: str | int, *, archived: bool = False) -> Story:
    """A story by its id or name: one in use, or with ``archived`` one that is archived.

    Raises StoryError.
    """
    wanted = str(name_or_id).strip()
    stories = Story.objects.filter(archived_at__isnull=not archived)
    if wanted.isascii() and wanted.isdigit():
        story = stories.filter(pk=parse_id(wanted) or 0).first()
    else:
        story = stories.filter(name=tidy_name(wanted)).first()
    if story is None:
        kind = "archived story" if archived else "story"
        raise StoryError(
            f"There is no {kind} “{wanted[:LONGEST_NAME]}”. Look for it in the list of stories."
        )
    return story


def newest(story: Story) -> StoryVersion:
    """The version that a new broadcast takes."""
    return story.versions.select_related("agent", "story").latest("number")


def story_list(
    q: str = "", *, archived: bool = False, after: int | None = None, limit: int = 50
) -> StoryPage:
    """Stories whose name contains ``q``, last edited first, by their newest version."""
    later = StoryVersion.objects.filter(story=OuterRef("story"), number__gt=OuterRef("number"))
    versions = StoryVersion.objects.filter(
        ~Exists(later), story__archived_at__isnull=not archived
    ).select_related("story", "agent")
    if words := search_words(q):
        sql, params = contains("name", words)
        ids = db.fetch(f"SELECT id FROM content_story WHERE {sql}", params)
        versions = versions.filter(story__in=[key for (key,) in ids])
    if after is not None:
        versions = versions.filter(pk__lt=after)
    page = list(versions.order_by("-pk")[: limit + 1])
    return StoryPage(page[:limit], page[limit - 1].pk if len(page) > limit else None)


def _add_version(
    story: Story, number: int, stored: list[dict[str, Any]], by: Agent | str
) -> StoryVersion:
    return StoryVersion.objects.create(
        story=story, number=number, blocks=stored, agent=by if isinstance(by, Agent) else None
    )


def _set_archived(story: Story, at: datetime | None, action: str, by: Agent | str) -> None:
    with transaction.atomic():
        changed = Story.objects.filter(pk=story.pk, archived_at__isnull=at is not None)
        if changed.update(archived_at=at):
            audit.note(action, _subject(story), by, name=story.name)
    story.refresh_from_db()


@contextmanager
def _unique(name: str) -> Iterator[None]:
    try:
        yield
    except IntegrityError:
        other = Story.objects.filter(name=name).first()
        if other is None:
            raise
        what = "an archived story" if other.archived_at else "already a story"
        advice = "Restore it, or choose" if other.archived_at else "Choose"
        raise StoryError(
            Fault(0, "name", f"There is {what} called “{name}”. {advice} another name.")
        ) from None


def _free_name(name: str) -> str:
    for number in count(1):
        ending = " (copy)" if number == 1 else f" (copy {number})"
        free = name[: LONGEST_NAME - len(ending)] + ending
        if not Story.objects.filter(name=free).exists():
            break
    return free


def _subject(story: Story) -> str:
    return f"story {story.pk}"
