"""Saved filters that are shared with all agents."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.accounts import saved_filters as filters
from clarion.accounts.models import SavedFilter
from clarion.accounts.saved_filters import LONGEST, LONGEST_QUERY
from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page

AREA = "Saved filters"
_READ, _WRITE = "filters:read", "filters:write"
ListName = Literal["records", "clicks", "logs", "contacts", "broadcasts"]
assert set(ListName.__args__) == set(SavedFilter.List.values)  # type: ignore[attr-defined]
Name = Annotated[str, Field(min_length=1, max_length=LONGEST)]


class SavedFilterOut(Output):
    """The conditions of a list under a name."""

    id: Id
    list: ListName
    name: str
    query: str = Field(description="As in the address of the list's page")
    agent_id: Id | None
    created_at: Moment


class SavedFilterIn(Input):
    """A filter to be saved for all agents."""

    list: ListName
    name: Name
    query: Annotated[str, Field(min_length=1, max_length=LONGEST_QUERY)] = Field(
        description="Such as status=error&channel=Shop"
    )


class SavedFilterPatch(Input):
    """Another name."""

    name: Name


@operation(AREA, "GET", "/saved-filters", Page[SavedFilterOut], Rules(_READ, paged=True))
def list_saved_filters(
    request: ApiRequest,
    list: Annotated[ListName | None, Query(None)] = None,  # noqa: A002 - as it is called
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[SavedFilterOut]:
    """List the filters that are shared with all agents"""
    rows = filters.visible(None)
    return page_of(rows.filter(list=list) if list else rows, limit, cursor, _shown)


@operation(
    AREA, "POST", "/saved-filters", SavedFilterOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def save_filter(request: ApiRequest, body: SavedFilterIn) -> Created:
    """Save a filter for all agents"""
    saved = filters.save(body.list, body.name, body.query, shared=True, by=request.by)
    return Created(_shown(saved), f"/api/v1/saved-filters/{saved.pk}")


@operation(
    AREA, "GET", "/saved-filters/{saved_filter_id}", SavedFilterOut, Rules(_READ, tagged=True)
)
def get_saved_filter(request: ApiRequest, saved_filter_id: Id) -> SavedFilterOut:
    """Get a shared filter"""
    return _shown(get(filters.visible(None), saved_filter_id, "saved filter"))


@operation(
    AREA, "PATCH", "/saved-filters/{saved_filter_id}", SavedFilterOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_saved_filter(
    request: ApiRequest, saved_filter_id: Id, body: SavedFilterPatch
) -> SavedFilterOut:
    """Rename a shared filter"""
    saved = lock(filters.visible(None), saved_filter_id, "saved filter")
    require_match(request, _shown(saved))
    filters.rename(saved, body.name, by=request.by)
    return _shown(saved)


@operation(AREA, "DELETE", "/saved-filters/{saved_filter_id}", None, Rules(_WRITE, edits=True))
def delete_saved_filter(request: ApiRequest, saved_filter_id: Id) -> None:
    """Delete a shared filter"""
    saved = lock(filters.visible(None), saved_filter_id, "saved filter")
    require_match(request, _shown(saved))
    filters.delete(saved, by=request.by)


def _shown(saved: SavedFilter) -> SavedFilterOut:
    return SavedFilterOut(
        id=saved.pk,
        list=saved.list,
        name=saved.name,
        query=saved.query,
        agent_id=saved.agent_id,
        created_at=saved.created_at,
    )
