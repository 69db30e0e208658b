"""Tags: labels on contacts."""

from pydantic import Field

from clarion.api.guard import JSON, ApiRequest
from clarion.api.operations import Rules, operation
from clarion.api.types import Id, Input, Output
from clarion.contacts import tags
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
