"""Endpoints: added, edited, paused, resumed, deleted, and their secrets."""

import secrets
from base64 import b64encode
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, Final

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.urls import checked_url
from clarion.kit import clock, ids
from clarion.kit.text import one_line
from clarion.kit.vault import SealedError
from clarion.webhooks.errors import EndpointError
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Cursor, Endpoint, EndpointRequest
from clarion.webhooks.sources import newest_ids

MOST_ENDPOINTS: Final = 50
BOTH_SECRETS: Final = timedelta(hours=24)  # in which the secret before the last signs as well
SKIPPED: Final = "Skipped when the endpoint was resumed."  # the outcome of a request
_NAME_LENGTH: Final = 80
_URL_LENGTH: Final = 2_000
_SECRET_BYTES: Final = 32  # Standard Webhooks: between 24 and 64


def add_endpoint(
    *,
    name: str,
    url: str,
    event_types: Iterable[str],
    allow_private: bool = False,
    by: Agent | str,
) -> tuple[Endpoint, str]:
    """Add an endpoint; return it and its secret, `whsec_…`, which is not shown again.

    It gets what happens from now on. Raises EndpointError.
    """
    endpoint = Endpoint(created_by=by if isinstance(by, Agent) else None)
    secret = _new_secret()
    endpoint.secret = {"current": secret}
    with transaction.atomic():
        if Endpoint.objects.count() >= MOST_ENDPOINTS:
            raise EndpointError("", f"There are {MOST_ENDPOINTS} endpoints. Delete one first.")
        _fill(endpoint, name, url, event_types, allow_private)
        endpoint.save()
        Cursor.objects.bulk_create(
            Cursor(endpoint=endpoint, source=source, position=newest)
            for source, newest in newest_ids().items()
        )
        _note(endpoint, "create", by, events=endpoint.event_types)
    return endpoint, secret


def edit_endpoint(
    endpoint: Endpoint,
    *,
    name: str,
    url: str,
    event_types: Iterable[str],
    allow_private: bool,
    by: Agent | str,
) -> None:
    """Change an endpoint. What waits is posted to the new URL. Raises EndpointError."""
    with transaction.atomic():
        before = _shown(endpoint)
        _fill(endpoint, name, url, event_types, allow_private)
        endpoint.save(update_fields=["name", "url", "event_types", "allow_private"])
        after = _shown(endpoint)
        changed = sorted(key for key in after if after[key] != before[key])
        if changed:
            _note(endpoint, "edit", by, changed=changed)


def rotate_secret(endpoint: Endpoint, *, by: Agent | str) -> str:
    """Replace the secret and return the new one. For a day, requests are signed with both.

    One that can't be opened any more is replaced too; then the new one signs alone.
    """
    secret = _new_secret()
    until = clock.now_us() + round(BOTH_SECRETS.total_seconds()) * clock.SECOND
    try:
        before = {"previous": endpoint.secret["current"], "previous_until": until}
    except SealedError:
        before = {}
    with transaction.atomic():
        endpoint.secret = {"current": secret, **before}
        endpoint.save(update_fields=["secret"])
        _note(endpoint, "rotate_secret", by)
    return secret


def secrets_of(endpoint: Endpoint, at: int) -> list[str]:
    """What signs a request at that moment, in microseconds: the secret, the one before it too
    for a day after a change."""
    stored = endpoint.secret
    both = at < stored.get("previous_until", 0)
    return [stored["current"], *([stored["previous"]] if both else [])]


def pause_endpoint(endpoint: Endpoint, *, by: Agent | str) -> None:
    """Post nothing until it is resumed. Events are kept for then, as long as their records are."""
    with transaction.atomic():
        rows = Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.ACTIVE)
        if not rows.update(state=Endpoint.State.PAUSED):
            raise EndpointError("", f"{endpoint.name} is not active.")
        _note(endpoint, "pause", by)


def resume_endpoint(endpoint: Endpoint, *, skip: bool = False, by: Agent | str) -> None:
    """Post again, also what happened meanwhile; ``skip``: only what happens from now on.

    What was given up while nothing was accepted is part of what happened meanwhile. Raises
    EndpointError for one that is active.
    """
    with transaction.atomic():
        before = Endpoint.objects.select_for_update().filter(pk=endpoint.pk).first()
        rows = Endpoint.objects.filter(pk=endpoint.pk).exclude(state=Endpoint.State.ACTIVE)
        if not rows.update(state=Endpoint.State.ACTIVE, state_reason="", failing_since=None):
            raise EndpointError("", f"{endpoint.name} is active.")
        waiting = EndpointRequest.objects.filter(endpoint=endpoint, state="waiting")
        if skip:
            waiting.update(state="failed", outcome=SKIPPED)
            for source, newest in newest_ids().items():
                Cursor.objects.filter(endpoint=endpoint, source=source).update(position=newest)
        else:
            now = clock.now()
            if before is not None and before.failing_since is not None:
                EndpointRequest.objects.filter(
                    endpoint=endpoint, state="failed", attempted_at__gte=before.failing_since
                ).update(state="waiting")
            waiting.update(due_at=now, begun_at=now, attempts=0)
        _note(endpoint, "resume", by, skip=skip)


def delete_endpoint(endpoint: Endpoint, *, by: Agent | str) -> None:
    """Delete an endpoint with its log. What was not posted yet is not posted."""
    with transaction.atomic():
        _note(endpoint, "delete", by)
        endpoint.delete()


def send_test(endpoint: Endpoint, *, by: Agent | str) -> EndpointRequest:
    """Post a test event, also to an endpoint that is paused. Its outcome is in the log."""
    with transaction.atomic():
        request = EndpointRequest.objects.create(endpoint=endpoint, token=new_token(), events=1)
        _note(endpoint, "test", by)
    return request


def new_token() -> str:
    """The `webhook-id` of a new request."""
    return f"msg_{ids.token(24)}"


def disable(endpoint: Endpoint, reason: str) -> None:
    """Post nothing any more, for a reason that agents see."""
    rows = Endpoint.objects.filter(pk=endpoint.pk, state=Endpoint.State.ACTIVE)
    if rows.update(state=Endpoint.State.DISABLED, state_reason=reason):
        _note(endpoint, "disable", audit.WORKER, reason=reason)


def _fill(
    endpoint: Endpoint, name: str, url: str, event_types: Iterable[str], allow_private: bool
) -> None:
    name, url, chosen = one_line(name), url.strip(), set(event_types)
    if not name or len(name) > _NAME_LENGTH:
        raise EndpointError("name", f"Give the endpoint a name of 1 to {_NAME_LENGTH} characters.")
    if Endpoint.objects.filter(name=name).exclude(pk=endpoint.pk).exists():
        raise EndpointError("name", f"There is already an endpoint called “{name}”.")
    if len(url) > _URL_LENGTH:
        raise EndpointError("url", f"The URL may have {_URL_LENGTH:,} characters at most.")
    try:
        checked_url(url)
    except ValueError as error:
        raise EndpointError("url", str(error)) from None
    if not chosen:
        raise EndpointError("event_types", "Choose at least one event.")
    if unknown := sorted(chosen - EVENT_TYPES.keys()):
        raise EndpointError("event_types", f"There is no event “{unknown[0]}”.")
    endpoint.name, endpoint.url, endpoint.allow_private = name, url, allow_private
    endpoint.event_types = [event for event in EVENT_TYPES if event in chosen]


def _shown(endpoint: Endpoint) -> dict[str, Any]:
    names = ("name", "url", "event_types", "allow_private")
    return {name: getattr(endpoint, name) for name in names}


def _new_secret() -> str:
    return "whsec_" + b64encode(secrets.token_bytes(_SECRET_BYTES)).decode("ascii")


def _note(endpoint: Endpoint, action: str, by: Agent | str, **detail: Any) -> None:
    subject = f"webhook endpoint {endpoint.pk}"
    audit.note(f"webhook.{action}", subject, by, name=endpoint.name, **detail)
