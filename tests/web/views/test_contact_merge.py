"""Merging two contacts on the page."""

from collections.abc import Callable

import pytest
from django.test import Client

from clarion.contacts.models import Contact
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair() -> tuple[Contact, Contact]:
    """Ada on two channels, as two contacts."""
    ada = factory.address(factory.channel("Shop"), "1001", "Ada").contact
    other = factory.address(factory.channel("Mail", "email"), "ada@example.org", "Ada").contact
    Contact.objects.filter(pk=ada.pk).update(attributes={"city": "London"}, time_zone="UTC")
    Contact.objects.filter(pk=other.pk).update(attributes={"city": "Bonn"})
    return ada, other


def test_from_a_suggestion_to_a_merge_and_back(
    admin: Client, pair: tuple[Contact, Contact]
) -> None:
    ada, other = pair
    compare = f"/contacts/{ada.pk}/merge/?with={other.pk}"
    assert compare in admin.get("/contacts/duplicates/").content.decode()
    shown = admin.get(compare).content.decode()
    assert "<s>Bonn</s>" in shown
    assert "Time zone UTC – UTC" in words(shown)
    assert Contact.objects.count() == 2

    admin.post(f"/contacts/{ada.pk}/merge/", {"with": other.pk})

    assert list(Contact.objects.values_list("pk", flat=True)) == [ada.pk]
    page = admin.get(f"/contacts/{ada.pk}/")
    [merge] = page.context["merges"]
    undo = f"/contacts/{ada.pk}/merges/{merge.pk}/undo/"
    assert undo in page.content.decode()
    assert "stays with Ada" in admin.get(undo).content.decode()
    admin.post(undo)
    assert Contact.objects.get(pk=other.pk).attributes == {"city": "Bonn"}
    assert admin.get(undo).status_code == 404


def test_the_other_contact_is_found_by_search(admin: Client, pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    html = admin.get(f"/contacts/{ada.pk}/merge/?q=ada").content.decode()
    assert f"?with={other.pk}" in html
    assert f"?with={ada.pk}" not in html
    for number in (ada.pk, 999, "x"):
        shown = admin.get(f"/contacts/{ada.pk}/merge/?with={number}").content.decode()
        assert "Find the other contact" in shown


def test_only_managers(log_in: Callable[[str], Client], pair: tuple[Contact, Contact]) -> None:
    ada, other = pair
    sender = log_in("sender")
    assert sender.get("/contacts/duplicates/").status_code == 403
    assert sender.post(f"/contacts/{ada.pk}/merge/", {"with": other.pk}).status_code == 403
    assert Contact.objects.count() == 2
