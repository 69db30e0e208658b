"""``clarion contacts`` about one contact."""

from collections.abc import Callable
from typing import Any

import pytest

from clarion.contacts import tags
from support import factory

pytestmark = pytest.mark.django_db


def test_what_is_known_of_a_contact(ok: Callable[..., str], ok_json: Callable[..., Any]) -> None:
    address = factory.people(factory.channel("Shop"), 1)[0]
    tags.assign(["vip"], [address.contact_id], by=factory.BY)

    document = ok_json("contacts", "show", "u0")

    assert document.pop("created_at")
    assert document == {
        "id": address.contact_id,
        "name": "Person 0",
        "language": "",
        "time_zone": "",
        "attributes": {"city": "Berlin"},
        "tags": ["vip"],
        "addresses": [{"chat": address.pk, "channel": "Shop", "user": "u0", "state": "active"}],
        "consents": {},
    }
    assert "Berlin" in ok("contacts", "show", f"#{address.contact_id}")


def test_what_happened_to_a_contact(
    ok: Callable[..., str], ok_json: Callable[..., Any], clarion: Callable[..., Any]
) -> None:
    address = factory.people(factory.channel("Shop"), 1)[0]
    delivery = factory.delivery(factory.broadcast("Autumn"), address)
    record = factory.record(delivery, content="Hello there")

    [entry] = ok_json("contacts", "timeline", "u0", "--show", "messages")

    assert (entry["record"], entry["text"], entry["state"]) == (record.pk, "Hello there", "sent")
    assert "Contact added" in ok("contacts", "timeline", "u0")
    assert "There is no group" in clarion("contacts", "timeline", "u0", "--show", "nothing").stderr
