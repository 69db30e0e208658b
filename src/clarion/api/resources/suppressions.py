"""The suppression list, and the words with which contacts opt out."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.channels import own_keywords
from clarion.contacts.models import Suppression
from clarion.contacts.suppressions import entries
from clarion.contacts.suppressions.listing import Wanted, suppression_list

AREA = "Suppression list"
_READ, _WRITE = "contacts:read", "contacts:write"


class SuppressionIn(Input):
    """An address or a pattern that nothing is sent to."""

    pattern: str = Field(min_length=1, max_length=320, description="Such as *@example.com")
    kind: str = Field(max_length=30, description="Of channels, such as email")
    reason: str = Field(
        "blocked", max_length=20, description=f"One of: {', '.join(Suppression.Reason.values)}"
    )
    note: str = Field("", max_length=500)


class SuppressionOut(Output):
    """An entry."""

    id: Id
    pattern: str
    kind: str
    reason: str
    stops: int = Field(description="Addresses that it matches")


class SuppressedOut(Output):
    """An entry of the list, or an address that opted out or can't be reached."""

    id: Id = Field(description="Of the entry, or of the address where there is a channel")
    pattern: str
    kind: str
    kinds: list[str] = Field(
        description="All that it is about: what a provider reported is listed for every kind with "
        "the same user ids, and removed from all of them"
    )
    reason: str
    source: str
    channel: str
    contact_id: Id | None
    note: str
    by: str
    at: Moment | None
    stops: int


class KeywordsIn(Input):
    """The words of your own; the built-in ones apply as well."""

    opt_out: list[Annotated[str, Field(max_length=100)]] = Field(max_length=500)
    opt_in: list[Annotated[str, Field(max_length=100)]] = Field(max_length=500)


class KeywordsOut(Output):
    """The words of your own."""

    opt_out: list[str]
    opt_in: list[str]


@operation(AREA, "GET", "/suppressions", Page[SuppressedOut], Rules(_READ, paged=True))
def list_suppressions(
    request: ApiRequest,
    q: Annotated[str, Query("", max_length=320)] = "",
    reason: Annotated[
        Literal["", "opted_out", "blocked", "gone", "bounced", "complained"], Query("")
    ] = "",
    kind: Annotated[str, Query("", max_length=30)] = "",
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[SuppressedOut]:
    """List what nothing is sent to"""
    page = suppression_list(Wanted(q, reason, kind), cursor or None, limit)
    items = [
        SuppressedOut(
            id=row.id,
            pattern=row.pattern,
            kind=row.kind,
            kinds=list(row.all_kinds),
            reason=row.reason,
            source=row.source,
            channel=row.channel,
            contact_id=row.contact_id,
            note=row.note,
            by=row.by,
            at=row.at,
            stops=row.stops,
        )
        for row in page.rows
    ]
    return Page(items=items, next=page.next_cursor)


@operation(
    AREA, "POST", "/suppressions", SuppressionOut,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def add_suppression(request: ApiRequest, body: SuppressionIn) -> Created:
    """Put an address or a pattern on the list: it takes effect at once"""
    entry, count = entries.add(
        body.pattern, kind=body.kind, reason=body.reason, note=body.note, by=request.by
    )
    shown = SuppressionOut(
        id=entry.pk, pattern=entry.pattern, kind=entry.kind, reason=entry.reason, stops=count
    )
    return Created(shown, "/api/v1/suppressions")


@operation(AREA, "POST", "/suppressions/{entry_id}/remove", None, Rules(_WRITE))
def remove_suppression(request: ApiRequest, entry_id: Id, reachable: bool = False) -> None:
    """Remove an entry from the list

    With `reachable`, addresses that its hard bounce made unreachable are active again.
    """
    entry = get(Suppression.objects.filter(removed_at=None), entry_id, "entry")
    entries.remove([entry], reachable=reachable, by=request.by)


@operation(AREA, "GET", "/keywords", KeywordsOut, Rules("channels:read"))
def list_keywords(request: ApiRequest) -> KeywordsOut:
    """List the words of your own with which contacts opt out and in"""
    return _keywords()


@operation(AREA, "POST", "/keywords", KeywordsOut, Rules("channels:write", body=JSON))
def replace_keywords(request: ApiRequest, body: KeywordsIn) -> KeywordsOut:
    """Replace the words of your own with which contacts opt out and in"""
    own_keywords.replace(body.opt_out, body.opt_in, request.by)
    return _keywords()


def _keywords() -> KeywordsOut:
    words = own_keywords.listed()
    return KeywordsOut(
        opt_out=[word.written for word in words if word.state == "opted_out"],
        opt_in=[word.written for word in words if word.state == "active"],
    )
