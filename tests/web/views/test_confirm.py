"""To how many Send goes: asked once for large audiences, and said in the undo window."""

from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import launch
from clarion.broadcasts.errors import LaunchError
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.kit import clock
from support import factory
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _large(settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"confirm_recipients": 3})


@pytest.fixture
def channel() -> Channel:
    return factory.channel("Shop")


def page(channel: Channel, **fields: Any) -> dict[str, Any]:
    form = {
        "title": "Spring",
        "text": "Hello",
        "data_type": "text",
        "audience": "all",
        "when": "now",
    }
    return {**form, "channels": [channel.pk], **fields}


def test_a_large_audience_is_asked_about_once(admin: Client, channel: Channel) -> None:
    factory.people(channel, 3)

    asked = admin.post("/broadcasts/new/", page(channel))
    draft = Broadcast.objects.get()

    assert asked.status_code == 200
    assert "Send to 3 recipients?" in words(asked.content.decode())
    assert (draft.state, draft.text) == ("draft", "Hello")
    seen = {"draft": draft.pk, "revision": draft.revision}
    sent = admin.post(
        f"/broadcasts/{draft.pk}/edit/", page(channel, **seen, confirmed="yes"), follow=True
    )
    draft.refresh_from_db()
    assert draft.state == "scheduled"
    assert "It will be sent to 3 recipients." in words(sent.content.decode())


def test_a_small_audience_is_sent_at_once(admin: Client, channel: Channel) -> None:
    factory.people(channel, 2)

    admin.post("/broadcasts/new/", page(channel))

    assert Broadcast.objects.get().state == "scheduled"


def test_problems_are_told_before_the_question(admin: Client, channel: Channel) -> None:
    factory.people(channel, 3)

    html = admin.post("/broadcasts/new/", page(channel, text="{{ contact.nme }}")).content.decode()

    assert "ask-send" not in html
    assert "No contact has “contact.nme”" in html


def test_0_never_asks(admin: Client, channel: Channel, settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"confirm_recipients": 0})
    factory.people(channel, 3)

    admin.post("/broadcasts/new/", page(channel))

    assert Broadcast.objects.get().state == "scheduled"


def test_what_is_called_from_elsewhere_is_not_asked_about(admin: Client, channel: Channel) -> None:
    factory.people(channel, 3)

    admin.post("/broadcasts/new/", page(channel, when="external"))

    assert Broadcast.objects.get().state == "live"


def test_send_now_ends_the_undo_window(admin: Client, channel: Channel) -> None:
    factory.people(channel, 1)
    sent = launch.start(factory.draft([channel]), by=factory.BY, undo_seconds=600)

    shown = admin.get(f"/broadcasts/{sent.pk}/").content.decode()
    admin.post(f"/broadcasts/{sent.pk}/do/send_now")

    assert 'id="do-send-now"' in shown
    sent.refresh_from_db()
    assert sent.state == "scheduled"
    assert sent.scheduled_at is not None
    assert sent.scheduled_at <= clock.now()


def test_send_now_is_of_the_undo_window_only(admin: Client, channel: Channel) -> None:
    factory.people(channel, 1)
    later = factory.draft([channel], scheduled_at=clock.now().replace(year=2090))
    launch.start(later, by=factory.BY)

    assert 'id="do-send-now"' not in admin.get(f"/broadcasts/{later.pk}/").content.decode()
    with pytest.raises(LaunchError):
        launch.send_now(later, by=factory.BY)
    later.refresh_from_db()
    assert later.scheduled_at is not None
    assert later.scheduled_at.year == 2090
