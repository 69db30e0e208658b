"""``clarion contacts`` about one contact."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from clarion.contacts import tags
from clarion.contacts.models import Contact
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


def test_a_contact_is_changed(
    ok: Callable[..., str], ok_json: Callable[..., Any], refused: Callable[..., str]
) -> None:
    address = factory.people(factory.channel("Shop"), 1)[0]
    factory.channel("Mail", "email")
    tags.assign(["old"], [address.contact_id], by=factory.BY)

    ok(
        "contacts", "edit", "u0", "--name", "Ada", "--set", "age=36", "--unset", "city",
        "--tag", "vip", "--untag", "old",
    )  # fmt: skip
    ok("contacts", "add-address", "u0", "--channel", "Mail", "--user", "ada@example.org")
    ok("contacts", "opt-out", "u0", "--channel", "Shop")

    document = ok_json("contacts", "show", "ada@example.org")
    assert (document["name"], document["attributes"]) == ("Ada", {"age": "36"})
    assert document["tags"] == ["vip"]
    assert {one["channel"]: one["state"] for one in document["addresses"]} == {
        "Shop": "opted_out",
        "Mail": "active",
    }
    assert "is not the code of a language" in refused("contacts", "edit", "u0", "--language", "?")
    assert ok_json("contacts", "opt-out", "u0", "--channel", "Shop") == {"opted_out": []}
    assert "Nothing has changed" in ok("contacts", "edit", "u0", "--name", "Ada")


def test_a_contact_is_exported_and_deleted(
    clarion: Callable[..., Any], ok: Callable[..., str], ok_json: Callable[..., Any], tmp_path: Path
) -> None:
    address = factory.people(factory.channel("Shop"), 1)[0]
    file = tmp_path / "person.json"

    ok("contacts", "export-person", "u0", "--output", str(file))
    asked = clarion("contacts", "delete", "u0", stdin="n\n")

    assert json.loads(file.read_text())["contact"]["name"] == "Person 0"
    assert json.loads(ok("contacts", "export-person", "u0"))["addresses"][0]["user_id"] == "u0"
    assert "1 address" in asked.output
    assert Contact.objects.exists()
    assert ok_json("contacts", "delete", "u0", "--yes") == {
        "deleted": address.contact_id,
        "suppressed": 1,
    }
    assert not Contact.objects.exists()
