"""A merge of two contacts is undone: what fired for each of them has fired for them alone again."""

from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Broadcast, Firing
from clarion.contacts.signals import contacts_merging, contacts_parted
from clarion.kit import clock

_PART = "firings"
_FIELDS = ("broadcast_id", "occurrence", "happened_at", "due_at", "data", "state", "reason")


@receiver(contacts_merging)
def remember_firings(gone_id: int, parts: dict[str, Any], **_: Any) -> None:
    """The firings of the second contact. One that both had is deleted by the merge."""
    parts[_PART] = [
        [
            firing.pk,
            *(
                clock.to_us(value) if name.endswith("_at") else value
                for name in _FIELDS
                for value in [getattr(firing, name)]
            ),
        ]
        for firing in Firing.objects.filter(contact=gone_id).order_by("pk")
    ]


@receiver(contacts_parted)
def part_firings(kept_id: int, back_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Give them back, as they are by now; those of deleted broadcasts stay deleted."""
    rows = {row[0]: dict(zip(_FIELDS, row[1:], strict=True)) for row in parts.get(_PART, [])}
    Firing.objects.filter(pk__in=rows, contact=kept_id).update(contact=back_id)
    present = set(Firing.objects.filter(pk__in=rows).values_list("pk", flat=True))
    broadcasts = {row["broadcast_id"] for row in rows.values()}
    left = set(Broadcast.objects.filter(pk__in=broadcasts).values_list("pk", flat=True))
    Firing.objects.bulk_create(
        Firing(pk=key, contact_id=back_id, **values)
        for key, values in rows.items()
        if key not in present and values["broadcast_id"] in left
    )
