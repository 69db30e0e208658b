"""Bulk actions on the pages: whom, what, the question before deleting, progress."""

import pytest
from django.test import Client

from clarion.accounts.models import AuditEntry
from clarion.bulk import actions
from clarion.bulk.models import BulkAction
from clarion.consents import manage
from clarion.contacts import tags
from clarion.contacts.models import Address, Contact, Tag, Tagging
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db
NEW = "/contacts/bulk/new/"


@pytest.fixture
def people() -> list[Address]:
    return factory.people(factory.channel("Shop"), 3)


def test_selected_contacts_get_a_tag(admin: Client, people: list[Address]) -> None:
    chosen = [person.contact_id for person in people[:2]]
    page = admin.get(NEW, {"of": "selected", "id": chosen}).content.decode()
    assert "Change 2 contacts" in page

    filled = {"kind": "tag", "tags": "vip, new", "id": chosen, "counted": "2"}
    answer = admin.post(NEW, filled)

    action = BulkAction.objects.get()
    assert answer["Location"] == f"/contacts/bulk/{action.pk}/"
    assert actions.run_next()
    assert Tagging.objects.count() == 4
    page = words(admin.get(answer["Location"]).content.decode())
    assert "2 of 2 contacts" in page
    assert "Changed 2" in page


def test_all_that_match_the_filters(admin: Client, people: list[Address]) -> None:
    tags.assign(["old"], [people[0].contact_id], by=factory.BY)
    tag = Tag.objects.get()
    filters = {"tag": str(tag.pk), "of": "all", "q": "person"}
    page = words(admin.get(NEW, filters).content.decode())
    assert "Change 1 contact" in page
    assert "Tag: old" in page

    admin.post(NEW, {**filters, "kind": "untag", "tags": "old", "counted": "1"})

    assert actions.run_next()
    assert not Tagging.objects.exists()


def test_a_consent_needs_its_proof(admin: Client, people: list[Address]) -> None:
    consent = manage.define(name="News", by=factory.BY)
    filled = {"kind": "give", "consent": consent.pk, "counted": "3", "proof": ""}
    assert b"give-proof_error" in admin.post(NEW, filled).content
    assert not BulkAction.objects.exists()

    admin.post(NEW, {**filled, "proof": "Fair"})

    assert actions.run_next()
    assert consent.grants.filter(given=True).count() == 3


def test_deleting_asks_and_names_the_number(
    admin: Client, people: list[Address], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.web.views.bulk.LARGE", 3)
    asked = {"kind": "delete", "suppress": "on", "of": "all"}
    for typed in ({}, {"counted": "2"}, {"counted": "3"}, {"counted": "3", "typed": "2"}):
        page = words(admin.post(NEW, {**asked, **typed}).content.decode())
        assert "type the number of contacts: 3" in page
    assert "Type 3 to confirm." in page
    assert not BulkAction.objects.exists()

    assert admin.post(NEW, {**asked, "counted": "3", "typed": "3"}).status_code == 302

    assert actions.run_next()
    assert not Contact.objects.exists()


def test_nothing_selected_and_wrong_filters_lead_back(admin: Client, people: list[Address]) -> None:
    for query in (
        {"of": "selected"},
        {"of": "all", "attribute": "age", "is": "above"},
        {"of": "all", "channel": "x"},
        {"of": "all", "tag": "-1"},
    ):
        answer = admin.get(NEW, query, follow=True)
        assert answer.redirect_chain == [("/contacts/", 302)]
        assert b"alert-warning" in answer.content


def test_canceled_on_its_page(admin: Client, people: list[Address]) -> None:
    admin.post(NEW, {"kind": "tag", "tags": "vip", "of": "all", "counted": "3"})
    action = BulkAction.objects.get()
    page = admin.get(f"/contacts/bulk/{action.pk}/live").content.decode()
    assert "No worker is running" in page
    admin.post(f"/contacts/bulk/{action.pk}/cancel")
    assert "Cancelled" in admin.get("/contacts/bulk/").content.decode()
    assert not actions.run_next()


def test_the_export_follows_the_filters_and_is_noted(admin: Client, people: list[Address]) -> None:
    answer = admin.get("/contacts/export.csv", {"q": "person 1", "of": "all"})
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2
    assert "Person 1" in lines[1]
    assert AuditEntry.objects.get(action="data.export").detail["only"]


def test_only_managers(log_in: LogIn, people: list[Address]) -> None:
    sender = log_in("sender")
    assert sender.get(NEW, {"of": "all"}).status_code == 403
    assert "do-change-all" not in sender.get("/contacts/").content.decode()
