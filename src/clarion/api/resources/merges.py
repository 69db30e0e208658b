"""Merging contacts: likely duplicates, merging, undoing it."""

from clarion.api.answers import Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import chosen, get
from clarion.api.operations import operation
from clarion.api.resources.contacts import ContactOut, shown
from clarion.api.types import Id, Input, Moment, Output
from clarion.contacts import duplicates, merges
from clarion.contacts.models import Contact

AREA = "Contacts"
_READ, _WRITE = "contacts:read", "contacts:write"


class DuplicateOut(Output):
    """Two contacts, and why they are likely one person."""

    first_id: Id
    second_id: Id
    first_name: str
    second_name: str
    reason: str


class DuplicatesOut(Output):
    """Pairs of contacts, the surest first."""

    items: list[DuplicateOut]


class MergeIn(Input):
    """The contact that is merged into this one."""

    contact_id: Id


class MergeOut(Output):
    """A merge, which can be undone for 30 days."""

    merge_id: Id
    contact: ContactOut
    at: Moment


@operation(AREA, "GET", "/duplicates", DuplicatesOut, Rules(_READ))
def list_duplicates(request: ApiRequest) -> DuplicatesOut:
    """List contacts that are likely the same person"""
    items = [
        DuplicateOut(
            first_id=pair.first,
            second_id=pair.second,
            first_name=pair.first_name,
            second_name=pair.second_name,
            reason=pair.reason,
        )
        for pair in duplicates.duplicates()
    ]
    return DuplicatesOut(items=items)


@operation(
    AREA, "POST", "/contacts/{contact_id}/merge", MergeOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def merge_contacts(request: ApiRequest, contact_id: Id, body: MergeIn) -> MergeOut:
    """Merge another contact into this one

    Where both have a value, that of this one counts.
    """
    kept = get(Contact.objects.all(), contact_id, "contact")
    other = chosen(Contact.objects.all(), body.contact_id, "contact_id")
    assert other is not None
    merge = merges.merge(kept.pk, other.pk, by=request.by)
    [contact] = shown([kept.pk])
    return MergeOut(merge_id=merge.pk, contact=contact, at=merge.created_at)


@operation(AREA, "POST", "/merges/{merge_id}/undo", ContactOut, Rules(_WRITE))
def undo_merge(request: ApiRequest, merge_id: Id) -> ContactOut:
    """Undo a merge; the answer is the contact that comes back"""
    merge = get(merges.undoable(), merge_id, "merge")
    [contact] = shown([merges.undo(merge.pk, by=request.by).pk])
    return contact
