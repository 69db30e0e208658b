"""Which stories broadcasts use."""

from collections.abc import Iterable

from django.db.models import Count

from clarion.broadcasts.models import Broadcast


def story_uses(story_ids: Iterable[int]) -> dict[int, int]:
    """Story id → number of broadcasts with it, drafts included; those with none are left out."""
    broadcasts = Broadcast.objects.filter(story__in=list(story_ids), data_type="story").exclude(
        type=Broadcast.Type.SINGLE
    )
    return dict(broadcasts.order_by().values_list("story").annotate(Count("pk")))
