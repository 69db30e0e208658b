"""Which consents a broadcast requires, who has them, and whom that left out (J3)."""

from dataclasses import dataclass

from django.db.models import Count, Q

from clarion.broadcasts.audience import summary_of
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reasons import NO_CONSENT
from clarion.consents.models import Consent
from clarion.records.causes import left_out


@dataclass(frozen=True, slots=True)
class Required:
    """One consent that a broadcast requires."""

    name: str
    consent: Consent | None  # None when it has been deleted: then nobody has it
    given: int  # contacts who have given it, today


@dataclass(frozen=True, slots=True)
class Permissions:
    """The consents of a broadcast, in numbers."""

    required: list[Required]
    people: int | None  # recipients, without those left out; None while there is no audience
    left_out: int  # recipients who had not given all of them
    reason_id: int | None  # the reason of those left out, once they are written down
    about: bool  # counted from a sample, before it is sent


def permissions(broadcast: Broadcast) -> Permissions:
    """What a broadcast requires, and for how many that was fulfilled.

    Of one that is being sent or over it is counted from its recipients, of any other from the
    audience as it is now.
    """
    names = broadcast.audience.get("consents", [])
    contacts = Count("grants", filter=Q(grants__given=True))
    existing = {
        consent.name: consent
        for consent in Consent.objects.filter(name__in=names).annotate(given=contacts)
    }
    required = [
        Required(name, existing.get(name), getattr(existing.get(name), "given", 0))
        for name in names
    ]
    if broadcast.started_at is not None:
        lacking = [cause for cause in left_out(broadcast.pk) if cause.code == NO_CONSENT]
        people = sum(cause.people for cause in lacking)
        reason = lacking[0].id if lacking else None
        return Permissions(required, broadcast.total - people, people, reason, about=False)
    counted = summary_of(broadcast) if names else None
    if counted is None:
        return Permissions(required, None, 0, None, about=False)
    missing = counted.dropped.get(NO_CONSENT, 0)
    return Permissions(required, counted.total, missing, None, about=counted.about)
