"""Sending the messages by which contacts confirm a consent (double opt-in)."""

from django.db import transaction

from clarion.accounts import audit
from clarion.broadcasts import singles
from clarion.broadcasts.errors import SingleError
from clarion.consents.confirmations import CONFIRM, note_problem, note_sent
from clarion.consents.manage import CONFIRM_URL
from clarion.consents.models import Confirmation, Consent
from clarion.contacts.models import Address
from clarion.contacts.states import AddressState, explain
from clarion.content.errors import ContentError
from clarion.content.rendering import compile_text, context_of
from clarion.kit import clock, db

AT_ONCE = 50  # messages of one step: the sending takes its time anyway


def send_due() -> int:
    """Queue the confirmation messages that are due; return how many were looked at, 0 for no more.

    Any number of workers may do so at once. A message that can't be sent is not tried again: the
    contact's page says why.
    """
    due = Confirmation.objects.filter(due=True).order_by("pk").values_list("pk", flat=True)
    numbers = list(due[:AT_ONCE])
    for number in numbers:
        with transaction.atomic():
            _send(number)
    return len(numbers)


def _send(number: int) -> None:
    waiting = db.select_unlocked(Confirmation.objects.filter(pk=number, due=True)).first()
    if waiting is None:  # another worker has it
        return
    consent = Consent.objects.get(pk=waiting.consent_id)
    address = Address.objects.select_related("contact", "channel").get(pk=waiting.address_id)
    try:
        if address.effective_state != AddressState.ACTIVE:
            raise SingleError(explain(address.effective_state))
        variables = {CONFIRM_URL: CONFIRM.url(waiting.pk)}
        if not variables[CONFIRM_URL]:
            raise SingleError("This server has no public address. Set CLARION_PUBLIC_URL.")
        person = context_of(address.contact, address)
        text, subject = (
            compile_text(source).render(person, **variables)
            for source in (consent.confirm_text, consent.confirm_subject)
        )
        with transaction.atomic():
            singles.send_single(
                address,
                by=audit.WORKER,
                text=singles.literal(text),
                title=singles.literal(subject),
                is_answer=False,
            )
    except (ContentError, SingleError) as error:
        note_problem(waiting.pk, str(error))
    else:
        note_sent(waiting.pk, clock.now())
