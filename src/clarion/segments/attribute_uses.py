"""Segments with conditions on attributes: they follow a new name, and prevent deleting."""

from typing import Any

from django.dispatch import receiver

from clarion.contacts.signals import attribute_renamed, attributes_in_conditions
from clarion.segments.models import Segment


@receiver(attributes_in_conditions)
def segments_by_attribute(**_: Any) -> dict[str, list[str]]:
    """The segments that have a condition on each attribute."""
    using: dict[str, list[str]] = {}
    for segment in Segment.objects.order_by("name"):
        names = {raw["name"] for raw in segment.conditions if raw["of"] == "attribute"}
        for name in sorted(names):
            using.setdefault(name, []).append(f"segment “{segment.name}”")
    return using


@receiver(attribute_renamed)
def follow_attribute(before: str, after: str, **_: Any) -> None:
    """Name the attribute as it is called now."""
    for segment in Segment.objects.select_for_update().order_by("pk"):
        conditions = [
            {**raw, "name": after} if (raw["of"], raw["name"]) == ("attribute", before) else raw
            for raw in segment.conditions
        ]
        if conditions != segment.conditions:
            segment.conditions = conditions
            segment.save(update_fields=["conditions"])
