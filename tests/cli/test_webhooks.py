"""``clarion webhooks``."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.webhooks.events import EVENT_TYPES
from clarion.webhooks.models import Endpoint, EndpointRequest

pytestmark = pytest.mark.django_db
URL = "https://shop.example/events"


def test_an_endpoint_from_its_beginning_to_its_end(
    ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    assert "There are no webhook endpoints yet" in ok("webhooks", "list")
    printed = ok("webhooks", "add", "Shop", URL, "--event", "all")
    endpoint = Endpoint.objects.get()
    assert endpoint.secret["current"] in printed
    assert endpoint.event_types == list(EVENT_TYPES)
    ok("webhooks", "edit", "Shop", "--name", "Web shop", "--event", "delivery.failed")
    [listed] = ok_json("webhooks", "list")
    assert (listed["name"], listed["events"]) == ("Web shop", ["delivery.failed"])
    assert "delivery.failed" in ok("webhooks", "show", "Web shop")
    assert ok("webhooks", "pause", "Web shop") == "Web shop is paused.\n"
    assert refused("webhooks", "pause", "Web shop") == "Web shop is not active."
    assert ok("webhooks", "resume", "Web shop", "--skip") == "Web shop is active.\n"
    secret = ok("webhooks", "rotate-secret", "Web shop").rpartition(" ")[2].strip()
    assert Endpoint.objects.get().secret["current"] == secret
    ok("webhooks", "delete", "Web shop", "--yes")
    assert refused("webhooks", "show", "Web shop") == (
        "There is no webhook endpoint “Web shop”. List them with: clarion webhooks list"
    )


def test_the_log_and_repeating(
    ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    ok("webhooks", "add", "Shop", URL, "--event", "delivery.sent")
    assert ok("webhooks", "log", "Shop") == "There are no requests.\n"
    ok("webhooks", "test", "Shop")
    [line] = ok_json("webhooks", "log", "Shop")
    assert (line["state"], line["events"]) == ("waiting", 1)
    EndpointRequest.objects.update(state="failed")
    number = str(line["id"])
    assert ok("webhooks", "repeat", "Shop", number) == (f"Request {number} will be posted again.\n")
    EndpointRequest.objects.update(state="failed")
    assert ok("webhooks", "repeat", "Shop", "--failed") == "1 request will be posted again.\n"
    assert refused("webhooks", "repeat", "Shop") == (
        "Choose either the ID of a request or --failed."
    )
    assert "There is no request 999999." in refused("webhooks", "repeat", "Shop", "999999")


def test_events_are_listed_and_an_unknown_one_is_refused(
    ok: Callable[..., str], refused: Callable[..., str]
) -> None:
    assert "delivery.in_doubt" in ok("webhooks", "events")
    assert refused("webhooks", "add", "Shop", URL, "--event", "x") == "There is no event “x”."


def test_a_sender_can_change_none(ok: Callable[..., str], refused: Callable[..., str]) -> None:
    ok("agent", "add", "Sam", "--email", "sam@example.org", "--role", "sender")
    told = refused("webhooks", "add", "Shop", URL, "--event", "all", "--as", "Sam")
    assert told == "Only managers and admins can change webhook endpoints."
