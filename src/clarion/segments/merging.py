"""Contacts are merged, separated again, or deleted: who was in a watched segment."""

from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver

from clarion.contacts.signals import (
    contact_deleted,
    contacts_merged,
    contacts_merging,
    contacts_parted,
    contacts_removed,
)
from clarion.segments.models import Membership, Segment

_PART = "segments"


@receiver(contact_deleted)
def forget_memberships(contact_ids: Sequence[int], **_: Any) -> None:
    """Delete their memberships, which have no constraint that would."""
    Membership.objects.filter(contact__in=contact_ids).delete()


@receiver(contacts_removed)
def forget_all_memberships(contact_ids: Sequence[int], **_: Any) -> None:
    """Delete those of contacts whose import is undone."""
    Membership.objects.filter(contact__in=contact_ids).delete()


@receiver(contacts_merging)
def remember_memberships(gone_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Which segments the second contact was in."""
    memberships = Membership.objects.filter(contact=gone_id)
    parts[_PART] = sorted(memberships.values_list("segment_id", flat=True))


@receiver(contacts_merged)
def merge_memberships(gone_id: int, **_: Any) -> None:
    """The second contact is in no segment any more."""
    forget_memberships(contact_ids=[gone_id])


@receiver(contacts_parted)
def part_memberships(back_id: int, parts: dict[str, Any], **_: Any) -> None:
    """The contact that is back has not joined again what it was in before."""
    watched = Segment.objects.filter(pk__in=parts.get(_PART, []), is_watched=True)
    Membership.objects.bulk_create(
        (Membership(segment=segment, contact_id=back_id) for segment in watched),
        ignore_conflicts=True,
    )
