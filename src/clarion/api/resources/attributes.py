"""Attributes of contacts: their names and types."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Output
from clarion.contacts import attribute_changes as changes
from clarion.contacts.attributes import LONGEST
from clarion.contacts.models import Attribute

AREA = "Attributes"
_READ, _WRITE = "contacts:read", "contacts:write"
TypeName = Literal["text", "number", "date", "yes_no", "list"]
assert set(TypeName.__args__) == set(Attribute.Type.values)  # type: ignore[attr-defined]
_TYPE = Field(description="null: not declared, takes every value")


class AttributeOut(Output):
    """An attribute."""

    id: Id
    name: str
    type: TypeName | None = _TYPE


class CountedAttributeOut(AttributeOut):
    """An attribute in the list."""

    contacts: int
    estimated: bool = Field(description="Whether the number of contacts comes from a sample")
    used_by: list[str]


class AttributesOut(Output):
    """All attributes."""

    items: list[CountedAttributeOut]


class AttributeIn(Input):
    """An attribute as it is declared."""

    name: str = Field(min_length=1, max_length=LONGEST)
    type: TypeName


class AttributeNameIn(Input):
    """The new name."""

    name: str = Field(min_length=1, max_length=LONGEST)


class AttributeTypeIn(Input):
    """The new type."""

    type: TypeName | None = _TYPE


class MisfitOut(Output):
    """A value that the type does not take."""

    contact_id: Id
    value: str
    reason: str


class TypePreviewOut(Output):
    """What a change of the type would do."""

    values: int
    misfits: int
    estimated: bool = Field(description="Whether only a sample was looked at")
    examples: list[MisfitOut]


class TypeChangedOut(AttributeOut):
    """An attribute, and how many values stayed as they are because the type does not take them."""

    misfits: int


class DeletedAttributeOut(Output):
    """How many contacts had it."""

    contacts: int


@operation(AREA, "GET", "/attributes", AttributesOut, Rules(_READ))
def list_attributes(request: ApiRequest) -> AttributesOut:
    """List all attributes

    With the number of contacts that have each, which is an estimate where there are very many.
    """
    rows = changes.attribute_list()
    return AttributesOut(
        items=[
            CountedAttributeOut(
                **_shown(row.attribute).model_dump(),
                contacts=row.contacts,
                estimated=row.about,
                used_by=row.uses,
            )
            for row in rows
        ]
    )


@operation(
    AREA, "POST", "/attributes", AttributeOut, Rules(_WRITE, repeatable=True, body=JSON), status=201
)
def declare_attribute(request: ApiRequest, body: AttributeIn) -> Created:
    """Declare an attribute

    Values that contacts get from then on must fit its type.
    """
    attribute = changes.declare(body.name, body.type, by=request.by)
    return Created(_shown(attribute), f"/api/v1/attributes/{attribute.pk}")


@operation(AREA, "GET", "/attributes/{attribute_id}", AttributeOut, Rules(_READ))
def get_attribute(request: ApiRequest, attribute_id: Id) -> AttributeOut:
    """Get an attribute"""
    return _shown(_get(attribute_id))


@operation(
    AREA, "POST", "/attributes/{attribute_id}/rename", AttributeOut, Rules(_WRITE, body=JSON),
    transact=False,
)  # fmt: skip
def rename_attribute(request: ApiRequest, attribute_id: Id, body: AttributeNameIn) -> AttributeOut:
    """Rename an attribute, in all contacts and conditions

    Refused while a text shows it. Repeat the request if it is interrupted.
    """
    return _shown(changes.rename(_get(attribute_id), body.name, by=request.by))


@operation(AREA, "GET", "/attributes/{attribute_id}/preview", TypePreviewOut, Rules(_READ))
def preview_attribute_type(
    request: ApiRequest,
    attribute_id: Id,
    type: Annotated[TypeName, Query()],  # noqa: A002 - the name of the parameter
) -> TypePreviewOut:
    """Get how many values would not fit another type"""
    preview = changes.preview(_get(attribute_id), type)
    return TypePreviewOut(
        values=preview.values,
        misfits=preview.misfits,
        estimated=preview.about,
        examples=[
            MisfitOut(contact_id=each.contact, value=each.value, reason=each.why)
            for each in preview.examples
        ],
    )


@operation(
    AREA, "POST", "/attributes/{attribute_id}/type", TypeChangedOut, Rules(_WRITE, body=JSON),
    transact=False,
)  # fmt: skip
def change_attribute_type(
    request: ApiRequest, attribute_id: Id, body: AttributeTypeIn
) -> TypeChangedOut:
    """Change the type of an attribute

    Values that fit are converted; the others stay as they are.
    """
    misfits = changes.change_type(_get(attribute_id), body.type or "", by=request.by)
    return TypeChangedOut(**_shown(_get(attribute_id)).model_dump(), misfits=misfits)


@operation(
    AREA, "POST", "/attributes/{attribute_id}/delete", DeletedAttributeOut, Rules(_WRITE),
    transact=False,
)  # fmt: skip
def delete_attribute(request: ApiRequest, attribute_id: Id) -> DeletedAttributeOut:
    """Delete an attribute and all its values

    Refused while something uses it. This can't be undone.
    """
    return DeletedAttributeOut(contacts=changes.delete(_get(attribute_id), by=request.by))


def _get(attribute_id: int) -> Attribute:
    return get(Attribute.objects.all(), attribute_id, "attribute")


def _shown(attribute: Attribute) -> AttributeOut:
    return AttributeOut(id=attribute.pk, name=attribute.name, type=attribute.type or None)
