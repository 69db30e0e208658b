"""Tags: labels on contacts."""

from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.resources.bulk import BulkOut, shown_action
from clarion.api.types import Id, Input, Output
from clarion.bulk import orders
from clarion.bulk.models import BulkAction
from clarion.contacts import tag_changes, tags
from clarion.contacts.models import Tag
from clarion.contacts.tags import LONGEST
from clarion.contacts.upserts import MOST

AREA = "Tags"


class TagOut(Output):
    """A tag and how many contacts have it."""

    id: Id
    name: str
    contacts: int


class TagsOut(Output):
    """All tags."""

    items: list[TagOut]


class TaggingIn(Input):
    """Tags and the contacts to give them to, or to take them from."""

    tags: list[str] = Field(min_length=1, max_length=100, description=f"Up to {LONGEST} characters")
    contact_ids: list[Id] = Field(min_length=1, max_length=MOST)


class TagNameIn(Input):
    """A tag's new name."""

    name: str = Field(min_length=1, max_length=LONGEST)


class TagMergeIn(Input):
    """The tag that is kept."""

    into_id: Id


class TagChangedOut(Output):
    """Who does the rest."""

    bulk_action: BulkOut | None = Field(
        description="What a worker does for a tag of many contacts; null: all is done"
    )


class ChangedOut(Output):
    """How much has changed."""

    changed: int


@operation(AREA, "GET", "/tags", TagsOut, Rules("contacts:read"))
def list_tags(request: ApiRequest) -> TagsOut:
    """List all tags"""
    return TagsOut(
        items=[TagOut(id=tag.id, name=tag.name, contacts=tag.contacts) for tag in tags.tag_counts()]
    )


@operation(
    AREA, "POST", "/tags/assign", ChangedOut, Rules("contacts:write", repeatable=True, body=JSON)
)
def assign_tags(request: ApiRequest, body: TaggingIn) -> ChangedOut:
    """Give tags to contacts

    Tags that do not exist are created. Contacts that do not exist are left out. Triggers on these
    tags start for contacts that did not have them.
    """
    return ChangedOut(changed=tags.assign(body.tags, body.contact_ids, by=request.by))


@operation(
    AREA, "POST", "/tags/remove", ChangedOut, Rules("contacts:write", repeatable=True, body=JSON)
)
def remove_tags(request: ApiRequest, body: TaggingIn) -> ChangedOut:
    """Take tags from contacts"""
    return ChangedOut(changed=tags.remove(body.tags, body.contact_ids, by=request.by))


@operation(AREA, "POST", "/tags/{tag_id}/rename", TagOut, Rules("contacts:write", body=JSON))
def rename_tag(request: ApiRequest, tag_id: Id, body: TagNameIn) -> TagOut:
    """Rename a tag

    Contacts, broadcasts and segments that have it keep it.
    """
    tag = get(Tag.objects.all(), tag_id, "tag")
    renamed = tag_changes.rename(tag, body.name, by=request.by)
    return TagOut(id=renamed.pk, name=renamed.name, contacts=renamed.taggings.count())


@operation(AREA, "POST", "/tags/{tag_id}/merge", TagChangedOut, Rules("contacts:write", body=JSON))
def merge_tags(request: ApiRequest, tag_id: Id, body: TagMergeIn) -> TagChangedOut:
    """Merge a tag into another one

    What uses the tag uses the other one then. This starts no triggers and can't be undone.
    """
    tag, into = (get(Tag.objects.all(), key, "tag") for key in (tag_id, body.into_id))
    return _changed(orders.merge_tags(tag, into, by=request.by))


@operation(AREA, "POST", "/tags/{tag_id}/delete", TagChangedOut, Rules("contacts:write"))
def delete_tag(request: ApiRequest, tag_id: Id) -> TagChangedOut:
    """Delete a tag; refused while a broadcast or a segment uses it"""
    tag = get(Tag.objects.all(), tag_id, "tag")
    return _changed(orders.delete_tag(tag, by=request.by))


def _changed(action: BulkAction | None) -> TagChangedOut:
    return TagChangedOut(bulk_action=shown_action(action) if action else None)
