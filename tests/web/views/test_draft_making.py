"""When a page becomes a draft, and drafts deleted together."""

from typing import Any

import pytest
from django.test import Client

from clarion.accounts.models import Role
from clarion.broadcasts import drafts, launch
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from support import factory
from web.conftest import LogIn
from web.reading import words

pytestmark = pytest.mark.django_db


@pytest.fixture
def channel() -> Channel:
    channel = factory.channel("Shop")
    factory.people(channel, 3)
    factory.channel("Mail")
    return channel


def page(channel: Channel | None = None, **fields: Any) -> dict[str, Any]:
    """The form of a new broadcast with nothing written in it."""
    form = {"title": "", "text": " ", "data_type": "text", "audience": "all", "when": "now"}
    return {**form, "page": "abcdefghjkmn", "channels": [channel.pk] if channel else [], **fields}


@pytest.mark.parametrize(
    "ticked",
    [{}, {"when": "periodic"}, {"end_open_chats": "yes"}, {"audience": "tags"}, {"audience": "ids"},
     {"audience": "hand"}],
    ids=str,
)  # fmt: skip
def test_a_tick_alone_makes_no_draft(
    admin: Client, channel: Channel, ticked: dict[str, str]
) -> None:
    for part in ("audience", "when", "text"):
        response = admin.post(f"/broadcasts/compose/{part}", page(channel, **ticked))
        assert response.status_code == 200
        assert "HX-Replace-Url" not in response

    assert not Broadcast.objects.exists()


def test_what_is_ticked_is_counted_without_a_draft(admin: Client, channel: Channel) -> None:
    html = admin.post("/broadcasts/compose/audience", page(channel)).content.decode()

    assert "Send to 3 recipients" in words(html)
    assert "Write a text." in html


@pytest.mark.parametrize(
    "written",
    [{"title": "Spring"}, {"text": "H"}, {"chats": "1"}, {"template_name": "hi"}],
    ids=str,
)
def test_what_is_written_makes_a_draft(
    admin: Client, channel: Channel, written: dict[str, str]
) -> None:
    response = admin.post("/broadcasts/compose/text", page(channel, audience="chats", **written))

    assert response["HX-Replace-Url"] == f"/broadcasts/{Broadcast.objects.get().pk}/edit/"


def test_a_list_of_contacts_to_select_from_makes_a_draft(admin: Client, channel: Channel) -> None:
    form = page(channel, audience="hand")
    offered = admin.post("/broadcasts/compose/audience", form).content.decode()
    admin.post("/broadcasts/compose/audience", {**form, "selecting": "yes"})

    assert 'name="selecting"' in offered
    assert Broadcast.objects.get().audience["picked_from"] == "hand"


def test_send_on_an_empty_page_makes_no_draft_and_says_what_is_missing(
    admin: Client, channel: Channel
) -> None:
    response = admin.post("/broadcasts/new/", page())

    assert response.status_code == 422
    told = words(response.content.decode())
    assert "Choose at least one channel." in told
    assert "Write a text." in told
    assert not Broadcast.objects.exists()


def test_save_keeps_ticks_and_refuses_an_untouched_page(admin: Client, channel: Channel) -> None:
    untouched = admin.post("/broadcasts/new/", page(save="yes"))
    assert untouched.status_code == 422
    assert not Broadcast.objects.exists()

    admin.post("/broadcasts/new/", page(channel, save="yes"))

    assert list(Broadcast.objects.get().channels.all()) == [channel]


def test_a_test_of_nothing_makes_no_draft(admin: Client, channel: Channel) -> None:
    html = admin.post("/broadcasts/compose/test", page(channel)).content.decode()

    assert "Write a message first." in html
    assert not Broadcast.objects.exists()


def test_drafts_are_deleted_together_after_one_question(admin: Client, channel: Channel) -> None:
    ids = [drafts.create_draft(by=factory.BY, title=f"Draft {n}").pk for n in range(3)]
    kept = drafts.create_draft(by=factory.BY, title="Kept")
    listed = admin.get("/broadcasts/?section=drafts").content.decode()
    assert listed.count('name="draft"') == 4

    asked = admin.get("/broadcasts/drafts/ask", {"draft": ids}).content.decode()
    assert "Delete 3 drafts?" in words(asked)
    assert "Draft 1" in asked
    assert Broadcast.objects.count() == 4

    done = admin.post("/broadcasts/drafts/delete", {"draft": ids}, follow=True)
    assert "3 drafts are deleted." in words(done.content.decode())
    assert Broadcast.objects.get() == kept


def test_only_drafts_are_deleted_together(admin: Client, channel: Channel) -> None:
    sent = factory.draft([channel])
    draft = drafts.create_draft(by=factory.BY, title="Draft")
    launch.start(sent, by=factory.BY)

    admin.post("/broadcasts/drafts/delete", {"draft": [sent.pk, draft.pk, "x"]})

    assert Broadcast.objects.get() == sent


def test_nothing_ticked_is_told(admin: Client) -> None:
    answer = admin.get("/broadcasts/drafts/ask", follow=True)

    assert "Select the drafts to delete first." in words(answer.content.decode())


def test_a_viewer_deletes_no_drafts(log_in: LogIn, channel: Channel) -> None:
    viewer = log_in(Role.VIEWER)
    draft = drafts.create_draft(by=factory.BY, title="Draft")

    assert 'name="draft"' not in viewer.get("/broadcasts/?section=drafts").content.decode()
    assert viewer.post("/broadcasts/drafts/delete", {"draft": [draft.pk]}).status_code == 403
    assert Broadcast.objects.exists()
