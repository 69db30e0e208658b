"""The pages of attributes, and the types on the page of a contact."""

import pytest
from django.test import Client

from clarion.contacts import attribute_changes as changes
from clarion.contacts.models import Attribute, Contact
from support import factory

pytestmark = pytest.mark.django_db


def page(client: Client, url: str) -> str:
    return " ".join(client.get(url).content.decode().split())


def test_declare_change_and_delete(admin: Client) -> None:
    assert "No attributes yet" in page(admin, "/contacts/attributes/")
    new = "/contacts/attributes/new/"
    wrong = admin.post(new, {"name": "first name", "type": "date"}).content.decode()
    assert "can&#x27;t be the name of an attribute" in wrong
    admin.post(new, {"name": "age", "type": "text"})
    for value in ("36", "old"):
        Contact.objects.create(attributes={"age": value})
    attribute = Attribute.objects.get()
    url = f"/contacts/attributes/{attribute.pk}/"
    assert "The type is now text." in page(admin, url)

    question = page(admin, f"{url}type/?type=number")
    assert "1 of 2 values don't fit this type" in question
    assert "“old” is not a number; use one like 30 or 1.5" in question
    admin.post(f"{url}type/", {"type": "number"})
    assert Attribute.objects.get().type == "number"
    assert Contact.objects.filter(attributes__age=36).exists()

    admin.post(url, {"name": "years"})
    [row] = admin.get("/contacts/attributes/").context["rows"]
    assert (row["row"].attribute.name, row["row"].contacts, str(row["type"])) == (
        "years", 2, "Number",
    )  # fmt: skip
    assert "2 contacts have this attribute and lose their values" in page(admin, f"{url}delete/")
    admin.post(f"{url}delete/")
    assert not Attribute.objects.exists()
    assert Contact.objects.filter(attributes={}).count() == 2


def test_the_form_of_a_contact_knows_types(admin: Client) -> None:
    changes.declare("vip", "yes_no", by=factory.BY)
    changes.declare("born", "date", by=factory.BY)
    ada = Contact.objects.create(name="Ada", attributes={"vip": True, "likes": ["tea", "cake"]})
    url = f"/contacts/{ada.pk}/edit/"
    assert '<option value="yes" selected>' in page(admin, url)
    typed = {"attribute": ["vip", "born", ""], "value": ["no", "tomorrow", ""]}
    wrong = admin.post(url, {"name": "Ada", **typed}).content.decode()
    assert "born: “tomorrow” is not a date" in wrong
    typed["value"][1] = "10.12.1815"
    admin.post(url, {"name": "Ada", **typed})
    ada.refresh_from_db()
    assert ada.attributes == {"vip": False, "born": "1815-12-10", "likes": ["tea", "cake"]}
    shown = page(admin, f"/contacts/{ada.pk}/")
    assert "tea, cake" in shown
    assert '<dd dir="auto">no</dd>' in shown
