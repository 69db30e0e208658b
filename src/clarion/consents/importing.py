"""What imports of contacts say about consents: noted with the import as proof."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from clarion.accounts.models import Agent
from clarion.consents.grants import give, withdraw
from clarion.consents.models import Change, Confirmation, Consent, Grant
from clarion.consents.proof import Proof
from clarion.contacts.signals import (
    consents_imported,
    consents_to_import,
    contacts_removed,
    contacts_used,
)


@receiver(consents_to_import)
def names_of_consents(**_: Any) -> dict[int, str]:
    """All consents."""
    return dict(Consent.objects.order_by("name").values_list("pk", "name"))


@receiver(consents_imported)
def note_imported(
    given: Mapping[int, Sequence[int]],
    withdrawn: Mapping[int, Sequence[int]],
    at: datetime,
    detail: str,
    by: Agent | str,
    **_: Any,
) -> set[int]:
    """Note these, and return the contacts that changed.

    A file says nothing about when a consent was given, and it may be old: so it gives none that was
    withdrawn. Withdrawals in the file count. What a consent that was deleted meanwhile is about is
    left out.
    """
    changed: set[int] = set()
    proof = Proof(detail=detail)
    consents = Consent.objects.in_bulk({*given, *withdrawn})
    for key, consent in sorted(consents.items()):
        before = _standing(key, [*given.get(key, ()), *withdrawn.get(key, ())])
        new = sorted({contact for contact in given.get(key, ()) if contact not in before})
        withdrawing = sorted({each for each in withdrawn.get(key, ()) if before.get(each, True)})
        if new:
            give(consent, new, how=Change.How.IMPORT, by=by, at=at, proof=proof)
        if withdrawing:
            withdraw(consent, withdrawing, how=Change.How.IMPORT, by=by, at=at, proof=proof)
        changed |= {*new, *withdrawing}
    return changed


@receiver(contacts_used)
def contacts_with_consents(
    contact_ids: Sequence[int], since: datetime, **_: Any
) -> dict[str, set[int]]:
    """Who has given or withdrawn a consent since, other than by the import that began then."""
    changes = Change.objects.filter(contact__in=contact_ids, at__gte=since)
    changes = changes.exclude(how=Change.How.IMPORT, at=since)
    return {"has given or withdrawn a consent": set(changes.values_list("contact_id", flat=True))}


@receiver(contacts_removed)
def forget_consents(contact_ids: Sequence[int], **_: Any) -> None:
    """Delete what the import that brought these contacts said of their consents."""
    for model in (Confirmation, Change, Grant):
        model.objects.filter(contact__in=contact_ids).delete()


def _standing(consent_id: int, contacts: Sequence[int]) -> dict[int, bool]:
    grants = Grant.objects.filter(consent=consent_id, contact__in=set(contacts))
    return dict(grants.values_list("contact_id", "given"))
