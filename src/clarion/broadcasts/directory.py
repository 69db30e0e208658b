"""What the records package asks about broadcasts (``records.directory``)."""

from collections.abc import Iterable

from django.db.models import Q

from clarion.broadcasts.models import Broadcast
from clarion.kit import db


class Directory:
    """Answers from the table of broadcasts."""

    def titles(self, broadcast_ids: Iterable[int]) -> dict[int, str]:
        """The title of each of these that is there."""
        return dict(_of(broadcast_ids, "id, title"))

    def sent_by(self, agent_ids: Iterable[int], name: str) -> list[int]:
        """All broadcasts that these agents sent, or somebody of that name who is no agent."""
        sent = Broadcast.objects.filter(
            Q(agent__in=agent_ids) | Q(agent=None, agent_name__iexact=name)
        )
        return list(sent.values_list("pk", flat=True))

    def of_stories(self, story_id: int | None, name: str) -> list[int]:
        """All broadcasts that send this story, or one whose name contains ``name``."""
        broadcasts = Broadcast.objects.filter(data_type=STORY, story__name__icontains=name)
        if story_id is not None:
            broadcasts = broadcasts.filter(story=story_id)
        return list(broadcasts.values_list("pk", flat=True))

    def with_keys(self, keys: Iterable[str]) -> dict[str, int]:
        """The broadcast of each key that is there."""
        return dict(
            db.fetch(
                f"SELECT key, id FROM broadcasts_broadcast WHERE key {db.in_list('text')}",
                [db.json_param([key] for key in keys)],
            )
        )

    def stories(self, broadcast_ids: Iterable[int]) -> set[int]:
        """Those of these that send a story, which may have several messages."""
        return {pk for pk, data_type in _of(broadcast_ids, "id, data_type") if data_type == STORY}


STORY = Broadcast.DataType.STORY.value


def _of(broadcast_ids: Iterable[int], columns: str) -> list[tuple[int, str]]:
    if not (ids := [[key] for key in broadcast_ids]):
        return []
    return db.fetch(
        f"SELECT {columns} FROM broadcasts_broadcast WHERE id {db.in_list()}", [db.json_param(ids)]
    )
