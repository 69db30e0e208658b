"""Which uploads bulk actions are still to read."""

from typing import Any

from django.dispatch import receiver

from clarion.bulk.models import BulkAction
from clarion.contacts.signals import uploads_needed


@receiver(uploads_needed)
def needed_uploads(**_: Any) -> list[str]:
    """The tokens of open actions."""
    rows = BulkAction.objects.filter(state__in=BulkAction.OPEN).exclude(upload="")
    return list(rows.values_list("upload", flat=True))
