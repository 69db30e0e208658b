"""What will be deleted, and when."""

from datetime import timedelta

import pytest
from django.test import Client
from pytest_django.fixtures import Settings

from clarion.broadcasts import retention
from clarion.broadcasts.models import Broadcast
from clarion.kit import clock

pytestmark = pytest.mark.django_db


def over(title: str, days_ago: int) -> Broadcast:
    return Broadcast.objects.create(
        title=title,
        state="completed",
        total=12,
        finished_at=clock.now() - timedelta(days=days_ago),
        expanded_at=clock.now(),
    )


def test_e5_what_goes_and_when(admin: Client) -> None:
    over("Old", 85)
    over("Older", 89)
    over("New", 2)

    page = admin.get("/broadcasts/retention/")

    html = " ".join(page.content.decode().split())
    assert [row["name"] for row in page.context["rows"]] == ["Older", "Old"]
    assert "deleted 90 days after it has finished" in html
    assert "2 broadcasts with 0 records will be deleted by" in html
    assert ">12</td>" in html


def test_e5_what_is_being_deleted_is_out_of_sight(admin: Client) -> None:
    old = over("Old", 91)
    assert retention.sweep() == 1

    assert admin.get(f"/broadcasts/{old.pk}/").status_code == 404
    assert "Old" not in admin.get("/broadcasts/?section=completed").content.decode()
    assert admin.get("/broadcasts/retention/").context["rows"] == []


def test_e5_nothing_goes(admin: Client, settings: Settings) -> None:
    over("New", 2)
    assert (
        "Nothing will be deleted in the next 30 days"
        in admin.get("/broadcasts/retention/").content.decode()
    )

    settings.CLARION = settings.CLARION.model_copy(update={"retention_days": 0})
    over("Old", 400)
    html = admin.get("/broadcasts/retention/").content.decode()
    assert "not deleted automatically" in html
    assert "CLARION_RETENTION_DAYS" in html


def test_more_than_are_listed(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("clarion.web.views.retention.LISTED", 1)
    over("Old", 89)
    over("Older", 90)
    assert "And 1 more." in admin.get("/broadcasts/retention/").content.decode()
