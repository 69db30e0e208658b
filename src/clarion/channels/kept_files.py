"""Files that the provider of a channel keeps: their ids there, by which they are sent again.

An id is noted for 29 days: providers promise none for ever, and some delete uploads after 30.
"""

import hashlib
from datetime import timedelta
from typing import Final

from clarion.channels.models import KeptFile
from clarion.kit import clock
from clarion.kit.parts import Media

LASTS: Final = timedelta(days=29)
LONGEST_ID: Final = 1_000  # characters


def key_of(media: Media) -> str:
    """What identifies an upload as it is shown to people: its bytes, its name and its type."""
    shown = f"{media.kind}\n{media.name}\n{media.content_type}\n{media.sha256}"
    return hashlib.sha256(shown.encode("utf-8", "replace")).hexdigest()


def kept_id(channel_id: int, key: str) -> str:
    """The provider's id of a file; "" where none is known."""
    since = clock.now() - LASTS
    rows = KeptFile.objects.filter(channel_id=channel_id, key=key, noted_at__gt=since)
    return rows.values_list("kept_id", flat=True).first() or ""


def keep(channel_id: int, key: str, kept_id: str) -> None:
    """Note the provider's id of a file, instead of another one."""
    KeptFile.objects.bulk_create(
        [KeptFile(channel_id=channel_id, key=key, kept_id=kept_id)],
        update_conflicts=True,
        unique_fields=["channel", "key"],
        update_fields=["kept_id", "noted_at"],
    )


def drop(channel_id: int, key: str, kept_id: str) -> None:
    """Forget an id that the provider does not know, unless there is a newer one."""
    KeptFile.objects.filter(channel_id=channel_id, key=key, kept_id=kept_id).delete()


def forget(channel_id: int) -> None:
    """Forget all ids of a channel: another account or number does not have these files."""
    KeptFile.objects.filter(channel_id=channel_id).delete()


def delete_old() -> None:
    """Delete the ids that are no longer used."""
    KeptFile.objects.filter(noted_at__lte=clock.now() - LASTS).delete()
