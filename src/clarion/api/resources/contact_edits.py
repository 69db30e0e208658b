"""Changing one contact: its fields, addresses, opting out, deleting for good."""

from typing import Any

from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import chosen, get, lock
from clarion.api.operations import operation
from clarion.api.resources.contacts import ContactOut, shown
from clarion.api.types import AttributeValue, Id, Input, Output
from clarion.channels.models import Channel
from clarion.contacts import addresses, editing
from clarion.contacts.deleting import delete_contact as delete_for_good
from clarion.contacts.models import Address, Contact
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions.listing import REASONS
from clarion.insights.person_export import export_person
from clarion.kit import clock

AREA = "Contacts"
_READ, _WRITE = "contacts:read", "contacts:write"


class ContactPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, max_length=200)
    language: str | None = Field(None, max_length=35)
    time_zone: str | None = Field(None, max_length=64)
    attributes: dict[str, AttributeValue | None] | None = Field(
        None, max_length=500, description="Those to change; an empty value removes one"
    )
    tags: list[str] | None = Field(
        None, max_length=100, description="All tags that the contact has then"
    )


class AddressIn(Input):
    """Where the contact is reached as well."""

    channel_id: Id
    user_id: str = Field(min_length=1, max_length=320)


class DeleteIn(Input):
    """What is kept of a contact that is deleted."""

    suppress: bool = Field(
        False, description="Put all user ids on the suppression list, so that nothing is sent again"
    )


class DeletedContactOut(Output):
    """How many user ids went to the suppression list."""

    suppressed: int


class PersonOut(Output):
    """Everything that is stored about a contact."""

    document: dict[str, Any]


@operation(
    AREA, "PATCH", "/contacts/{contact_id}", ContactOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_contact(request: ApiRequest, contact_id: Id, body: ContactPatch) -> ContactOut:
    """Change a contact

    An attribute that is declared takes what fits its type, and another one becomes a text, as on
    the page. New tags start the triggers on them.
    """
    contact = lock(Contact.objects.all(), contact_id, "contact")
    require_match(request, _shown(contact))
    values = body.attributes or {}
    wanted = editing.Edit(
        name=body.name,
        language=body.language,
        time_zone=body.time_zone,
        attributes=values,
        tags=body.tags,
    )
    editing.edit(contact, wanted, by=request.by)
    return _shown(contact)


@operation(
    AREA, "POST", "/contacts/{contact_id}/addresses", ContactOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def add_contact_address(request: ApiRequest, contact_id: Id, body: AddressIn) -> ContactOut:
    """Add an address to a contact"""
    contact = get(Contact.objects.all(), contact_id, "contact")
    channel = chosen(Channel.objects.all(), body.channel_id, "channel_id")
    assert channel is not None
    editing.add_address(contact, channel, body.user_id, by=request.by)
    return _shown(contact)


@operation(AREA, "POST", "/addresses/{address_id}/opt-out", ContactOut, Rules(_WRITE))
def opt_out_address(request: ApiRequest, address_id: Id) -> ContactOut:
    """Note that a contact wants no broadcasts at an address"""
    address = get(Address.objects.filter(alias_of=None), address_id, "address")
    addresses.mark(address.pk, AddressState.OPTED_OUT, clock.now(), by=request.by)
    return _shown(address.contact)


@operation(AREA, "POST", "/addresses/{address_id}/activate", ContactOut, Rules(_WRITE))
def activate_address(request: ApiRequest, address_id: Id) -> ContactOut:
    """Make an address active again that opted out or could not be reached

    Only do this when the contact has asked for it.
    """
    address = get(Address.objects.filter(state__in=list(REASONS)), address_id, "stopped address")
    addresses.mark(address.pk, AddressState.ACTIVE, clock.now(), by=request.by)
    return _shown(address.contact)


@operation(
    AREA, "POST", "/contacts/{contact_id}/delete", DeletedContactOut, Rules(_WRITE, body=JSON)
)
def delete_contact(request: ApiRequest, contact_id: Id, body: DeleteIn) -> DeletedContactOut:
    """Delete a contact for good, with everything that says who they are

    User ids that opted out go to the suppression list in any case. This can't be undone.
    """
    contact = get(Contact.objects.all(), contact_id, "contact")
    count = delete_for_good(contact, suppress=body.suppress, by=request.by)
    return DeletedContactOut(suppressed=count)


@operation(AREA, "GET", "/contacts/{contact_id}/export", PersonOut, Rules(_READ))
def export_contact(request: ApiRequest, contact_id: Id) -> PersonOut:
    """Get everything that is stored about a contact, for their request"""
    contact = get(Contact.objects.all(), contact_id, "contact")
    return PersonOut(document=export_person(contact, by=request.by))


def _shown(contact: Contact) -> ContactOut:
    [contact_out] = shown([contact.pk])
    return contact_out
