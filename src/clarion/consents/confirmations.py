"""Double opt-in: a consent that a contact has to confirm by a link before it counts.

Until then nothing is given: the audience, the claim and the counts know confirmed consents alone.
Somebody who is asked again gets another message, at most so often as ``asking`` says.
"""

from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import F

from clarion.accounts import audit
from clarion.consents import grants
from clarion.consents.models import Confirmation
from clarion.consents.proof import Proof
from clarion.contacts.signed_links import SignedLink
from clarion.kit import clock, db
from clarion.kit.text import clean

CONFIRM: Final = SignedLink("confirm", "This link is not complete or not ours.")


def shown_to(number: int) -> Confirmation | None:
    """What the page of a link shows; None where there is no such confirmation any more."""
    rows = Confirmation.objects.select_related("consent", "version", "contact")
    return rows.filter(pk=number).first()


def confirm(number: int, proof: Proof, at: datetime) -> None:
    """The contact confirms: the consent is given, with the proof of both moments.

    Nothing happens for a link that has expired, and for one that was used already.
    """
    with transaction.atomic():
        row = (
            Confirmation.objects.select_for_update(of=("self",))
            .select_related("consent", "agent")
            .filter(pk=number, confirmed_at=None, expires_at__gt=at)
            .first()
        )
        if row is None:
            return
        asked = f"Confirmed. Asked for at {row.requested_at:%Y-%m-%d %H:%M} UTC"
        before = ", ".join(filter(None, (row.detail, row.ip, row.user_agent)))
        grants.give(
            row.consent,
            [row.contact_id],
            how=row.how,
            by=row.agent or audit.STRANGER,
            at=at,
            proof=Proof(f"{asked}: {before}" if before else asked, proof.ip, proof.user_agent),
            version=row.version_id,
            is_confirmed=True,
        )
        Confirmation.objects.filter(pk=row.pk).update(confirmed_at=at, due=False)


def note_sent(number: int, at: datetime) -> None:
    """Note that the message of a confirmation is on its way."""
    Confirmation.objects.filter(pk=number).update(due=False, sends=F("sends") + 1, sent_at=at)


def note_problem(number: int, sentence: str) -> None:
    """Note why the message of a confirmation can't be sent; it is not tried again."""
    Confirmation.objects.filter(pk=number).update(due=False, problem=clean(sentence, 300))


def pending_counts(at: datetime) -> dict[int, int]:
    """How many contacts have still to confirm each consent, by its id."""
    rows: list[Any] = db.fetch(
        "SELECT consent_id, count(*) FROM consents_confirmation "
        "WHERE confirmed_at IS NULL AND expires_at > %s GROUP BY consent_id",
        [clock.to_us(at)],
    )
    return dict(rows)
