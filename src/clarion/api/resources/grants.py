"""Consents of contacts: given and withdrawn."""

from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, MomentIn, Output
from clarion.consents import grants
from clarion.consents.models import Change, Consent
from clarion.contacts.models import Contact
from clarion.contacts.upserts import MOST

AREA = "Consents"
_WRITE = "consents:write"


class GrantIn(Input):
    """Which contacts, and when."""

    contact_ids: list[Id] = Field(min_length=1, max_length=MOST)
    at: MomentIn | None = Field(None, description="When they did it; now, unless given")


class GrantedOut(Output):
    """For how many contacts this is new."""

    changed: int


class StandingOut(Output):
    """Where a contact stands with a consent."""

    consent_id: Id
    name: str
    given: bool | None = Field(description="null: not asked")
    at: Moment | None
    how: str


class StandingsOut(Output):
    """Where a contact stands with all consents."""

    items: list[StandingOut]


@operation(
    AREA, "POST", "/consents/{consent_id}/give", GrantedOut,
    Rules(_WRITE, repeatable=True, body=JSON),
)  # fmt: skip
def give_consent(request: ApiRequest, consent_id: Id, body: GrantIn) -> GrantedOut:
    """Note that contacts have given a consent

    Contacts that do not exist are left out. A change that is older than the last one is ignored.
    """
    consent = get(Consent.objects.all(), consent_id, "consent")
    how = Change.How.API
    return GrantedOut(
        changed=grants.give(consent, body.contact_ids, how=how, at=body.at, by=request.by)
    )


@operation(
    AREA, "POST", "/consents/{consent_id}/withdraw", GrantedOut,
    Rules(_WRITE, repeatable=True, body=JSON),
)  # fmt: skip
def withdraw_consent(request: ApiRequest, consent_id: Id, body: GrantIn) -> GrantedOut:
    """Note that contacts have withdrawn a consent

    Messages that require it and are still queued for them are skipped at once.
    """
    consent = get(Consent.objects.all(), consent_id, "consent")
    how = Change.How.API
    return GrantedOut(
        changed=grants.withdraw(consent, body.contact_ids, how=how, at=body.at, by=request.by)
    )


@operation(AREA, "GET", "/contacts/{contact_id}/consents", StandingsOut, Rules("consents:read"))
def list_contact_consents(request: ApiRequest, contact_id: Id) -> StandingsOut:
    """Show which consents a contact has given"""
    contact = get(Contact.objects.all(), contact_id, "contact")
    return StandingsOut(
        items=[
            StandingOut(
                consent_id=standing.consent.pk,
                name=standing.consent.name,
                given=standing.given,
                at=standing.at,
                how=str(standing.how),
            )
            for standing in grants.standing(contact)
        ]
    )
