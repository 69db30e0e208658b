"""Parts of pages that poll: 304 when nothing has changed."""

import pytest
from django.test import Client

from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.web import current_rate

pytestmark = pytest.mark.django_db


@pytest.fixture
def addresses(sending: Broadcast) -> list[str]:
    return [
        "/broadcasts/live?section=active",
        f"/broadcasts/{sending.pk}/live",
        f"/broadcasts/{sending.pk}/details",
    ]


def test_unchanged_parts_answer_304(
    admin: Client, addresses: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # From the second look on there is a pace to show, if half a second has passed.
    monkeypatch.setattr(current_rate, "rate", lambda *_: 2.0)
    for address in addresses:
        first = admin.get(address)
        again = admin.get(address, headers={"If-None-Match": first["ETag"]})

        assert first.status_code == 200
        assert (again.status_code, again.content) == (304, b"")
        assert again["ETag"] == first["ETag"]


def test_a_change_is_shown_at_once(admin: Client, addresses: list[str]) -> None:
    before = admin.get(addresses[0])
    control.pause(Broadcast.objects.get(), by="test")

    after = admin.get(addresses[0], headers={"If-None-Match": before["ETag"]})

    assert after.status_code == 200
    assert b"Paused" in after.content


def test_the_page_and_its_moving_part_are_the_same(admin: Client, addresses: list[str]) -> None:
    page = admin.get("/broadcasts/?section=active").content.decode()
    part = admin.get(addresses[0]).content.decode()

    assert part.strip() in page
