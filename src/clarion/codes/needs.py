"""Which uploads are still to be read into pools."""

from typing import Any

from django.dispatch import receiver

from clarion.codes.models import CodeBatch
from clarion.contacts.signals import uploads_needed


@receiver(uploads_needed)
def needed_uploads(**_: Any) -> list[str]:
    """The tokens of open orders."""
    rows = CodeBatch.objects.filter(state__in=CodeBatch.OPEN).exclude(upload="")
    return list(rows.values_list("upload", flat=True))
