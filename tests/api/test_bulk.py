"""Bulk actions by the API."""

import pytest

from api.conftest import Program
from api.test_foundation import problem
from clarion.bulk import actions
from clarion.channels.models import Channel
from clarion.consents import manage
from clarion.contacts import tags
from clarion.contacts.models import Address, Contact, Tagging
from support import factory

EVERYBODY: dict[str, object] = {}


@pytest.fixture
def people(channel: Channel) -> list[Address]:
    return factory.people(channel, 3)


def test_tags_by_filters_and_by_ids(call: Program, people: list[Address]) -> None:
    contacts = {"q": "person 1", "attributes": [{"attribute": "city", "value": "Berlin"}]}
    made = call("POST", "/bulk-actions", {"action": "tag", "tags": ["vip"], "contacts": contacts})
    assert made.status_code == 201
    assert actions.run_next()
    shown = call.ok("GET", made["Location"].removeprefix("/api/v1"))
    assert (shown["state"], shown["done"], shown["changed"]) == ("done", 1, 1)
    assert shown["by"] == "API token Shop"
    assert Tagging.objects.get().contact_id == people[1].contact_id

    chosen = {"contact_ids": [person.contact_id for person in people]}
    call("POST", "/bulk-actions", {"action": "untag", "tags": ["vip"], "contacts": chosen})
    assert actions.run_next()
    assert not Tagging.objects.exists()
    assert len(call.ok("GET", "/bulk-actions")["items"]) == 2


def test_deleting_needs_the_number(call: Program, people: list[Address]) -> None:
    delete = {"action": "delete", "contacts": EVERYBODY}
    assert problem(call("POST", "/bulk-actions", delete))["errors"][0]["field"] == "expected"
    wrong = problem(call("POST", "/bulk-actions", {**delete, "expected": 2}))
    assert "there are 3 contacts, not 2" in wrong["detail"]
    call.ok("POST", "/bulk-actions", {**delete, "expected": 3})
    assert actions.run_next()
    assert not Contact.objects.exists()


def test_consents_and_cancelling(call: Program, people: list[Address]) -> None:
    consent = manage.define(name="News", by=factory.BY)
    given = {"given": True, "proof": "Fair in Bonn", "contacts": EVERYBODY}
    path = f"/consents/{consent.pk}/bulk"
    assert problem(call("POST", path, {**given, "proof": ""}))["code"] == "invalid_request"
    call.ok("POST", path, given)
    assert actions.run_next()
    assert {change.how for change in consent.changes.all()} == {"api"}

    withdrawn = call.ok("POST", path, {**given, "given": False})
    cancelled = call.ok("POST", f"/bulk-actions/{withdrawn['id']}/cancel")
    assert cancelled["state"] == "cancelled"
    assert not actions.run_next()


def test_ids_and_filters_exclude_each_other(call: Program, people: list[Address]) -> None:
    both = {"contact_ids": [people[0].contact_id], "q": "x"}
    tag = {"action": "tag", "tags": ["vip"]}
    assert problem(call("POST", "/bulk-actions", {**tag, "contacts": both}))["errors"]
    unknown = call("POST", "/bulk-actions", {**tag, "contacts": {"tag": "nobody"}})
    assert problem(unknown)["errors"][0]["field"] == "contacts.tag"


def test_tags_are_renamed_merged_and_deleted(
    call: Program, people: list[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    tags.assign(["old", "new"], [person.contact_id for person in people], by=factory.BY)
    ids = {tag["name"]: tag["id"] for tag in call.ok("GET", "/tags")["items"]}
    renamed = call.ok("POST", f"/tags/{ids['old']}/rename", {"name": "older"})
    assert renamed == {"id": ids["old"], "name": "older", "contacts": 3}
    merged = call.ok("POST", f"/tags/{ids['old']}/merge", {"into_id": ids["new"]})
    assert merged == {"bulk_action": None}
    monkeypatch.setattr("clarion.bulk.orders.AT_ONCE", 1)
    deleted = call.ok("POST", f"/tags/{ids['new']}/delete")
    assert deleted["bulk_action"]["action"] == "delete_tag"
    assert call.ok("GET", "/tags") == {"items": []}
