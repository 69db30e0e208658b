"""Ticking people and noting consents, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from clarion.broadcasts.models import Broadcast
from clarion.consents.grants import give, withdraw
from clarion.consents.manage import define
from clarion.consents.models import Consent, Grant
from clarion.contacts.models import Tag, Tagging
from support import factory
from web.browsing import Site, add_admin, enter, look

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.only_on("sqlite")]


@pytest.fixture
def site(page: Page, live_server: LiveServer) -> Site:
    return enter(page, live_server.url, add_admin())


def test_a2_people_are_ticked_while_composing(site: Site) -> None:
    channel, other = factory.channel("Shop"), factory.channel("Mail")
    people = factory.people(channel, 40)
    factory.people(other, 3, prefix="m")
    tag, long_one = Tag.objects.create(name="vip"), Tag.objects.create(name="t" * 100)
    Tagging.objects.bulk_create(Tagging(tag=tag, contact=each.contact) for each in people[:6])
    Tagging.objects.create(tag=long_one, contact=people[7].contact)
    page = site.open("/broadcasts/new/")
    page.get_by_label("Shop").check()
    page.get_by_label("Text", exact=True).first.check()
    page.locator("#text").fill("Hello")
    page.get_by_label("Selected contacts").check()
    search = page.locator("#picker-q")
    search.fill("person 12")
    expect(page.locator(".picker-contacts li")).to_have_count(1)
    page.get_by_role("checkbox", name="Person 12").click()
    expect(page.get_by_text("1 selected")).to_be_visible()
    expect(page.get_by_role("checkbox", name="Person 12")).to_be_checked()
    search.fill("")
    expect(page.locator(".picker-contacts li")).to_have_count(20)
    page.locator("#picker-tag").select_option("vip")
    page.get_by_role("button", name="Select all 6 found").click()
    expect(page.get_by_text("6 more contacts are selected.")).to_be_visible()
    expect(page.get_by_text("7 selected")).to_be_visible()
    expect(page.locator("#sum-who")).to_contain_text("7")
    page.get_by_role("button", name="Remove Person 3").click()
    expect(page.get_by_text("6 selected")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("7 selected")).to_be_visible()
    look(page)
    # With another channel there are others to be found, and nobody is lost.
    page.locator("#picker-tag").select_option("")
    expect(page.locator(".picker-contacts li")).to_have_count(20)
    page.get_by_role("checkbox", name=re.compile("^Mail")).check()
    expect(page.locator(".picker-contacts li").first).to_contain_text("Mail")
    page.get_by_role("checkbox", name="Mail · m1").click()
    expect(page.get_by_text("8 selected")).to_be_visible()
    page.get_by_role("button", name="Remove all").click()
    expect(page.get_by_text("0 selected")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("8 selected")).to_be_visible()
    expect(page.locator("#sum-who")).to_contain_text("8")
    draft = Broadcast.objects.get()
    assert draft.picks.count() == 8
    assert draft.audience["picked_from"] == "hand"
    page.reload()
    expect(page.get_by_text("8 selected")).to_be_visible()
    look(site.open(f"/picker/{draft.pk}/"))


def test_m1_consents_of_a_contact(site: Site) -> None:
    person = factory.people(factory.channel("Shop"), 3)[0].contact
    look(site.open("/consents/"))
    look(site.open(f"/contacts/{person.pk}/"))
    page = site.open("/consents/new/")
    look(page)
    page.get_by_label("Name").fill("Newsletter by e-mail")
    page.get_by_label("Text").fill("I want to get the newsletter.")
    page.get_by_role("button", name="Add consent").click()
    sms = define(name="SMS", category="Marketing", by=factory.BY)
    phone = define(name="Telephone", by=factory.BY)
    give(sms, [person.pk], how="form", by=factory.BY)
    withdraw(phone, [person.pk], how="keyword", by=factory.BY)
    look(site.open("/consents/"))
    page = site.open(f"/contacts/{person.pk}/")
    letter = page.locator(".consents-of > li", has_text="Newsletter")
    letter.get_by_role("button", name="Mark as given").click()
    expect(letter).to_contain_text("An agent (Ada Lovelace)")
    look(page)
    assert Grant.objects.get(consent__name="Newsletter by e-mail").given
    look(site.open(f"/consents/{sms.pk}/"))
    page = site.open(f"/consents/{sms.pk}/remove/")
    look(page)
    page.get_by_role("button", name="Delete consent").click()
    expect(page.get_by_text("“SMS” has been deleted.")).to_be_visible()
    assert not Consent.objects.filter(name="SMS").exists()
