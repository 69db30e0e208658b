"""Contacts are deleted for good: what broadcasts keep about them becomes anonymous.

A message that a worker has in its hands is recorded after that. Where there is one, an Erasure
stays behind for an hour, and workers erase again until then.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from django.dispatch import receiver

from clarion.broadcasts.models import Broadcast, Erasure
from clarion.broadcasts.reasons import SKIPPED
from clarion.broadcasts.singles import of_addresses
from clarion.broadcasts.states import ACTIVE
from clarion.contacts import signals as contacts
from clarion.kit import clock
from clarion.records.deliveries import cancel
from clarion.records.deliveries.erase import erase_contents

WAIT = timedelta(hours=1)  # longer than a message is in a worker's hands


@receiver(contacts.contact_deleted)
def erase_deliveries(address_ids: Sequence[int], **_: Any) -> None:
    """Skip what is queued for them, and erase what they were sent."""
    running = Broadcast.objects.filter(state__in=ACTIVE).values_list("pk", flat=True)
    cancel.skip_addresses(address_ids, list(running), ("deleted", SKIPPED["deleted"]))
    singles = list(of_addresses(address_ids).order_by("pk"))
    ids = [single.pk for single in singles]
    if erase_contents(address_ids, [*_not_singles(), *ids]):
        Erasure.objects.create(addresses=list(address_ids), singles=ids)
    for single in singles:  # what an agent wrote to them alone is its text
        named = {
            key: single.template[key] for key in ("name", "language") if key in single.template
        }
        single.title, single.text, single.mail, single.data = "", "", {}, {}
        single.template = named
        single.save(update_fields=["title", "text", "mail", "data", "template"])


def erase_again() -> None:
    """Erase what workers have recorded since contacts were deleted."""
    for erasure in Erasure.objects.order_by("pk"):
        erase_contents(erasure.addresses, [*_not_singles(), *erasure.singles])
        if erasure.created_at < clock.now() - WAIT:
            erasure.delete()


def _not_singles() -> list[int]:
    types = [kind for kind in Broadcast.Type if kind != Broadcast.Type.SINGLE]
    return list(Broadcast.objects.filter(type__in=types).values_list("pk", flat=True))
