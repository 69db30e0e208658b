"""Contacts: list, get, create, upsert in bulk."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import chosen, get
from clarion.api.operations import operation
from clarion.api.problems import FieldError, Problem
from clarion.api.types import AttributeValue, Id, Input, Moment, Output, Page
from clarion.channels.models import Channel
from clarion.contacts import upserts
from clarion.contacts.attribute_filters import CHOICES, AttributeFilter
from clarion.contacts.identities import look_up
from clarion.contacts.models import Address, Contact, Tag, Tagging
from clarion.contacts.search import contact_list
from clarion.contacts.states import CHOOSABLE
from clarion.contacts.upserts import MOST, Upsert, Upserted
from clarion.kit.paging import Cursor

AREA = "Contacts"
_READ, _WRITE = "contacts:read", "contacts:write"
_State = Literal["active", "opted_out", "blocked", "deactivated", "unreachable"]
assert set(_State.__args__) == set(CHOOSABLE)  # type: ignore[attr-defined]
Comparison = Literal[
    "equals",
    "not",
    "contains",
    "above",
    "at_least",
    "below",
    "at_most",
    "within",
    "not_within",
    "set",
    "unset",
]
assert set(Comparison.__args__) == set(CHOICES)  # type: ignore[attr-defined]


class AddressOut(Output):
    """Where a contact is reached on a channel."""

    id: Id = Field(description="Also the chat number")
    channel_id: Id
    user_id: str
    aliases: list[str]
    state: _State
    has_written: bool
    wrote_at: Moment | None = Field(description="When they last wrote to the channel")


class ContactOut(Output):
    """A contact with its addresses and tags."""

    id: Id
    name: str
    language: str
    time_zone: str
    attributes: dict[str, object]
    tags: list[str]
    addresses: list[AddressOut]
    created_at: Moment


class ContactFields(Input):
    """A contact as a program sends it; an empty field leaves what is stored."""

    user_id: str = Field(min_length=1, max_length=320, description="The provider's id of them")
    name: str = Field("", max_length=200)
    language: str = Field("", max_length=35, description="Such as de or pt-BR")
    time_zone: str = Field("", max_length=64, description="Such as Europe/Berlin")
    attributes: dict[str, AttributeValue] = Field(default_factory=dict, max_length=500)
    tags: list[str] = Field(default_factory=list, max_length=100)
    has_written: bool = Field(False, description="Whether they have written to the channel")

    def wanted(self) -> Upsert:
        """As the package takes it."""
        return Upsert(**self.model_dump())


class ContactIn(ContactFields):
    """A contact and the channel of its user id."""

    channel_id: Id


class ContactsIn(Input):
    """Contacts of one channel."""

    channel_id: Id
    contacts: list[ContactFields] = Field(min_length=1, max_length=MOST)


class UpsertOut(Output):
    """What became of one contact."""

    status: Literal["created", "updated", "rejected"]
    contact_id: Id | None
    chat_number: Id | None
    field: str | None = Field(description="Which field is wrong, of one that is rejected")
    detail: str | None


class UpsertsOut(Output):
    """What became of each, in the order of the request."""

    created: int
    updated: int
    rejected: int
    results: list[UpsertOut]


@operation(AREA, "GET", "/contacts", Page[ContactOut], Rules(_READ, paged=True))
def list_contacts(
    request: ApiRequest,
    q: Annotated[str, Query("", max_length=200, description="Name, user id or contact id")] = "",
    channel_id: Annotated[Id | None, Query(None)] = None,
    user_id: Annotated[
        str, Query("", max_length=320, description="Exactly this user id, with channel_id")
    ] = "",
    tag: Annotated[str, Query("", max_length=100)] = "",
    state: Annotated[_State | None, Query(None)] = None,
    attribute: Annotated[str, Query("", max_length=100)] = "",
    comparison: Annotated[Comparison, Query("equals")] = "equals",
    value: Annotated[str, Query("", max_length=1000)] = "",
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[ContactOut]:
    """List contacts, the newest first

    All filters must match. `attribute`, `comparison` and `value` are a condition as on
    the page.
    """
    channel = chosen(Channel.objects.all(), channel_id, "channel_id", "query")
    if user_id:
        return Page(items=_by_user_id(channel, user_id), next=None)
    page = contact_list(
        q=q,
        channel=channel,
        tag=_tag(tag),
        state=state or "",
        after_id=Cursor.parse(cursor, 1).key[0] if cursor else None,
        limit=limit,
        attributes=[AttributeFilter.made(attribute, comparison, value)] if attribute else [],
    )
    following = str(Cursor((page.next,))) if page.next is not None else None
    return Page(items=shown([row.id for row in page.rows]), next=following)


def _by_user_id(channel: Channel | None, user_id: str) -> list[ContactOut]:
    if channel is None:
        text = "A user id belongs to a channel: add channel_id."
        raise Problem("invalid_request", text, [FieldError("user_id", "query", text)])
    return shown([match.contact for match in look_up(channel, [user_id]).values()])


def _tag(name: str) -> Tag | None:
    if not name:
        return None
    tag = Tag.objects.filter(name=name.strip()).first()
    if tag is None:
        text = f"There is no tag called “{name}”."
        raise Problem("invalid_request", text, [FieldError("tag", "query", text)])
    return tag


@operation(
    AREA, "POST", "/contacts", ContactOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_contact(request: ApiRequest, body: ContactIn) -> Created:
    """Create a contact

    Refused with 409 where the channel knows the user id; the bulk operation creates or updates.
    """
    channel = chosen(Channel.objects.all(), body.channel_id, "channel_id")
    assert channel is not None
    if matches := look_up(channel, [body.user_id]):
        number = matches[body.user_id].contact
        raise Problem("conflict", f"Contact {number} has this user id on {channel.name} already.")
    wanted = Upsert(**body.model_dump(exclude={"channel_id"}))
    [result] = upserts.upsert(channel, [wanted], by=request.by)
    if result.sentence:
        error = FieldError(result.field, "body", result.sentence)
        raise Problem("invalid_request", f"{result.field}: {result.sentence}", [error])
    [contact] = shown([result.contact])
    return Created(contact, f"/api/v1/contacts/{contact.id}")


@operation(AREA, "POST", "/contacts/upsert", UpsertsOut, Rules(_WRITE, repeatable=True, body=JSON))
def upsert_contacts(request: ApiRequest, body: ContactsIn) -> UpsertsOut:
    """Create or update up to 10,000 contacts

    Known user ids are updated: attributes are merged, tags are added, and an empty field leaves
    what is stored. One contact that is rejected does not stop the others.
    """
    channel = chosen(Channel.objects.all(), body.channel_id, "channel_id")
    assert channel is not None
    wanted = [contact.wanted() for contact in body.contacts]
    results = [_result(result) for result in upserts.upsert(channel, wanted, by=request.by)]
    counts = dict.fromkeys(("created", "updated", "rejected"), 0)
    for result in results:
        counts[result.status] += 1
    return UpsertsOut(**counts, results=results)


def _result(one: Upserted) -> UpsertOut:
    if one.sentence:
        return UpsertOut(
            status="rejected", contact_id=None, chat_number=None, field=one.field,
            detail=one.sentence,
        )  # fmt: skip
    return UpsertOut(
        status="created" if one.created else "updated",
        contact_id=one.contact,
        chat_number=one.address,
        field=None,
        detail=None,
    )


@operation(AREA, "GET", "/contacts/{contact_id}", ContactOut, Rules(_READ, tagged=True))
def get_contact(request: ApiRequest, contact_id: Id) -> ContactOut:
    """Get a contact"""
    [contact] = shown([get(Contact.objects.all(), contact_id, "contact").pk])
    return contact


def shown(ids: Sequence[int]) -> list[ContactOut]:
    """These contacts, in this order; those that are gone are left out."""
    contacts = Contact.objects.in_bulk(ids)
    tags: defaultdict[int, list[str]] = defaultdict(list)
    taggings = Tagging.objects.filter(contact__in=ids).select_related("tag").order_by("tag__name")
    for tagging in taggings:
        tags[tagging.contact_id].append(tagging.tag.name)
    addresses: defaultdict[int, list[AddressOut]] = defaultdict(list)
    rows = Address.objects.filter(contact__in=ids, alias_of=None).prefetch_related("aliases")
    for row in rows.order_by("pk"):
        addresses[row.contact_id].append(
            AddressOut(
                id=row.pk,
                channel_id=row.channel_id,
                user_id=row.user_id,
                aliases=[alias.user_id for alias in row.aliases.all()],
                state=row.state,
                has_written=row.has_written,
                wrote_at=row.wrote_at,
            )
        )
    return [
        ContactOut(
            id=key,
            name=contacts[key].name,
            language=contacts[key].language,
            time_zone=contacts[key].time_zone,
            attributes=contacts[key].attributes,
            tags=tags[key],
            addresses=addresses[key],
            created_at=contacts[key].created_at,
        )
        for key in dict.fromkeys(ids)
        if key in contacts
    ]
