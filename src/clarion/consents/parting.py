"""A merge of two contacts is undone: each has its own consents again.

Where a consent stands is the newest of the changes, so it is enough to give these back.
"""

from typing import Any

from django.dispatch import receiver

from clarion.consents import signals
from clarion.consents.models import Change, Consent, Grant
from clarion.contacts.signals import contacts_merging, contacts_parted
from clarion.kit import clock

_PART = "consents"


@receiver(contacts_merging)
def remember_changes(gone_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Which changes are the second contact's."""
    changes = Change.objects.filter(contact=gone_id)
    parts[_PART] = sorted(changes.values_list("pk", flat=True))


@receiver(contacts_parted)
def part_consents(kept_id: int, back_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Give the changes back, and derive where both stand. Signals what is withdrawn by that."""
    merged = Grant.objects.filter(contact=kept_id, given=True)
    had_given = set(merged.values_list("consent_id", flat=True))
    Change.objects.filter(pk__in=parts.get(_PART, []), contact=kept_id).update(contact=back_id)
    for contact_id in (kept_id, back_id):
        newest: dict[int, Change] = {}
        for change in Change.objects.filter(contact=contact_id).order_by("at", "pk"):
            newest[change.consent_id] = change
        Grant.objects.filter(contact=contact_id).delete()
        Grant.objects.bulk_create(
            Grant(consent_id=key, contact_id=contact_id, given=change.given, at=change.at)
            for key, change in newest.items()
        )
        now_given = {key for key, change in newest.items() if change.given}
        for consent_id in sorted(had_given - now_given):
            signals.withdrawn.send(
                Consent, consent_id=consent_id, contact_ids=[contact_id], at=clock.now()
            )
