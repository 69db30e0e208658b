"""Contacts: list, search, one person."""

import pytest
from django.test import Client

from clarion.contacts.attributes import note_attributes
from clarion.contacts.models import Contact, Tag, Tagging
from support import factory

pytestmark = pytest.mark.django_db


def test_an_empty_list_leads_on(admin: Client) -> None:
    assert b"Add a channel first" in admin.get("/contacts/").content
    factory.channel()
    assert b"Import contacts" in admin.get("/contacts/").content


def test_search_by_name_and_user_id(admin: Client) -> None:
    factory.people(factory.channel(), 30)

    by_name = admin.get("/contacts/?q=Person 29").content.decode()
    by_id = admin.get("/contacts/?q=u17").content.decode()
    nobody = admin.get("/contacts/?q=zzz").content.decode()

    assert "Person 29" in by_name
    assert "Person 3<" not in by_name
    assert "Person 17" in by_id
    assert "No contacts found" in nobody


def test_filter_by_channel_and_tag(admin: Client) -> None:
    one, two = factory.channel("one"), factory.channel("two")
    first = factory.people(one, 2)[0]
    factory.people(two, 1, prefix="other")
    tag = Tag.objects.create(name="vip")
    Tagging.objects.create(tag=tag, contact=first.contact)

    on_two = admin.get(f"/contacts/?channel={two.pk}").content.decode()
    tagged = admin.get(f"/contacts/?tag={tag.pk}").content.decode()

    assert "other0" in on_two
    assert "</span> u1" not in on_two
    assert "</span> u0" in tagged
    assert "</span> u1" not in tagged


@pytest.mark.parametrize(
    "query", ["?after=x", "?channel=99", "?tag=%00", "?q=%00", "?after=" + "9" * 40]
)
def test_damaged_addresses_show_something(admin: Client, query: str) -> None:
    assert admin.get(f"/contacts/{query}").status_code == 200


def test_pages_go_on_where_the_last_one_ended(admin: Client) -> None:
    factory.people(factory.channel(), 60)

    first = admin.get("/contacts/")
    second = admin.get(first.context["next_url"])

    names = [row.name for page in (first, second) for row in page.context["page"].rows]
    assert len(names) == len(set(names)) == 60


def test_one_person(admin: Client) -> None:
    channel = factory.channel("Shop")
    address = factory.people(channel, 1)[0]
    broadcast = factory.sending([channel], title="Autumn")

    html = admin.get(f"/contacts/{address.contact_id}/").content.decode()

    assert "Berlin" in html
    assert "u0" in html
    assert f'href="/broadcasts/{broadcast.pk}/"' in html
    assert "Queued" in html


def test_names_are_only_text(admin: Client) -> None:
    address = factory.people(factory.channel(), 1)[0]
    address.contact.name = "<script>alert(1)</script>"
    address.contact.save()

    for page in ("/contacts/", f"/contacts/{address.contact_id}/"):
        assert b"<script>alert" not in admin.get(page).content


def test_n1_contacts_are_filtered_by_attribute(admin: Client) -> None:
    for name, city in (("Ada", "Bonn"), ("Bob", "Rome")):
        Contact.objects.create(name=name, attributes={"city": city})
    note_attributes(["city"])

    html = admin.get("/contacts/?attribute=city&is=equals&value=bonn").content.decode()
    assert "Ada" in html
    assert ">Bob<" not in html
    assert "city is “bonn”" in html
    assert '<option value="city" selected>' in html

    wrong = admin.get("/contacts/?attribute=city&is=above&value=x").content.decode()
    assert "Compare “city” with a number" in wrong
    assert 'filters-more" data-closes open' in wrong
    nobody = admin.get("/contacts/?attribute=city&is=equals&value=Oslo").content.decode()
    assert "No contacts found" in nobody


def test_n1_the_condition_is_kept_on_the_next_page(admin: Client) -> None:
    for number in range(51):
        Contact.objects.create(name=f"P{number}", attributes={"city": "Bonn"})
    html = admin.get("/contacts/?attribute=city&is=equals&value=Bonn").content.decode()
    assert "attribute=city&amp;is=equals&amp;value=Bonn&amp;after=" in html


def test_the_timeline_of_a_contact_has_kinds_and_pages(admin: Client) -> None:
    channel = factory.channel("Shop")
    address = factory.people(channel, 1)[0]
    for number in range(60):
        delivery = factory.delivery(factory.broadcast(f"Mail {number}"), address)
        factory.record(delivery, factory.START + number, content=f"Hello {number}")
    url = f"/contacts/{address.contact_id}/"

    first = admin.get(url)
    second = admin.get(first.context["next_url"])
    chats = admin.get(f"{url}?show=chats").content.decode()

    shown = [one["line"].text for page in (first, second) for one in page.context["lines"]]
    assert [text for text in shown if text.startswith("Hello")] == [
        f"Hello {number}" for number in reversed(range(60))
    ]
    assert "Contact added" in first.content.decode()
    assert "Nothing here" in chats
    assert "Hello 59" not in chats
    assert admin.get(f"{url}?cursor=damaged").status_code == 302
