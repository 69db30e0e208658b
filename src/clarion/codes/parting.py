"""A merge of two contacts is undone: each has its own codes and redemptions again."""

from typing import Any

from django.db.models import Q
from django.dispatch import receiver

from clarion.codes.models import Code, Redemption
from clarion.contacts.signals import contacts_merging, contacts_parted


@receiver(contacts_merging)
def remember_codes(gone_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Which codes and redemptions are the second contact's."""
    for model in (Code, Redemption):
        rows = model._default_manager.filter(contact=gone_id)
        parts[model._meta.db_table] = sorted(rows.values_list("pk", flat=True))


@receiver(contacts_parted)
def part_codes(kept_id: int, back_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Give them back, but for a code that somebody else has got since."""
    of_kept = Q(contact=kept_id) | Q(contact=None)
    for model in (Code, Redemption):
        rows = model._default_manager.filter(of_kept, pk__in=parts.get(model._meta.db_table, []))
        rows.update(contact=back_id)
