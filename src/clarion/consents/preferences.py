"""What a contact may choose on the page of their preferences, which a signed link opens.

The link stands for one address. Consents are the contact's; unsubscribing from everything is about
all addresses of the contact.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from clarion.accounts import audit
from clarion.consents import grants
from clarion.consents.models import Change, Consent, Grant
from clarion.consents.proof import Proof
from clarion.contacts import addresses
from clarion.contacts.identities import primary_id
from clarion.contacts.models import Address
from clarion.contacts.signed_links import SignedLink
from clarion.contacts.states import AddressState

PREFERENCES: Final = SignedLink("preferences", "This link is not complete or not ours.")


@dataclass(frozen=True, slots=True)
class Choice:
    """One consent as the contact sees it."""

    id: int
    name: str
    text: str
    is_given: bool


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the page shows."""

    language: str  # of the contact; "" where it is not known
    choices: tuple[Choice, ...]
    has_opted_out: bool  # this address wants nothing at all


def preferences_of(address_id: int) -> Preferences | None:
    """The preferences of the contact at an address; None if it was deleted."""
    address = _address(address_id)
    if address is None:
        return None
    granted = set(
        Grant.objects.filter(contact=address.contact_id, given=True).values_list(
            "consent_id", flat=True
        )
    )
    choices = tuple(
        Choice(consent.pk, consent.name, consent.text, consent.pk in granted)
        for consent in Consent.objects.order_by("category", "name")
    )
    has_opted_out = address.state == AddressState.OPTED_OUT
    return Preferences(address.contact.language, choices, has_opted_out)


def choose(
    address_id: int, shown: Iterable[int], chosen: Iterable[int], proof: Proof, at: datetime
) -> None:
    """Note which consents a contact has given and withdrawn on the page.

    ``shown``: the consents that the page had, by their ids; one that was added meanwhile stays as
    it is. Choosing anything lifts an earlier opt-out of this address: they want messages again. Not
    so for who only withdraws consents, and leaves others as they were.
    """
    address = _address(address_id)
    if address is None:
        return
    wanted = set(chosen)
    by_id = Consent.objects.in_bulk(list({*shown}))
    any_given, any_withdrawn = False, False
    with transaction.atomic():
        for key, consent in sorted(by_id.items()):
            change = grants.give if key in wanted else grants.withdraw
            is_given = Grant.objects.filter(
                consent=consent, contact=address.contact_id, given=True
            ).exists()
            if is_given != (key in wanted):
                any_given |= key in wanted
                any_withdrawn |= is_given
                change(
                    consent,
                    [address.contact_id],
                    how=Change.How.PAGE,
                    by=audit.STRANGER,
                    at=at,
                    proof=proof,
                )
        if wanted & by_id.keys() and (any_given or not any_withdrawn):
            addresses.mark(address.pk, AddressState.ACTIVE, at)


def stop_all(address_id: int, proof: Proof, at: datetime) -> None:
    """Unsubscribe a contact from everything: every address opts out, every consent is withdrawn."""
    address = _address(address_id)
    if address is None:
        return
    with transaction.atomic():
        of_contact = Address.objects.filter(contact=address.contact_id, alias_of=None)
        for key in of_contact.order_by("pk").values_list("pk", flat=True):
            addresses.mark(key, AddressState.OPTED_OUT, at)
        grants.withdraw_all(address.contact_id, how=Change.How.PAGE, proof=proof, at=at)


def _address(address_id: int) -> Address | None:
    addresses_of_it = Address.objects.filter(pk=primary_id(address_id))
    return addresses_of_it.select_related("contact").first()
