"""What bulk actions that have not ended need: uploads, and attributes that they choose by."""

from typing import Any

from django.dispatch import receiver

from clarion.bulk.models import BulkAction
from clarion.contacts.signals import attributes_at_work, tag_replaced, uploads_needed


@receiver(uploads_needed)
def needed_uploads(**_: Any) -> list[str]:
    """The tokens of open actions."""
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN).exclude(upload="")
    return list(rows.values_list("upload", flat=True))


@receiver(attributes_at_work)
def chosen_by_attributes(**_: Any) -> dict[str, list[str]]:
    """The open actions that choose contacts by each attribute."""
    using: dict[str, list[str]] = {}
    for action in BulkAction.objects.filter(state__in=BulkAction.OPEN).order_by("pk"):
        for name in sorted({each[0] for each in action.contacts.get("attributes", ())}):
            using.setdefault(name, []).append(str(action))
    return using


@receiver(tag_replaced)
def follow_tags(before: str, after: str, is_merge: bool, **_: Any) -> None:
    """Open actions name a tag as it is called now. One that removes a tag does not remove the tag
    that it was merged into: contacts may have had that before."""
    kinds = [BulkAction.Kind.TAG] if is_merge else [BulkAction.Kind.TAG, BulkAction.Kind.UNTAG]
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN, kind__in=kinds)
    for action in rows.select_for_update().order_by("pk"):
        if before in action.options["tags"]:
            names = {after if name == before else name for name in action.options["tags"]}
            action.options["tags"] = sorted(names)
            action.save(update_fields=["options"])
