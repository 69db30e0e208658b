"""The CSV file of contacts."""

import csv
import io

import pytest

from clarion.bulk import export
from clarion.bulk.selection import Selection
from clarion.contacts import addresses, tags
from clarion.contacts.attributes import note_attributes
from clarion.contacts.models import Address
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db


def read(selection: Selection) -> list[dict[str, str]]:
    text = b"".join(export.export_csv(selection)).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_all_of_a_contact(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "STEP", 1)
    shop, mail = factory.channel("Shop"), factory.channel("Mail", "email")
    ada = factory.address(shop, "u1", "=Ada")
    bob = factory.address(shop, "u2", "Bob")
    Address.objects.create(contact=ada.contact, channel=mail, value="ada@example.org")
    ada.contact.attributes = {"city": "Bonn", "age": 36}
    ada.contact.save()
    note_attributes(["age", "city"])
    tags.assign(["b", "a"], [ada.contact_id], by=factory.BY)
    addresses.mark(bob.pk, "opted_out", clock.now())

    first, second = read(Selection())

    assert first["contact id"] == str(ada.contact_id)
    assert first["name"] == "'=Ada"
    assert first["tags"] == "a, b"
    assert (first["on Shop"], first["on Mail"]) == ("u1", "ada@example.org")
    assert (first["city"], first["age"]) == ("Bonn", "36")
    assert second["on Shop"] == "u2 (opted_out)"
    assert (second["city"], second["on Mail"]) == ("", "")
    assert [row["name"] for row in read(Selection.of_ids([bob.contact_id]))] == ["Bob"]


def test_values_are_written_as_people_and_imports_read_them() -> None:
    attributes = {"ok": True, "sizes": ["S", "M"], "age": 36}
    ada = factory.address(factory.channel("Shop"), "u1", "Ada").contact
    ada.attributes = attributes
    ada.save()
    note_attributes(attributes)
    [row] = read(Selection())
    assert (row["ok"], row["sizes"], row["age"]) == ("yes", "S, M", "36")
