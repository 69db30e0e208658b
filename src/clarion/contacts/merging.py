"""Two addresses, or two contacts, turn out to be one.

What higher packages know of them they merge themselves: see ``signals``.
"""

from collections.abc import Collection
from typing import Any

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.contacts.attributes import OWN_FIELDS
from clarion.contacts.models import Address, AddressChange, Contact, Tagging
from clarion.contacts.signals import address_stopped, addresses_merged, contacts_merged
from clarion.contacts.states import OUT_OF_REACH
from clarion.contacts.states import AddressState as S
from clarion.kit import clock, db


def lock_addresses(ids: Collection[int]) -> list[Address]:
    """These addresses, locked in one order; the one to keep comes first.

    That is the oldest one that can be reached. What became an alias meanwhile is followed.
    """
    wanted = set(ids)
    while True:
        rows = list(Address.objects.select_for_update().filter(pk__in=wanted).order_by("pk"))
        followed = {row.alias_of_id or row.pk for row in rows}
        if followed == wanted:
            return sorted(rows, key=lambda row: (row.state in OUT_OF_REACH, row.pk))
        wanted = followed


def merge_addresses(kept: Address, merged: Address) -> None:
    """Make one address an alias of another of its channel, both locked, and one contact of theirs.

    An opt-out of either is one of both; so is that they wrote. Signals ``addresses_merged``, and
    what follows from it.
    """
    before = kept.state
    if S.OPTED_OUT in (before, merged.state) and before != S.OPTED_OUT:
        kept.state, kept.state_at = S.OPTED_OUT, merged.state_at
    moments = [address.wrote_at for address in (kept, merged) if address.wrote_at]
    facts: dict[str, Any] = {
        "state": kept.state,
        "state_at": kept.state_at,
        "has_written": kept.has_written or merged.has_written,
        "wrote_at": max(moments, default=None),
    }
    Address.objects.filter(alias_of=merged).update(alias_of=kept)
    Address.objects.filter(pk=merged.pk).update(alias_of=kept, state=S.ALIAS)
    Address.objects.filter(pk=kept.pk).update(**facts)
    if kept.state != before:
        AddressChange.objects.create(
            address=kept, state=kept.state, at=kept.state_at or clock.now()
        )
    addresses_merged.send(Address, kept_id=kept.pk, gone_id=merged.pk)
    merged.refresh_from_db(fields=["contact_id"])  # it may have come to the kept one with another
    if kept.contact_id != merged.contact_id:
        merge_contacts(kept.contact_id, merged.contact_id)
    if kept.state != S.ACTIVE:  # also for what was on its way to the other one
        at = kept.state_at or clock.now()
        address_stopped.send(Address, address_id=kept.pk, state=str(kept.state), at=at)


def merge_contacts(kept_id: int, gone_id: int, by: Agent | str = audit.WORKER) -> None:
    """Give one contact what is known of another, and delete that one. Signals ``contacts_merged``.

    Where both have something of their own, the first one's counts.
    """
    locked = Contact.objects.select_for_update().filter(pk__in=[kept_id, gone_id])
    both = {contact.pk: contact for contact in locked.order_by("pk")}
    kept, merged = both[kept_id], both[gone_id]
    Contact.objects.filter(pk=kept.pk).update(**merged_values(kept, merged))
    Address.objects.filter(contact=merged).update(contact=kept)
    db.execute(
        "INSERT INTO contacts_tagging (tag_id, contact_id, created_at) "
        "SELECT tag_id, %s, created_at FROM contacts_tagging WHERE contact_id = %s "
        "ON CONFLICT DO NOTHING",
        [kept.pk, merged.pk],
    )
    Tagging.objects.filter(contact=merged).delete()
    contacts_merged.send(Contact, kept_id=kept.pk, gone_id=merged.pk)
    merged.delete()
    audit.note("contacts.merge", f"contact {kept_id}", by, gone=gone_id)


def merged_values(kept: Contact, merged: Contact) -> dict[str, Any]:
    """What the one contact knows of itself then: its own, and what only the other one knows."""
    values: dict[str, Any] = {
        field: getattr(kept, field) or getattr(merged, field) for field in OWN_FIELDS
    }
    values["attributes"] = {**merged.attributes, **kept.attributes}
    return values
