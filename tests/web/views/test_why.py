"""The timeline of one contact in one broadcast, and the ways that lead to it."""

from collections.abc import Callable

import pytest
from django.test import Client

from clarion.broadcasts.query import Audience
from clarion.contacts.models import Contact
from support import factory

pytestmark = pytest.mark.django_db


def test_the_timeline_and_the_links_to_it(admin: Client) -> None:
    shop = factory.channel("Shop")
    dana = factory.address(shop, "u1", "<b>Dana")
    broadcast = factory.sending([shop], title="Autumn")
    factory.settle_each(shop, ["failed"])
    path = f"/broadcasts/{broadcast.pk}/why/{dana.contact_id}/"

    html = admin.get(path).content.decode()

    assert "Attempt 1: not sent" in html
    assert "The receiver answered 500 (server error)." in html
    assert "Hello &lt;b&gt;Dana" in html
    for page in (
        f"/broadcasts/{broadcast.pk}/recipients/",
        f"/contacts/{dana.contact_id}/",
        f"/broadcasts/{broadcast.pk}/why/?q=Dana",
    ):
        assert f'href="{path}"' in admin.get(page).content.decode(), page


def test_a_contact_who_is_no_recipient_can_be_found(admin: Client) -> None:
    shop = factory.channel("Shop")
    factory.people(shop, 2)
    broadcast = factory.draft([shop], audience=Audience(kind="picks", picked_from="hand"))
    choose = f"/broadcasts/{broadcast.pk}/why/"
    assert "No contacts found" in admin.get(f"{choose}?q=nobody").content.decode()
    person = Contact.objects.get(name="Person 1")
    assert f"{choose}{person.pk}/" in admin.get(f"{choose}?q=u1").content.decode()
    html = admin.get(f"{choose}{person.pk}/").content.decode()
    assert "They were not picked." in html
    assert "Not a recipient" in html


def test_from_a_contact_by_the_id_of_a_broadcast(admin: Client) -> None:
    shop = factory.channel("Shop")
    dana = factory.address(shop, "u1", "Dana")
    broadcast = factory.draft([shop])
    path = f"/contacts/{dana.contact_id}/why/"
    found = admin.get(path, {"broadcast": f"#{broadcast.pk}"})
    assert found["Location"] == f"/broadcasts/{broadcast.pk}/why/{dana.contact_id}/"
    for wrong in ("", "x", "0", "9" * 30, str(broadcast.pk + 1)):
        response = admin.get(path, {"broadcast": wrong}, follow=True)
        assert "There is no broadcast with this id." in response.content.decode()
    assert admin.get(f"/broadcasts/{broadcast.pk}/why/99999/").status_code == 404


def test_j4_managers_see_request_and_reply(log_in: Callable[[str], Client]) -> None:
    shop = factory.channel("Shop", url="https://hooks.internal/in")
    dana = factory.address(shop, "u1", "Dana")
    broadcast = factory.sending([shop])
    factory.settle_each(shop, ["failed"])
    path = f"/broadcasts/{broadcast.pk}/why/{dana.contact_id}/"

    html = log_in("manager").get(path).content.decode()

    assert "Request and reply" in html
    assert "POST https://hooks.internal/in" in html
    # Who sends learns no address of the network inside.
    html = log_in("sender").get(path).content.decode()
    assert "Attempt 1" in html
    assert "hooks.internal" not in html
    assert "Request and reply" not in html
