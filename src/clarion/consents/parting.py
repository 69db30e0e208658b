"""A merge of two contacts is undone: each has its own consents again.

Where a consent stands is the newest of the changes, so it is enough to give these back. Only what
was withdrawn since the merge counts for both: either of them may have done it.
"""

from typing import Any

from django.db.models import Max
from django.dispatch import receiver

from clarion.accounts import audit
from clarion.consents import grants, signals
from clarion.consents.models import Change, Confirmation, Consent, Grant
from clarion.consents.proof import Proof
from clarion.contacts.signals import contacts_merging, contacts_parted
from clarion.kit import clock

_PART = "consents"
_LAST = "consents_last"  # the newest change of either before the merge


@receiver(contacts_merging)
def remember_changes(gone_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Which changes are the second contact's, and which come later."""
    changes = Change.objects.filter(contact=gone_id)
    parts[_PART] = sorted(changes.values_list("pk", flat=True))
    parts[_LAST] = Change.objects.aggregate(last=Max("pk"))["last"] or 0


@receiver(contacts_parted)
def part_consents(kept_id: int, back_id: int, parts: dict[str, Any], **_: Any) -> None:
    """Give the changes back, and derive where both stand. Signals what is withdrawn by that.

    Who was asked to confirm at an address that goes back is the contact of that address.
    """
    merged = Grant.objects.filter(contact=kept_id, given=True)
    had_given = set(merged.values_list("consent_id", flat=True))
    Change.objects.filter(pk__in=parts.get(_PART, []), contact=kept_id).update(contact=back_id)
    Confirmation.objects.filter(contact=kept_id, address__contact=back_id).update(contact=back_id)
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
    _withdraw_for_both(kept_id, back_id, parts[_LAST])


def _withdraw_for_both(kept_id: int, back_id: int, last: int) -> None:
    since = Change.objects.filter(contact=kept_id, pk__gt=last).select_related("consent", "agent")
    newest = {change.consent_id: change for change in since.order_by("at", "pk")}
    for change in newest.values():
        if not change.given:
            grants.withdraw(
                change.consent,
                [back_id],
                how=change.how,
                by=change.agent or audit.WORKER,
                at=change.at,
                proof=Proof(change.detail, change.ip, change.user_agent),
            )
