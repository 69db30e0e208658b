"""Webhook endpoints, and the log of what was posted to them."""

from typing import Annotated, ClassVar, Literal

from ninja import Query
from pydantic import Field

from clarion.api.answers import Created, Rules
from clarion.api.etags import require_match
from clarion.api.guard import JSON, ApiRequest
from clarion.api.listing import CursorText, Limit, page_of
from clarion.api.lookups import get, lock
from clarion.api.operations import operation
from clarion.api.types import Id, Input, Moment, Output, Page
from clarion.webhooks import endpoints, log
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint, EndpointRequest

AREA = "Webhooks"
_READ, _WRITE = "webhooks:read", "webhooks:write"
_EVENTS = f"Of: {', '.join(EVENT_TYPES)}"


class EndpointIn(Input):
    """An endpoint as it is added."""

    name: str = Field(min_length=1, max_length=80)
    url: str = Field(min_length=1, max_length=2_000)
    event_types: list[Annotated[str, Field(max_length=40)]] = Field(
        min_length=1, max_length=100, description=_EVENTS
    )
    allow_private: bool = Field(
        False, description="Whether the URL may be in your own network or on this machine"
    )


class EndpointPatch(Input):
    """What to change; what is left out stays."""

    name: str | None = Field(None, min_length=1, max_length=80)
    url: str | None = Field(None, min_length=1, max_length=2_000)
    event_types: list[Annotated[str, Field(max_length=40)]] | None = Field(
        None, min_length=1, max_length=100, description=_EVENTS
    )
    allow_private: bool | None = None


class EndpointOut(Output):
    """An endpoint."""

    volatile: ClassVar[frozenset[str]] = frozenset({"state", "state_reason", "failing_since"})

    id: Id
    name: str
    url: str
    event_types: list[str]
    allow_private: bool
    state: Literal["active", "paused", "disabled"]
    state_reason: str = Field(description="Why it is disabled")
    failing_since: Moment | None = Field(description="No request has been accepted since then")
    created_at: Moment


class EndpointWithSecret(EndpointOut):
    """An endpoint with its secret, which is shown only once."""

    secret: str = Field(description="Verifies the signatures (Standard Webhooks)")


class ResumeIn(Input):
    """How to resume."""

    skip: bool = Field(False, description="Post only what happens from now on")


class EndpointRequestOut(Output):
    """A request to an endpoint."""

    id: Id
    webhook_id: str = Field(description="The header webhook-id, the same in each attempt")
    events: int
    state: Literal["waiting", "accepted", "failed"]
    attempts: int
    status: int | None = Field(description="Of the last reply")
    outcome: str
    duration_ms: int | None
    created_at: Moment
    attempted_at: Moment | None
    next_attempt_at: Moment | None


class RepeatedOut(Output):
    """How many requests are posted again."""

    requests: int


@operation(AREA, "GET", "/webhooks", Page[EndpointOut], Rules(_READ, paged=True))
def list_webhooks(
    request: ApiRequest, limit: Limit = 50, cursor: CursorText = ""
) -> Page[EndpointOut]:
    """List webhook endpoints"""
    return page_of(Endpoint.objects.all(), limit, cursor, _shown)


@operation(
    AREA, "POST", "/webhooks", EndpointWithSecret,
    Rules(_WRITE, repeatable=True, body=JSON), status=201,
)  # fmt: skip
def add_webhook(request: ApiRequest, body: EndpointIn) -> Created:
    """Add a webhook endpoint

    It gets what happens from now on. The secret is in this answer only.
    """
    endpoint, secret = endpoints.add_endpoint(**body.model_dump(), by=request.by)
    return Created(_with_secret(endpoint, secret), f"/api/v1/webhooks/{endpoint.pk}")


@operation(AREA, "GET", "/webhooks/{endpoint_id}", EndpointOut, Rules(_READ, tagged=True))
def get_webhook(request: ApiRequest, endpoint_id: Id) -> EndpointOut:
    """Get a webhook endpoint"""
    return _shown(get(Endpoint.objects.all(), endpoint_id, "webhook endpoint"))


@operation(
    AREA, "PATCH", "/webhooks/{endpoint_id}", EndpointOut,
    Rules(_WRITE, edits=True, tagged=True, body=JSON),
)  # fmt: skip
def update_webhook(request: ApiRequest, endpoint_id: Id, body: EndpointPatch) -> EndpointOut:
    """Change a webhook endpoint

    Requests that wait are posted to the new URL.
    """
    endpoint = lock(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    require_match(request, _shown(endpoint))
    values = {
        "name": endpoint.name,
        "url": endpoint.url,
        "event_types": endpoint.event_types,
        "allow_private": endpoint.allow_private,
    }
    endpoints.edit_endpoint(endpoint, **values | body.model_dump(exclude_none=True), by=request.by)
    return _shown(endpoint)


@operation(AREA, "DELETE", "/webhooks/{endpoint_id}", None, Rules(_WRITE, edits=True))
def delete_webhook(request: ApiRequest, endpoint_id: Id) -> None:
    """Delete a webhook endpoint with its log"""
    endpoint = lock(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    require_match(request, _shown(endpoint))
    endpoints.delete_endpoint(endpoint, by=request.by)


@operation(AREA, "POST", "/webhooks/{endpoint_id}/pause", EndpointOut, Rules(_WRITE))
def pause_webhook(request: ApiRequest, endpoint_id: Id) -> EndpointOut:
    """Pause a webhook endpoint: events are kept until it is resumed"""
    endpoint = lock(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    endpoints.pause_endpoint(endpoint, by=request.by)
    return _again(endpoint)


@operation(AREA, "POST", "/webhooks/{endpoint_id}/resume", EndpointOut, Rules(_WRITE, body=JSON))
def resume_webhook(request: ApiRequest, endpoint_id: Id, body: ResumeIn) -> EndpointOut:
    """Resume a webhook endpoint that is paused or disabled"""
    endpoint = lock(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    endpoints.resume_endpoint(endpoint, skip=body.skip, by=request.by)
    return _again(endpoint)


@operation(AREA, "POST", "/webhooks/{endpoint_id}/rotate-secret", EndpointWithSecret, Rules(_WRITE))
def rotate_webhook_secret(request: ApiRequest, endpoint_id: Id) -> EndpointWithSecret:
    """Replace the secret of a webhook endpoint

    For a day, requests are signed with both secrets. The new one is in this answer only.
    """
    endpoint = lock(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    return _with_secret(endpoint, endpoints.rotate_secret(endpoint, by=request.by))


@operation(AREA, "POST", "/webhooks/{endpoint_id}/test", EndpointRequestOut, Rules(_WRITE))
def test_webhook(request: ApiRequest, endpoint_id: Id) -> EndpointRequestOut:
    """Post a test event to a webhook endpoint"""
    endpoint = get(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    return _request_shown(endpoints.send_test(endpoint, by=request.by))


@operation(
    AREA, "GET", "/webhooks/{endpoint_id}/requests", Page[EndpointRequestOut],
    Rules(_READ, paged=True),
)  # fmt: skip
def list_webhook_requests(
    request: ApiRequest,
    endpoint_id: Id,
    state: Annotated[Literal["", "waiting", "accepted", "failed"], Query("")] = "",
    limit: Limit = 50,
    cursor: CursorText = "",
) -> Page[EndpointRequestOut]:
    """List the requests to a webhook endpoint of the last 30 days, newest first"""
    endpoint = get(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    rows = log.log_of(endpoint, state)
    return page_of(rows, limit, cursor, _request_shown)


@operation(
    AREA, "POST", "/webhooks/{endpoint_id}/requests/{request_id}/repeat", EndpointRequestOut,
    Rules(_WRITE),
)  # fmt: skip
def repeat_webhook_request(
    request: ApiRequest, endpoint_id: Id, request_id: Id
) -> EndpointRequestOut:
    """Post a request again, with the same webhook-id"""
    endpoint = get(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    row = get(log.log_of(endpoint), request_id, "request")
    log.repeat_request(row, by=request.by)
    row.refresh_from_db()
    return _request_shown(row)


@operation(
    AREA, "POST", "/webhooks/{endpoint_id}/requests/repeat-failed", RepeatedOut, Rules(_WRITE)
)
def repeat_failed_webhook_requests(request: ApiRequest, endpoint_id: Id) -> RepeatedOut:
    """Post all failed requests of a webhook endpoint again"""
    endpoint = get(Endpoint.objects.all(), endpoint_id, "webhook endpoint")
    return RepeatedOut(requests=log.repeat_failed(endpoint, by=request.by))


def _again(endpoint: Endpoint) -> EndpointOut:
    endpoint.refresh_from_db()
    return _shown(endpoint)


def _shown(endpoint: Endpoint) -> EndpointOut:
    return EndpointOut(
        id=endpoint.pk,
        name=endpoint.name,
        url=endpoint.url,
        event_types=endpoint.event_types,
        allow_private=endpoint.allow_private,
        state=endpoint.state,
        state_reason=endpoint.state_reason,
        failing_since=endpoint.failing_since,
        created_at=endpoint.created_at,
    )


def _with_secret(endpoint: Endpoint, secret: str) -> EndpointWithSecret:
    return EndpointWithSecret(**_shown(endpoint).model_dump(), secret=secret)


def _request_shown(row: EndpointRequest) -> EndpointRequestOut:
    return EndpointRequestOut(
        id=row.pk,
        webhook_id=row.token,
        events=row.events,
        state=row.state,
        attempts=row.attempts,
        status=row.status,
        outcome=row.outcome,
        duration_ms=row.duration,
        created_at=row.created_at,
        attempted_at=row.attempted_at,
        next_attempt_at=row.due_at if row.state == "waiting" else None,
    )
