"""Segments with conditions on tags: they follow a new name, and prevent that a tag is deleted."""

from typing import Any

from django.dispatch import receiver

from clarion.contacts.signals import TagUse, tag_replaced, tags_in_use
from clarion.segments.models import Segment


@receiver(tags_in_use)
def segments_by_tag(**_: Any) -> dict[str, list[TagUse]]:
    """The segments that have a condition on each tag."""
    using: dict[str, list[TagUse]] = {}
    for segment in Segment.objects.order_by("name"):
        for name in sorted({raw["name"] for raw in segment.conditions if raw["of"] == "tag"}):
            use = TagUse(f"segment “{segment.name}”", "segment", segment.pk)
            using.setdefault(name, []).append(use)
    return using


@receiver(tag_replaced)
def follow_tag(before: str, after: str, is_merge: bool, **_: Any) -> None:
    """Name the other tag. Who is in a segment only now, by a merge, does not count as joined."""
    for segment in Segment.objects.select_for_update().order_by("pk"):
        conditions = [
            {**raw, "name": after} if raw["of"] == "tag" and raw["name"] == before else raw
            for raw in segment.conditions
        ]
        if conditions == segment.conditions:
            continue
        segment.conditions = conditions
        if is_merge:
            segment.is_known, segment.cursor, segment.next_look_at = False, 0, None
        segment.save()
