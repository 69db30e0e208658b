"""Send on the compose page: at once or later, once only, and what stands in the way."""

import pytest
from django.test import Client

from clarion.channels.models import Channel
from clarion.engine import reap
from web.composing import compose_form, the_draft

pytestmark = pytest.mark.django_db


def test_send_now(admin: Client, channel: Channel) -> None:
    reap.register()

    response = admin.post("/broadcasts/new/", compose_form(channel))

    broadcast = the_draft()
    assert response["Location"] == f"/broadcasts/{broadcast.pk}/"
    assert broadcast.state == "scheduled"
    assert broadcast.agent is not None


def test_sending_the_same_page_twice_makes_one_broadcast(admin: Client, channel: Channel) -> None:
    admin.post("/broadcasts/compose/text", compose_form(channel))
    form = compose_form(channel, draft=the_draft().pk)

    admin.post("/broadcasts/new/", form)
    second = admin.post("/broadcasts/new/", form, follow=True)

    assert the_draft().state == "scheduled"
    assert "no draft any more" in second.content.decode()


def test_c2_send_at_a_time_in_a_zone(admin: Client, channel: Channel) -> None:
    form = compose_form(channel, when="scheduled", at="2100-06-01T09:00", time_zone="Asia/Tokyo")

    admin.post("/broadcasts/new/", form)

    scheduled = the_draft().scheduled_at
    assert scheduled is not None
    assert scheduled.isoformat() == "2100-06-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("at", "zone", "says"),
    [
        ("", "UTC", "Choose a date and a time."),
        ("2001-01-01T09:00", "UTC", "That time has passed."),
        ("2100-03-28T02:30", "Europe/Berlin", "does not exist in Europe/Berlin"),
        ("soon", "UTC", "is not a date and time"),
        ("2100-01-01T09:00", "Mars/Base", "There is no time zone"),
    ],
)
def test_a_time_that_can_not_be_is_told_and_nothing_leaves(
    admin: Client, channel: Channel, at: str, zone: str, says: str
) -> None:
    response = admin.post(
        "/broadcasts/new/", compose_form(channel, when="scheduled", at=at, time_zone=zone)
    )

    assert response.status_code == 422
    assert says in response.content.decode()
    assert the_draft().state == "draft"


def test_an_empty_form_says_all_that_is_missing_and_keeps_what_was_typed(
    admin: Client, channel: Channel
) -> None:
    response = admin.post("/broadcasts/new/", compose_form(text="", title="My title"))
    html = response.content.decode()

    assert response.status_code == 422
    assert "Choose at least one channel." in html
    assert "Write a text." in html
    assert 'value="My title"' in html
