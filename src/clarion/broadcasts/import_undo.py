"""Contacts of an import that is undone: those that a broadcast is about stay."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Firing, Pick
from clarion.contacts.signals import contacts_used
from clarion.kit import db


@receiver(contacts_used)
def contacts_of_broadcasts(contact_ids: Sequence[int], **_: Any) -> dict[str, set[int]]:
    """Who has a place in a broadcast, was chosen for one, or started a trigger."""
    deliveries = db.lateral_join(
        "records_delivery", "d", "d.broadcast_id = b.id AND d.address_id = a.id"
    )
    rows = db.fetch(
        f"SELECT DISTINCT a.contact_id FROM {db.json_table([('id', 'int')])} "
        "CROSS JOIN contacts_address a CROSS JOIN broadcasts_broadcast b "
        f"{deliveries} WHERE a.contact_id = v.id",
        [db.json_param([key] for key in contact_ids)],
    )
    chosen = Pick.objects.filter(address__contact__in=contact_ids)
    started = Firing.objects.filter(contact__in=contact_ids)
    return {
        "has a place in a broadcast": {row[0] for row in rows},
        "was chosen for a broadcast": set(chosen.values_list("address__contact_id", flat=True)),
        "has started a broadcast": set(started.values_list("contact_id", flat=True)),
    }
