"""Deleting contacts for good, when somebody asks for it.

All that says who somebody is goes: the contact, addresses, tags, consents, chats, what was sent.
What counts stays: deliveries and records keep their states and times without saying whose they
are, so that the numbers of broadcasts stay true. Higher packages erase what is theirs: see
``signals.contact_deleted``. Decision 0057 has the reasons.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.contacts import import_undo, merges
from clarion.contacts.models import Address, AddressReport, Contact, Suppression
from clarion.contacts.signals import contact_deleted
from clarion.contacts.states import AddressState
from clarion.contacts.suppressions import entries, matching
from clarion.contacts.suppressions.entries import Entry

NOTE = "Deleted on request"
_REASONS: Final[dict[str, str]] = {  # of an address's state
    AddressState.BLOCKED: Suppression.Reason.BLOCKED,
    AddressState.DEACTIVATED: Suppression.Reason.GONE,
    AddressState.UNREACHABLE: Suppression.Reason.GONE,
}


class DeletionError(ValueError):
    """A contact can't be deleted; says why."""


@dataclass(frozen=True, slots=True)
class Kept:
    """The user ids that go to the suppression list when a contact is deleted."""

    must: list[str]  # they opted out, or nothing is sent to them already
    may: list[str]  # the others


def kept_ids(contact: Contact) -> Kept:
    """Which user ids of a contact are kept, so that nothing is sent to them again."""
    must: list[str] = []
    may: list[str] = []
    for address in _addresses([contact.pk]):
        (must if _is_stopped(address) else may).append(address.user_id)
    return Kept(must, may)


def delete_contact(contact: Contact, *, suppress: bool, by: Agent | str) -> int:
    """Delete a contact for good; return how many user ids went to the suppression list.

    ``suppress``: all of their user ids go there. Those that opted out, or that nothing was sent to
    for another reason, go there in any case. Queued messages are skipped; one that is on the wire
    at this moment arrives. Raises DeletionError when somebody else has deleted the contact.
    """
    with transaction.atomic():
        deletion = delete_contacts([contact.pk], suppress=suppress, by=by)
        if not deletion.contacts:
            raise DeletionError(_("This contact has been deleted already."))
    matching.apply_pending()  # to who has the same user id on another channel
    return deletion.suppressed


@dataclass(frozen=True, slots=True)
class Deletion:
    """What was deleted of some contacts, and how many user ids went to the suppression list."""

    contacts: int
    suppressed: int


def delete_contacts(contact_ids: Sequence[int], *, suppress: bool, by: Agent | str) -> Deletion:
    """As ``delete_contact``, for up to some hundred contacts in the caller's transaction.

    Those who are deleted already are left out. Call ``matching.apply_pending`` after the commit.
    """
    matching.wait_to_add()
    rows = Contact.objects.select_for_update().filter(pk__in=contact_ids)
    ids = list(rows.order_by("pk").values_list("pk", flat=True))
    if not ids:
        return Deletion(0, 0)
    addresses = _addresses(ids)
    chosen = [row for row in addresses if suppress or _is_stopped(row)]
    listed = _entries(chosen)
    if listed:
        entries.store(listed, Suppression.Source.AGENT, by)
    address_ids = [row.pk for row in addresses]
    contact_deleted.send(Contact, contact_ids=ids, address_ids=address_ids)
    with_parts = [*ids, *merges.merged_into(ids)]
    merges.forget_contacts(with_parts)
    import_undo.note_deleted(with_parts)
    _forget_details(with_parts, address_ids)
    _forget_reports(addresses)
    Contact.objects.filter(pk__in=ids).delete()
    suppressed = Counter(row.contact_id for row in chosen)
    audit.note_each(
        "contact.delete",
        {f"contact {key}": {"suppressed": suppressed[key]} for key in ids},
        by,
    )
    return Deletion(len(ids), len(listed))


def _addresses(contact_ids: Sequence[int]) -> list[Address]:
    """Their addresses, other user ids included."""
    rows = Address.objects.filter(contact__in=contact_ids)
    rows = rows.select_related("channel", "suppression", "alias_of__suppression")
    return list(rows.order_by("pk"))


def _is_stopped(address: Address) -> bool:
    """Whether nothing is sent to an address. (A user id of an alias is as its address.)"""
    row = address.alias_of or address
    return row.effective_state != AddressState.ACTIVE


def _entries(addresses: Sequence[Address]) -> list[Entry]:
    listed = {
        (row.channel.kind, row.value): Entry(
            row.channel.kind, Suppression.Match.ADDRESS, row.value, _reason(row), NOTE
        )
        for row in addresses
    }
    return [listed[key] for key in sorted(listed)]


def _reason(address: Address) -> str:
    """Why nothing is sent to them: as before, or since they opted out."""
    if address.suppression is not None:
        return address.suppression.reason
    return _REASONS.get(address.state, Suppression.Reason.OPTED_OUT)


def _forget_reports(addresses: Sequence[Address]) -> None:
    """What providers reported about them; the entries of the suppression list stay."""
    values = [row.value for row in addresses]
    channels = {row.channel_id for row in addresses}
    AddressReport.objects.filter(value__in=values, channel__in=channels, is_listed=True).delete()


def _forget_details(contact_ids: Sequence[int], address_ids: Sequence[int]) -> None:
    """What the audit log says of them beside what was done: names and values."""
    subjects = [f"contact {key}" for key in contact_ids]
    subjects += [f"{noun} {key}" for key in address_ids for noun in ("address", "chat")]
    audit.forget_details(subjects)
