"""A contact is deleted: nobody has been in a segment."""

from typing import Any

from django.dispatch import receiver

from clarion.contacts.signals import contact_deleted
from clarion.segments.models import Membership


@receiver(contact_deleted)
def forget_memberships(contact_id: int, **_: Any) -> None:
    """Delete their memberships, which have no constraint that would."""
    Membership.objects.filter(contact=contact_id).delete()
