"""Two contacts turn out to be one: the newest that either said about a consent counts.

Of what was said at the same moment a withdrawal counts, as an import with one time for all may say.
"""

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from clarion.consents import signals
from clarion.consents.models import Change, Confirmation, Consent, Grant
from clarion.contacts.signals import contacts_merged


@receiver(contacts_merged)
def merge_consents(kept_id: int, gone_id: int, **_: Any) -> None:
    """Move the changes, which are the proof, and where each consent is at. Signals withdrawals."""
    Change.objects.filter(contact=gone_id).update(contact=kept_id)
    asked = Confirmation.objects.filter(contact=kept_id).values("consent")
    Confirmation.objects.filter(contact=gone_id, consent__in=asked).delete()
    Confirmation.objects.filter(contact=gone_id).update(contact=kept_id)
    kept = {grant.consent_id: grant for grant in Grant.objects.filter(contact=kept_id)}
    for merged in Grant.objects.filter(contact=gone_id):
        own = kept.get(merged.consent_id)
        if own is not None and _weight(own) >= _weight(merged):
            newest = own
            merged.delete()
        else:
            newest = merged
            if own is not None:
                own.delete()
            merged.contact_id = kept_id
            merged.save(update_fields=["contact"])
        if not newest.given:  # something may be on its way to either of them
            signals.withdrawn.send(
                Consent, consent_id=newest.consent_id, contact_ids=[kept_id], at=newest.at
            )


def _weight(grant: Grant) -> tuple[datetime, bool]:
    return grant.at, not grant.given
