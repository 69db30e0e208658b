"""Deleting one contact for good, and the file of everything about them."""

import json
from collections.abc import Callable

import pytest
from django.test import Client

from clarion.accounts.models import AuditEntry
from clarion.contacts import addresses
from clarion.contacts.models import Address, Contact, Suppression
from clarion.kit import clock
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada() -> Address:
    """Somebody who was sent something, with an address that opted out and one that did not."""
    address = factory.people(factory.channel("Shop"), 1)[0]
    mail = factory.channel("Mail", "email")
    Address.objects.create(contact=address.contact, channel=mail, value="ada@example.org")
    addresses.mark(address.pk, "opted_out", clock.now())
    delivery = factory.delivery(factory.broadcast("Autumn"), address)
    factory.record(delivery, content="Hello Ada")
    return address


def test_the_question_says_what_goes_and_what_is_kept(admin: Client, ada: Address) -> None:
    html = admin.get(f"/contacts/{ada.contact_id}/delete/").content.decode()

    assert "2 addresses" in html
    assert "1 record" in html
    assert "because nothing may be sent to them: u0." in html
    assert "recipients again: ada@example.org" in words(html)


def test_user_ids_are_kept_as_chosen(admin: Client, ada: Address) -> None:
    factory.address(ada.channel, "other", "Bob")
    url = f"/contacts/{ada.contact_id}/delete/"

    assert admin.post(url, {}).status_code == 302

    assert [contact.name for contact in Contact.objects.all()] == ["Bob"]
    assert [entry.value for entry in Suppression.objects.all()] == ["u0"]
    assert admin.post(url, {}).status_code == 404


def test_the_file_has_everything_and_is_noted(admin: Client, ada: Address) -> None:
    response = admin.get(f"/contacts/{ada.contact_id}/export.json")
    document = json.loads(b"".join(response.streaming_content))

    assert document["contact"]["attributes"] == {"city": "Berlin"}
    assert [row["user_id"] for row in document["addresses"]] == ["u0", "ada@example.org"]
    assert [row["sent"] for row in document["records"]] == [["Hello Ada"]]
    assert [row["state"] for row in document["deliveries"]] == ["sent"]
    assert AuditEntry.objects.filter(action="data.export").count() == 1


def test_only_managers(log_in: Callable[[str], Client], ada: Address) -> None:
    sender = log_in("sender")
    assert sender.get(f"/contacts/{ada.contact_id}/delete/").status_code == 403
    assert sender.get(f"/contacts/{ada.contact_id}/export.json").status_code == 403
    assert Contact.objects.exists()
