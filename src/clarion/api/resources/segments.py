"""Segments: saved conditions on contacts."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest, may
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.problems import wrong_field
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.contacts.attribute_filters import ConditionError
from clarion.segments import manage, members
from clarion.segments.conditions import KINDS_OF, Condition
from clarion.segments.manage import LONGEST_NAME, MOST_CONDITIONS
from clarion.segments.models import Segment

AREA = "Segments"
_READ, _WRITE = "segments:read", "segments:write"
_COMPARE = "; ".join(f"{of}: {', '.join(ways)}" for of, ways in KINDS_OF.items())


class ConditionIn(Input):
    """One condition."""

    of: str = Field(max_length=40, description=f"One of: {', '.join(KINDS_OF)}")
    what: str = Field(max_length=40, description=_COMPARE)
    name: str = Field("", max_length=100, description="Of the attribute, tag, consent or channel")
    value: str = Field("", max_length=400, description="To compare with; or the number of days")


class SegmentConditionOut(Output):
    """One condition, also in words."""

    of: str
    what: str
    name: str
    value: str
    words: str


class SegmentIn(Input):
    """A segment as it is created."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)
    match: Literal["all", "any"] = "all"
    conditions: list[ConditionIn] = Field(min_length=1, max_length=MOST_CONDITIONS)


class SegmentPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=LONGEST_NAME)
    match: Literal["all", "any"] | None = None
    conditions: list[ConditionIn] | None = Field(None, min_length=1, max_length=MOST_CONDITIONS)


class SegmentOut(Output):
    """A segment."""

    id: Id
    name: str
    match: Literal["all", "any"]
    conditions: list[SegmentConditionOut]
    created_at: Moment


class CountOut(Output):
    """How many contacts are in a segment now."""

    contacts: int
    estimated: bool
    sample: list[str] = Field(description="Some names; empty without the scope contacts:read")


@operation(AREA, "GET", "/segments", Page[SegmentOut], Rules(_READ, paged=True))
def list_segments(
    request: ApiRequest, limit: Limit = 50, cursor: CursorText = ""
) -> Page[SegmentOut]:
    """List segments"""
    return page_of(Segment.objects.all(), limit, cursor, _shown)


@operation(
    AREA, "POST", "/segments", SegmentOut,
    Rules(_WRITE, repeatable=True, tagged=True, body=JSON), status=201,
)  # fmt: skip
def create_segment(request: ApiRequest, body: SegmentIn) -> Created:
    """Create a segment"""
    segment = manage.define(
        name=body.name,
        match=body.match,
        conditions=_conditions(body.conditions),
        by=request.by,
    )
    return Created(_shown(segment), f"/api/v1/segments/{segment.pk}")


@operation(AREA, "GET", "/segments/{segment_id}", SegmentOut, Rules(_READ, tagged=True))
def get_segment(request: ApiRequest, segment_id: Id) -> SegmentOut:
    """Get a segment"""
    return _shown(get(Segment.objects.all(), segment_id, "segment"))


@operation(
    AREA, "PATCH", "/segments/{segment_id}", SegmentOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_segment(request: ApiRequest, segment_id: Id, body: SegmentPatch) -> SegmentOut:
    """Change a segment"""
    segment = lock(Segment.objects.all(), segment_id, "segment")
    require_match(request, _shown(segment))
    manage.update(
        segment,
        name=body.name,
        match=body.match,
        conditions=None if body.conditions is None else _conditions(body.conditions),
        by=request.by,
    )
    return _shown(segment)


@operation(AREA, "DELETE", "/segments/{segment_id}", None, Rules(_WRITE, edits=True))
def delete_segment(request: ApiRequest, segment_id: Id) -> None:
    """Delete a segment; its contacts stay

    Refused while a broadcast uses it.
    """
    segment = lock(Segment.objects.all(), segment_id, "segment")
    require_match(request, _shown(segment))
    manage.delete(segment, by=request.by)


@operation(AREA, "GET", "/segments/{segment_id}/count", CountOut, Rules(_READ))
def count_segment(
    request: ApiRequest,
    segment_id: Id,
    exact: Annotated[bool, Query(False, description="Count everybody, also of very many")] = False,
) -> CountOut:
    """Count the contacts of a segment"""
    return _count(request, get(Segment.objects.all(), segment_id, "segment"), exact=exact)


def _count(request: ApiRequest, segment: Segment, *, exact: bool) -> CountOut:
    counted = members.count(segment, quick=not exact)
    shows = counted.contacts and may(request, "contacts:read")
    names = members.sample(segment) if shows else []
    return CountOut(contacts=counted.contacts, estimated=counted.about, sample=names)


def _conditions(conditions: list[ConditionIn]) -> list[Condition]:
    checked = []
    for index, condition in enumerate(conditions):
        try:
            checked.append(Condition.made(**condition.model_dump()))
        except ConditionError as error:
            raise wrong_field(f"conditions.{index}", str(error)) from None
    return checked


def _shown(segment: Segment) -> SegmentOut:
    return SegmentOut(
        id=segment.pk,
        name=segment.name,
        match=segment.match,
        conditions=[
            SegmentConditionOut(
                of=condition.of,
                what=condition.what,
                name=condition.name,
                value=condition.value,
                words=str(condition.words()),
            )
            for condition in members.conditions_of(segment)
        ],
        created_at=segment.created_at,
    )
