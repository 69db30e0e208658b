"""Codes of a broadcast and of a contact, on the pages and by other ways."""

import pytest
from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.codes import pools, redeeming
from clarion.codes.models import Code
from clarion.kit import clock
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def spring() -> Broadcast:
    """A broadcast that gave codes to three contacts, one of whom redeemed it."""
    pool = pools.create(pools.Rules(name="Pool", pattern="S-####"), by=factory.BY)
    people = factory.people(factory.channel(), 3)
    broadcast = factory.broadcast("Spring sale")
    Broadcast.objects.update(code_pool=pool, started_at=clock.now(), state="completed")
    for number, person in enumerate(people):
        factory.delivery(broadcast, person)
        Code.objects.create(
            pool=pool, code=f"S-{number}", chain=broadcast.pk, contact_id=person.contact_id,
            issued_at=clock.now(),
        )  # fmt: skip
    redeeming.redeem("S-1", by=factory.BY)
    return broadcast


def test_the_numbers_lead_to_the_contacts(admin: Client, spring: Broadcast) -> None:
    url = f"/broadcasts/{spring.pk}/codes/"
    assert "1 of 3 33.3 %" in words(admin.get("/dashboard/broadcasts").content.decode())
    for path in ("details", "analytics/"):
        assert (
            f'href="{url}?redeemed=yes"'
            in admin.get(f"/broadcasts/{spring.pk}/{path}").content.decode()
        )
    page = words(admin.get(url).content.decode())
    assert "Issued 3 Redeemed 1" in page
    assert "S-0 Person 0" in page
    redeemed = words(admin.get(f"{url}?redeemed=yes").content.decode())
    assert "S-1 Person 1" in redeemed
    assert "S-0" not in redeemed
    assert admin.get(f"{url}?after=x").status_code == 302


def test_a_contact_shows_its_codes(admin: Client, spring: Broadcast) -> None:
    contact = Code.objects.get(code="S-2").contact_id
    page = words(admin.get(f"/contacts/{contact}/").content.decode())
    assert "S-2 Spring sale Pool" in page
    assert "Not yet" in page


def test_a_broadcast_without_codes_has_none_to_show(admin: Client) -> None:
    broadcast = factory.broadcast("Plain")
    page = admin.get(f"/broadcasts/{broadcast.pk}/codes/").content.decode()
    assert "No codes issued yet" in page
    assert "Codes redeemed" not in admin.get("/dashboard/broadcasts").content.decode()
