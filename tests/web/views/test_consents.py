"""Consents: the list, adding, editing, removing, and one person's."""

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.accounts.models import Role
from clarion.broadcasts.models import Broadcast
from clarion.consents.grants import give
from clarion.consents.manage import define, update
from clarion.consents.models import Change, Consent
from clarion.consents.proof import Proof
from clarion.contacts.models import Contact
from support import factory
from web.conftest import LogIn

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


@pytest.fixture
def news() -> Consent:
    return define(name="News", category="Marketing", text="I want news.", by=factory.BY)


@pytest.fixture
def person() -> Contact:
    return factory.people(factory.channel(), 1)[0].contact


def test_m1_defined_by_a_manager(log_in: LogIn) -> None:
    manager = log_in(Role.MANAGER)
    assert b"Add a consent" in manager.get("/consents/").content
    fields = {"name": "News", "category": "Marketing", "text": "I want\r\nnews."}
    assert manager.post("/consents/new/", fields).headers["Location"] == "/consents/"
    consent = Consent.objects.get()
    assert (consent.name, consent.category, consent.text) == ("News", "Marketing", "I want\nnews.")
    again = manager.post("/consents/new/", fields).content.decode()
    assert "There is already a consent called “News”." in again
    assert "I want" in again
    manager.post(f"/consents/{consent.pk}/", {**fields, "name": "Letters"})
    assert Consent.objects.get().name == "Letters"


def test_m1_the_list_says_how_many(admin: Client, news: Consent) -> None:
    people = factory.people(factory.channel(), 3)
    give(news, [each.contact_id for each in people], how="form", by=factory.BY)
    page = admin.get("/consents/")
    assert page.context["rows"][0]["count"].given == 3
    assert b"I want news." in page.content
    assert b"3 contacts gave this consent" in admin.get(f"/consents/{news.pk}/").content


def test_removing_asks(admin: Client, news: Consent, person: Contact) -> None:
    give(news, [person.pk], how="form", by=factory.BY)
    asked = admin.get(f"/consents/{news.pk}/remove/").content.decode()
    assert "Given: 1. Withdrawn: 0." in asked
    assert Consent.objects.exists()
    admin.post(f"/consents/{news.pk}/remove/")
    assert not Consent.objects.exists()


def test_one_that_is_required_stays(admin: Client, news: Consent) -> None:
    draft = factory.draft([factory.channel()])
    Broadcast.objects.filter(pk=draft.pk).update(
        state="scheduled", audience={"kind": "all", "consents": ["News"]}
    )
    asked = admin.get(f"/consents/{news.pk}/remove/").content.decode()
    assert f"these broadcasts require it: broadcast {draft.pk}" in asked
    assert "Delete consent" not in asked
    page = admin.post(f"/consents/{news.pk}/remove/", follow=True).content.decode()
    assert f"“News” is required by broadcast {draft.pk}." in page
    assert Consent.objects.exists()


def test_m1_given_and_withdrawn_on_the_page_of_a_contact(
    log_in: LogIn, news: Consent, person: Contact
) -> None:
    sender = log_in(Role.SENDER)
    assert b"Not asked" in sender.get(f"/contacts/{person.pk}/").content
    url = f"/contacts/{person.pk}/consents/"
    answer = sender.post(url, {"consent": news.pk, "given": "yes"})
    assert answer.headers["Location"] == f"/contacts/{person.pk}/#consents"
    page = sender.get(f"/contacts/{person.pk}/").content.decode()
    assert "Given" in page
    assert "An agent (Sender Example)" in page
    part = sender.post(url, {"consent": news.pk, "given": "no"}, headers=HTMX).content.decode()
    assert "Withdrawn" in part
    assert "<main" not in part
    assert list(Change.objects.order_by("pk").values_list("given", flat=True)) == [True, False]


@pytest.mark.parametrize("typed", ["", "0", "x", "9" * 30, "-1"])
def test_a_consent_that_is_not_there(admin: Client, person: Contact, typed: str) -> None:
    url = f"/contacts/{person.pk}/consents/"
    assert admin.post(url, {"consent": typed, "given": "yes"}).status_code == 404


def test_who_may(log_in: LogIn, news: Consent, person: Contact) -> None:
    viewer, sender = log_in(Role.VIEWER), log_in(Role.SENDER)
    assert viewer.get("/consents/").status_code == 200
    page = viewer.get(f"/contacts/{person.pk}/").content
    assert b"Mark as given" not in page
    fields = {"consent": news.pk, "given": "yes"}
    assert viewer.post(f"/contacts/{person.pk}/consents/", fields).status_code == 403
    for url in ("/consents/new/", f"/consents/{news.pk}/", f"/consents/{news.pk}/remove/"):
        assert sender.get(url).status_code == 403
        assert sender.post(url, {"name": "x"}).status_code == 403
    assert not Change.objects.exists()


def test_the_proof_is_on_the_page_and_in_a_file(
    admin: Client, news: Consent, person: Contact
) -> None:
    proof = Proof("shop.example", "192.0.2.7", "Mozilla/5.0")
    give(news, [person.pk], how="form", by=factory.BY, proof=proof)
    update(news, text="I want <b>news</b>.", by=factory.BY)
    page = admin.get(f"/contacts/{person.pk}/").content.decode()
    assert "Version 1 of the text:" in page
    assert "192.0.2.7 Mozilla/5.0" in page
    versions = admin.get(f"/consents/{news.pk}/").content.decode()
    assert "I want &lt;b&gt;news&lt;/b&gt;." in versions
    file = b"".join(admin.get(f"/consents/export.csv?contact={person.pk}"))
    assert b'"shop.example","192.0.2.7","Mozilla/5.0"' in file
    assert admin.get("/consents/export.csv?contact=99999").status_code == 404


def test_a_consent_that_has_to_be_confirmed(
    admin: Client, person: Contact, settings: Settings
) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"public_url": "https://c.example"})
    channel = person.addresses.get().channel
    fields = {"name": "News", "confirm_channel": channel.pk, "confirm_text": "No link."}
    refused = admin.post("/consents/new/", fields).content.decode()
    assert "Write {{ confirm_url }} where the link belongs" in refused
    admin.post("/consents/new/", {**fields, "confirm_text": ""})
    consent = Consent.objects.get()
    assert consent.confirm_channel == channel
    assert "{{ confirm_url }}" in admin.get(f"/consents/{consent.pk}/").content.decode()
    admin.post(f"/contacts/{person.pk}/consents/", {"consent": consent.pk, "given": "yes"})
    assert not Change.objects.exists()
    page = admin.get(f"/contacts/{person.pk}/").content
    assert b"Waiting for confirmation" in page
    assert b"Not asked" not in page
    assert b"1 contact has not confirmed yet" in admin.get("/consents/").content
    admin.post(f"/consents/{consent.pk}/", {"name": "News"})
    consent.refresh_from_db()
    assert consent.confirm_channel is None
