"""Endpoints and their secrets."""

import re
from pathlib import Path
from typing import Any

import pytest

from clarion.accounts.models import AuditEntry
from clarion.kit import clock, db
from clarion.webhooks.endpoints import (
    MOST_ENDPOINTS,
    add_endpoint,
    delete_endpoint,
    edit_endpoint,
    pause_endpoint,
    resume_endpoint,
    rotate_secret,
    secrets_of,
)
from clarion.webhooks.errors import EndpointError
from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint
from support import factory

pytestmark = pytest.mark.django_db
USUAL: dict[str, Any] = {
    "name": "Shop",
    "url": "https://shop.example/events",
    "event_types": ["delivery.read", "delivery.sent"],
    "by": factory.BY,
}


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("name", " ", "Give the endpoint a name of 1 to 80 characters."),
        ("name", "x" * 81, "Give the endpoint a name of 1 to 80 characters."),
        ("url", "shop.example", "The address must begin with https:// or http://."),
        ("url", "https://" + "x" * 2_000, "The URL may have 2,000 characters at most."),
        ("event_types", [], "Choose at least one event."),
        ("event_types", ["delivery.lost"], "There is no event “delivery.lost”."),
    ],
)
def test_what_is_wrong_is_named_with_its_field(field: str, value: Any, sentence: str) -> None:
    with pytest.raises(EndpointError) as caught:
        add_endpoint(**USUAL | {field: value})
    assert (caught.value.field, str(caught.value)) == (field, sentence)
    assert not Endpoint.objects.exists()


def test_a_name_is_used_once_and_there_is_a_limit() -> None:
    add_endpoint(**USUAL)
    with pytest.raises(EndpointError, match="already an endpoint called “Shop”"):
        add_endpoint(**USUAL)
    Endpoint.objects.bulk_create(
        Endpoint(name=f"E{n}", url="https://x.example", secret={})
        for n in range(MOST_ENDPOINTS - 1)
    )
    with pytest.raises(EndpointError, match="There are 50 endpoints"):
        add_endpoint(**USUAL | {"name": "Another"})


def test_the_secret_is_stored_encrypted_and_the_events_in_their_order() -> None:
    endpoint, secret = add_endpoint(**USUAL)
    assert secret.startswith("whsec_")
    stored = db.fetch("SELECT secret FROM webhooks_endpoint")[0][0]
    assert secret not in stored
    assert Endpoint.objects.get().event_types == ["delivery.sent", "delivery.read"]
    assert secret not in str(list(AuditEntry.objects.values()))
    assert secrets_of(endpoint, clock.now_us()) == [secret]


def test_for_a_day_both_secrets_sign() -> None:
    endpoint, before = add_endpoint(**USUAL)
    secret = rotate_secret(endpoint, by=factory.BY)
    now = clock.now_us()
    assert secrets_of(endpoint, now) == [secret, before]
    assert secrets_of(endpoint, now + 24 * 3_600 * clock.SECOND + clock.SECOND) == [secret]


def test_what_agents_do_is_in_the_audit_log() -> None:
    endpoint, _ = add_endpoint(**USUAL)
    edit_endpoint(endpoint, **USUAL | {"name": "Store", "allow_private": False})
    edit_endpoint(endpoint, **USUAL | {"name": "Store", "allow_private": False})
    pause_endpoint(endpoint, by=factory.BY)
    with pytest.raises(EndpointError, match="Store is not active"):
        pause_endpoint(endpoint, by=factory.BY)
    resume_endpoint(endpoint, by=factory.BY)
    with pytest.raises(EndpointError, match="Store is active"):
        resume_endpoint(endpoint, by=factory.BY)
    rotate_secret(endpoint, by=factory.BY)
    delete_endpoint(endpoint, by=factory.BY)
    noted = AuditEntry.objects.order_by("pk").values_list("action", flat=True)
    assert list(noted) == [
        f"webhook.{action}"
        for action in ("create", "edit", "pause", "resume", "rotate_secret", "delete")
    ]
    assert not Endpoint.objects.exists()


def test_the_documentation_lists_all_events() -> None:
    text = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `([a-z_]+\.[a-z_]+)` \| (.+) \|$", text, re.MULTILINE))
    assert listed == dict(EVENT_TYPES)
