"""How much there is about one contact: what a question before deleting them says."""

from dataclasses import dataclass

from clarion.chats.models import Message
from clarion.contacts.identities import same_as
from clarion.contacts.models import Address, Contact
from clarion.kit import db


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Numbers of what is stored."""

    addresses: int
    attributes: int
    tags: int
    consents: int  # changes of them
    chat_messages: int
    records: int  # attempts to send something


def person_facts(contact: Contact) -> PersonFacts:
    """How much is stored about a contact."""
    own = Address.objects.filter(contact=contact).values_list("pk", flat=True)
    ids = same_as(list(own))
    [(records,)] = db.fetch(
        f"SELECT count(*) FROM records_record WHERE address_id {db.in_list()}",
        [db.json_param([key] for key in ids)],
    )
    return PersonFacts(
        addresses=len(own),
        attributes=len(contact.attributes),
        tags=contact.taggings.count(),
        consents=contact.consent_changes.count(),
        chat_messages=Message.objects.filter(chat__in=ids).count(),
        records=records,
    )
