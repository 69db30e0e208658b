"""Clicks on the links of broadcasts, and opened e-mails."""

from typing import Annotated, Literal

from ninja import Query
from pydantic import AwareDatetime, Field

from clarion.api.answers import Rules
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit
from clarion.api.operations import operation
from clarion.api.problems import FieldError, Problem
from clarion.api.types import Id, Moment, Output, Page
from clarion.clicks.filters import ClickFilter
from clarion.clicks.rows import search
from clarion.records.filters import FilterError

AREA = "Records"


class ClickOut(Output):
    """A link was clicked, or an e-mail opened."""

    id: Id
    at: Moment
    broadcast_id: Id
    delivery_id: int
    chat_number: Id
    contact_id: Id | None = Field(description="null when the contact has been deleted")
    event: str = Field(description="click or open")
    link_id: Id | None = Field(description="null for an open")
    target: str = Field(description="As it was written, with its variables; empty for an open")
    clicked_by: str = Field(description="person or scanner")


@operation(AREA, "GET", "/clicks", Page[ClickOut], Rules("records:read", paged=True))
def list_clicks(
    request: ApiRequest,
    broadcast: Annotated[Id | None, Query(None)] = None,
    link: Annotated[Id | None, Query(None)] = None,
    user: Annotated[str, Query("", max_length=400, description="The user id, whole")] = "",
    url: Annotated[str, Query("", max_length=400, description="Part of the target")] = "",
    clicked_by: Annotated[Literal["", "person", "scanner"], Query("")] = "",
    event: Annotated[
        Literal["", "open"], Query("", description="open: e-mails that were opened, not clicks")
    ] = "",
    after: AwareDatetime | None = None,
    before: AwareDatetime | None = None,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[ClickOut]:
    """List clicks on links or opened e-mails, newest first"""
    wanted = ClickFilter(
        broadcast=broadcast,
        link=link,
        user=user,
        url=url,
        clicked_by=clicked_by,
        event=event,
        after=after,
        before=before,
    )
    try:
        page = search(wanted, cursor or None, limit)
    except FilterError as error:
        wrong = [FieldError(error.field, "query", str(error))]
        raise Problem("invalid_request", str(error), wrong) from None
    items = [
        ClickOut(
            id=row.id,
            at=row.recorded_at,
            broadcast_id=row.broadcast_id,
            delivery_id=row.delivery_id,
            chat_number=row.chat,
            contact_id=row.contact_id or None,
            event=row.event,
            link_id=row.link_id if row.event == "click" else None,
            target=row.target,
            clicked_by=row.clicked_by,
        )
        for row in page.rows
    ]
    return Page(items=items, next=page.next_cursor)
