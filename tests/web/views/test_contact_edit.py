"""Changing one contact by hand."""

from collections.abc import Callable

import pytest
from django.test import Client

from clarion.contacts import tags
from clarion.contacts.models import Address, Contact
from support import factory
from support.forms import fields_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Contact:
    """Somebody with a number, a text and a tag."""
    contact = factory.address(factory.channel("Shop"), "1001", "Ada").contact
    contact.attributes = {"city": "London", "age": 36}
    contact.save()
    tags.assign(["vip"], [contact.pk], by=factory.BY)
    return contact


def test_saving_the_form_as_it_is_changes_nothing(admin: Client, ada: Contact) -> None:
    url = f"/contacts/{ada.pk}/edit/"
    fields = fields_of(admin.get(url).content.decode(), "contact")

    assert admin.post(url, fields).status_code == 302

    after = Contact.objects.get(pk=ada.pk)
    assert (after.name, after.attributes) == ("Ada", {"city": "London", "age": 36})


def test_what_is_typed_is_saved_and_in_the_timeline(admin: Client, ada: Contact) -> None:
    url = f"/contacts/{ada.pk}/edit/"
    fields = fields_of(admin.get(url).content.decode(), "contact")
    rows = dict(zip(fields["attribute"], range(99), strict=False))
    fields["value"][rows["city"]] = "Bonn"
    fields |= {"time_zone": ["Europe/Berlin"], "tags": ["vip, new"]}

    admin.post(url, fields)

    html = admin.get(f"/contacts/{ada.pk}/?show=changes").content.decode()
    assert "London → Bonn" in html
    assert "tags added: new" in html
    assert Contact.objects.get(pk=ada.pk).time_zone == "Europe/Berlin"


def test_a_mistake_is_named_and_what_was_typed_stays(admin: Client, ada: Contact) -> None:
    url = f"/contacts/{ada.pk}/edit/"
    fields = fields_of(admin.get(url).content.decode(), "contact")
    rows = dict(zip(fields["attribute"], range(99), strict=False))
    fields["value"][rows["city"]] = "Paris"
    fields["language"] = ["the Queen's English"]

    html = admin.post(url, fields).content.decode()

    assert "is not the code of a language" in html
    assert 'value="Paris"' in html
    assert Contact.objects.get(pk=ada.pk).attributes["city"] == "London"


def test_an_address_is_added_and_opted_out(admin: Client, ada: Contact) -> None:
    channel = factory.channel("Mail", "email")
    url = f"/contacts/{ada.pk}/addresses/new/"

    refused = admin.post(url, {"channel": channel.pk, "user_id": "nobody"}).content.decode()
    admin.post(url, {"channel": channel.pk, "user_id": "ada@example.org"})

    assert "can&#x27;t be a user id on Mail" in refused
    address = Address.objects.get(contact=ada, channel=channel)
    admin.post(f"/contacts/{ada.pk}/addresses/{address.pk}/opt-out/")
    address.refresh_from_db()
    assert address.state == "opted_out"


def test_viewers_change_nothing(log_in: Callable[[str], Client], ada: Contact) -> None:
    viewer = log_in("viewer")
    assert viewer.get(f"/contacts/{ada.pk}/edit/").status_code == 403
    assert viewer.get(f"/contacts/{ada.pk}/addresses/new/").status_code == 403
    assert "Edit" not in viewer.get(f"/contacts/{ada.pk}/").content.decode()
