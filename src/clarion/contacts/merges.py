"""Merging two contacts by hand, and undoing it.

What either had before is kept with the merge for some days. Higher packages keep and give back what
is theirs: see ``signals.contacts_merging`` and ``signals.contacts_parted``.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.contacts.attribute_types import shown
from clarion.contacts.attributes import OWN_FIELDS
from clarion.contacts.merging import merge_contacts, merged_values
from clarion.contacts.models import Address, Contact, Merge, Tag, Tagging
from clarion.contacts.signals import contacts_merging, contacts_parted
from clarion.kit import clock

DAYS: Final = 30  # for which a merge can be undone


class MergeError(ValueError):
    """Two contacts can't be merged, or a merge can't be undone; says why."""


@dataclass(frozen=True, slots=True)
class Compared:
    """One thing that is known of two contacts, and what the merged one will have."""

    name: str
    kept: str
    other: str
    result: str

    @property
    def differs(self) -> bool:
        """Whether a value is lost: both have one, and they are not the same."""
        return bool(self.kept and self.other and self.kept != self.other)


@dataclass(frozen=True, slots=True)
class Preview:
    """What a merge results in, side by side."""

    rows: list[Compared]
    tags: tuple[list[str], list[str], list[str]]  # of either, and of the result
    addresses: tuple[list[Address], list[Address]]
    doubled: list[str]  # the channels on which both have an address


def preview(kept: Contact, other: Contact) -> Preview:
    """What results if ``other`` is merged into ``kept``. Nothing is changed."""
    values = merged_values(kept, other)
    rows = [
        Compared(name, getattr(kept, name), getattr(other, name), values[name])
        for name in OWN_FIELDS
    ]
    rows += [
        Compared(
            name,
            shown(kept.attributes.get(name)),
            shown(other.attributes.get(name)),
            shown(value),
        )
        for name, value in sorted(values["attributes"].items())
    ]
    tags = _tags(kept), _tags(other)
    addresses = _addresses(kept), _addresses(other)
    names = [{address.channel.name for address in some} for some in addresses]
    return Preview(
        rows=[row for row in rows if row.kept or row.other],
        tags=(*tags, sorted({*tags[0], *tags[1]})),
        addresses=addresses,
        doubled=sorted(names[0] & names[1]),
    )


def merge(kept_id: int, other_id: int, *, by: Agent | str) -> Merge:
    """Merge a contact into another one; return the merge, by which it can be undone.

    Where both have a value, that of ``kept_id`` counts. Raises MergeError.
    """
    if kept_id == other_id:
        raise MergeError(_("These are the same contact. Choose another one."))
    with transaction.atomic():
        kept, other = _locked(kept_id, other_id)
        parts: dict[str, Any] = {}
        contacts_merging.send(Contact, gone_id=other.pk, parts=parts)
        taggings = Tagging.objects.filter(contact=other).values_list("tag_id", "created_at")
        own_tags = Tagging.objects.filter(contact=kept).values_list("tag_id", flat=True)
        before = {
            "kept": _values(kept),
            "other": {**_values(other), "created_at": clock.to_us(other.created_at)},
            "result": merged_values(kept, other),
            "addresses": sorted(Address.objects.filter(contact=other).values_list("pk", flat=True)),
            "taggings": [[tag, clock.to_us(at)] for tag, at in taggings],
            "kept_tags": sorted(own_tags),
            "parts": parts,
        }
        row = Merge.objects.create(
            kept_id=kept.pk,
            gone_id=other.pk,
            gone_name=other.name,
            before=before,
            agent=by if isinstance(by, Agent) else None,
        )
        merge_contacts(kept.pk, other.pk, by=by)
    return row


def undo(merge_id: int, *, by: Agent | str) -> Contact:
    """Separate two merged contacts again; return the one that comes back, with its id of before.

    Both have again what they had. What was changed or added since the merge stays with the contact
    that was kept. Raises MergeError.
    """
    with transaction.atomic():
        row = Merge.objects.select_for_update().filter(pk=merge_id, undone_at=None).first()
        if row is None or row.created_at < clock.now() - timedelta(days=DAYS):
            raise MergeError(_("This merge has been undone already, or it is too long ago."))
        kept = Contact.objects.select_for_update().filter(pk=row.kept_id).first()
        if kept is None:
            raise MergeError(
                _("Contact %d does not exist any more. If it was merged later, undo that first.")
                % row.kept_id
            )
        other = _restored(row)
        _give_back_values(kept, row.before)
        _give_back_addresses(kept, other, row.before["addresses"])
        _give_back_tags(kept, other, row.before)
        contacts_parted.send(Contact, kept_id=kept.pk, back_id=other.pk, parts=row.before["parts"])
        # What they had is with them again, and not kept here longer than that.
        Merge.objects.filter(pk=row.pk).update(undone_at=clock.now(), before={}, gone_name="")
        audit.note("contacts.unmerge", f"contact {kept.pk}", by, contact=other.pk)
        audit.note("contacts.unmerge", f"contact {other.pk}", by, contact=kept.pk)
    return other


def merges_of(contact: Contact) -> list[Merge]:
    """The merges into a contact that can be undone, newest first."""
    return list(undoable().filter(kept_id=contact.pk))


def undoable() -> Any:
    """A query set of the merges that can be undone, newest first."""
    since = clock.now() - timedelta(days=DAYS)
    return Merge.objects.filter(undone_at=None, created_at__gte=since).order_by("-pk")


def forget_old() -> None:
    """Delete what was kept for undoing merges, once it is too late for that."""
    Merge.objects.filter(created_at__lt=clock.now() - timedelta(days=DAYS)).delete()


def merged_into(contact_ids: Sequence[int]) -> list[int]:
    """The ids of contacts that are part of these now, by hand or not, one after the other.

    The audit log has them, longer than a merge is kept. One that was separated again exists.
    """
    parts: list[int] = []
    ids = list(contact_ids)
    while ids:
        details = AuditEntry.objects.filter(
            action="contacts.merge", subject__in=[f"contact {key}" for key in ids]
        ).values_list("detail", flat=True)
        merged = {detail["gone"] for detail in details if "gone" in detail} - {*parts, *contact_ids}
        merged -= set(Contact.objects.filter(pk__in=merged).values_list("pk", flat=True))
        ids = sorted(merged)
        parts += ids
    return parts


def forget_contacts(ids: Sequence[int]) -> None:
    """Delete what is kept of contacts that are deleted for good."""
    Merge.objects.filter(Q(kept_id__in=ids) | Q(gone_id__in=ids)).delete()


def _locked(kept_id: int, other_id: int) -> tuple[Contact, Contact]:
    rows = Contact.objects.select_for_update().filter(pk__in=[kept_id, other_id])
    contacts = {contact.pk: contact for contact in rows.order_by("pk")}
    for key in (kept_id, other_id):
        if key not in contacts:
            raise MergeError(_("Contact %d does not exist any more.") % key)
    return contacts[kept_id], contacts[other_id]


def _values(contact: Contact) -> dict[str, Any]:
    return {name: getattr(contact, name) for name in (*OWN_FIELDS, "attributes")}


def _tags(contact: Contact) -> list[str]:
    tags = Tag.objects.filter(taggings__contact=contact)
    return sorted(tags.values_list("name", flat=True))


def _addresses(contact: Contact) -> list[Address]:
    rows = Address.objects.filter(contact=contact, alias_of=None).select_related("channel")
    return list(rows.order_by("pk"))


def _restored(row: Merge) -> Contact:
    values = dict(row.before["other"])
    created_at = clock.from_us(values.pop("created_at"))
    return Contact.objects.create(pk=row.gone_id, created_at=created_at, **values)


def _give_back_values(kept: Contact, before: dict[str, Any]) -> None:
    """What the merge changed gets its value of before, unless it was changed since."""
    own, result = before["kept"], before["result"]
    for name in OWN_FIELDS:
        if getattr(kept, name) == result[name]:
            setattr(kept, name, own[name])
    attributes = dict(kept.attributes)
    for name, value in result["attributes"].items():
        if name in attributes and attributes[name] == value:
            del attributes[name]
            attributes |= {name: own["attributes"][name]} if name in own["attributes"] else {}
    kept.attributes = attributes
    kept.save(update_fields=[*OWN_FIELDS, "attributes"])


def _give_back_addresses(kept: Contact, other: Contact, ids: Sequence[int]) -> None:
    """Their addresses, except those that turned out to be the same as one of the kept contact."""
    theirs_or_none = Q(alias_of=None) | Q(alias_of__in=ids)
    Address.objects.filter(theirs_or_none, pk__in=ids, contact=kept).update(contact=other)
    moved = Address.objects.filter(contact=other, alias_of=None).values("pk")
    Address.objects.filter(alias_of__in=moved).update(contact=other)


def _give_back_tags(kept: Contact, other: Contact, before: dict[str, Any]) -> None:
    """Their tags; the kept contact loses those that it got by the merge."""
    at_of = {tag: clock.from_us(at) for tag, at in before["taggings"]}
    existing = Tag.objects.filter(pk__in=at_of).values_list("pk", flat=True)
    Tagging.objects.bulk_create(
        Tagging(tag_id=tag, contact=other, created_at=at_of[tag]) for tag in existing
    )
    for tag in set(at_of) - set(before["kept_tags"]):
        Tagging.objects.filter(contact=kept, tag=tag, created_at=at_of[tag]).delete()
