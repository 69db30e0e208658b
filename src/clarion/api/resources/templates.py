"""Templates that providers list."""

from typing import Annotated, Any

from ninja import Query
from pydantic import Field

from clarion.api.answers import Rules
from clarion.api.guard import ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get
from clarion.api.operations import operation
from clarion.api.types import Id, Moment, Output, Page
from clarion.channels.models import Channel, MessageTemplate
from clarion.channels.templates import library

AREA = "Channels"


class TemplateOut(Output):
    """A template as its provider lists it."""

    id: Id
    channel_id: Id
    name: str
    language: str
    status: str = Field(description="approved may be sent; also paused, disabled, rejected, …")
    category: str
    quality: str
    components: list[dict[str, Any]] = Field(description="Header, body, footer and buttons")
    changed_at: Moment


class TemplateOrderOut(Output):
    """What is known of a channel's list."""

    fetched_at: Moment | None
    asked_at: Moment | None = Field(description="null once a worker has fetched it")
    problem: str = Field(description="Why it could not be fetched the last time")


@operation(AREA, "GET", "/templates", Page[TemplateOut], Rules("channels:read", paged=True))
def list_templates(
    request: ApiRequest,
    channel_id: Annotated[int | None, Query(None, ge=1)] = None,
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[TemplateOut]:
    """List the templates of all channels, or of one, as they were when they were last fetched"""
    rows = MessageTemplate.objects.all()
    if channel_id is not None:
        rows = rows.filter(channel=channel_id)
    return page_of(rows, limit, cursor, _out)


@operation(
    AREA, "POST", "/channels/{channel_id}/templates/refresh", TemplateOrderOut,
    Rules("channels:write", repeatable=True), status=202,
)  # fmt: skip
def refresh_templates(request: ApiRequest, channel_id: Id) -> TemplateOrderOut:
    """Have a worker fetch the list of a channel's templates"""
    channel = get(Channel.objects.all(), channel_id, "channel")
    library.order_refresh(channel, by=request.by)
    return TemplateOrderOut(
        fetched_at=channel.templates_at,
        asked_at=channel.templates_asked_at,
        problem=channel.templates_problem,
    )


def _out(row: MessageTemplate) -> TemplateOut:
    return TemplateOut(
        id=row.pk,
        channel_id=row.channel_id,
        name=row.name,
        language=row.language,
        status=row.status,
        category=row.category,
        quality=row.quality,
        components=row.components,
        changed_at=row.changed_at,
    )
