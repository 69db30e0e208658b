"""``clarion why``."""

from collections.abc import Callable
from typing import Any

import pytest

from support import factory

pytestmark = pytest.mark.django_db


def test_the_timeline_by_user_id_and_contact_id(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    shop = factory.channel("shop")
    dana = factory.address(shop, "u1", "Dana")
    broadcast = factory.sending([shop])
    factory.settle_each(shop, ["failed"])

    shown = ok("why", str(broadcast.pk), "u1")

    assert "Dana and broadcast" in shown
    assert "Attempt 1: not sent" in shown
    assert "Not sent: Hello Dana" in shown
    assert "Error: The receiver answered 500 (server error). [500]" in shown
    assert ok("why", str(broadcast.pk), f"#{dana.contact_id}") == shown
    document = ok_json("why", str(broadcast.pk), "u1")
    (address,) = document["addresses"]
    assert (address["state"], address["user"], address["chat"]) == ("failed", "u1", dana.pk)
    assert [step["what"] for step in address["steps"]] == ["chosen", "attempt", "now"]


def test_j4_requests_shows_what_was_sent_and_answered(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    shop = factory.channel("shop", url="https://hook.example/in")
    factory.address(shop, "u1", "Dana")
    broadcast = factory.sending([shop])
    factory.settle_each(shop, ["failed"])

    shown = ok("why", str(broadcast.pk), "u1", "--requests")

    assert "      Request:\n      POST https://hook.example/in\n" in shown
    assert "      Reply: The receiver answered 500 (server error). [500]\n" in shown
    document = ok_json("why", str(broadcast.pk), "u1", "--requests")
    (exchange,) = document["addresses"][0]["steps"][1]["exchanges"]
    assert exchange["request"].startswith("POST ")
    assert ok_json("why", str(broadcast.pk), "u1")["addresses"][0]["steps"][1]["exchanges"] == []


def test_an_error_says_what_it_is_about_and_what_to_do(
    ok: Callable[..., str], ok_json: Callable[..., Any]
) -> None:
    shop = factory.channel("Shop")
    dana = factory.address(shop, "u1", "Dana")
    broadcast = factory.sending([shop])
    gone = {"state": "failed", "reason": "No such user.", "code": "404", "refusal": "unreachable"}
    factory.settle_each(shop, [gone])

    contact = f"#{dana.contact_id}"
    text = ok("why", str(broadcast.pk), contact)
    steps = ok_json("why", str(broadcast.pk), contact)["addresses"][0]["steps"]

    assert "Problem with the contact: A restart doesn't reach this contact." in text
    assert [step["about"] for step in steps if step["about"]] == ["person"]


def test_what_is_not_there_is_said(refused: Callable[..., str]) -> None:
    broadcast = factory.draft([factory.channel("shop")])
    assert "No contact has the user id “nobody”" in refused("why", str(broadcast.pk), "nobody")
    assert "There is no contact with the id 77" in refused("why", str(broadcast.pk), "#77")
    assert "There is no broadcast 999" in refused("why", "999", "#1")
