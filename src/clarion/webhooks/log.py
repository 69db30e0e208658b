"""The log of an endpoint: its requests, and posting them again."""

from django.db import transaction
from django.db.models import QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.kit import clock
from clarion.webhooks.endpoints import SKIPPED
from clarion.webhooks.models import Endpoint, EndpointRequest


def log_of(endpoint: Endpoint, state: str = "") -> QuerySet[EndpointRequest]:
    """The requests to an endpoint, newest first; ``state``: only those."""
    requests = EndpointRequest.objects.filter(endpoint=endpoint).order_by("-pk")
    return requests.filter(state=state) if state else requests


def repeat_request(request: EndpointRequest, *, by: Agent | str) -> None:
    """Post a request again, accepted or not, with the same `webhook-id`."""
    with transaction.atomic():
        _repeat(EndpointRequest.objects.filter(pk=request.pk))
        subject = f"webhook endpoint {request.endpoint_id}"
        audit.note("webhook.repeat", subject, by, request=request.pk)


def repeat_failed(endpoint: Endpoint, *, by: Agent | str) -> int:
    """Post again all requests that failed and are in the log still; return how many.

    What was skipped on purpose stays so.
    """
    with transaction.atomic():
        count = _repeat(log_of(endpoint, "failed").exclude(outcome=SKIPPED))
        audit.note("webhook.repeat", f"webhook endpoint {endpoint.pk}", by, requests=count)
    return count


def _repeat(requests: QuerySet[EndpointRequest]) -> int:
    now = clock.now()
    waiting = EndpointRequest.State.WAITING
    return requests.update(state=waiting, attempts=0, due_at=now, begun_at=now)
