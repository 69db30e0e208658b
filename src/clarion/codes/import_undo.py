"""Contacts of an import that is undone: those that got a code, or used one, stay."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from clarion.codes.models import Code, Redemption
from clarion.contacts.signals import contacts_used


@receiver(contacts_used)
def contacts_with_codes(contact_ids: Sequence[int], **_: Any) -> dict[str, set[int]]:
    """Who was issued a code, and who redeemed one."""
    issued = Code.objects.filter(contact__in=contact_ids)
    redeemed = Redemption.objects.filter(contact__in=contact_ids)
    return {
        "has a code": set(issued.values_list("contact_id", flat=True)),
        "has redeemed a code": set(redeemed.values_list("contact_id", flat=True)),
    }
