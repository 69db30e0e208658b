"""After a failed submit: a list of problems that has the focus and leads to the fields."""

import re
from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import drafts
from clarion.channels.models import Channel
from support import factory
from web.conftest import PASSWORD, LogIn, MakeAgent
from web.reading import words

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def channel() -> Channel:
    return factory.channel("Shop")


def problems(html: str) -> dict[str, str]:
    """Where each problem of the list leads; the list has the focus, and all it names is there."""
    (box,) = re.findall(r'<div[^>]*id="problems"[^>]*>.*?</ul>', html, re.DOTALL)
    head = box[: box.index(">")]
    assert 'tabindex="-1"' in head
    assert "autofocus" in head
    assert html.count("autofocus") == 1
    links = re.findall(r'<a[^>]*href="#([^"]*)"[^>]*>(.*?)</a>', box, re.DOTALL)
    assert links
    for field, _text in links:
        assert f'id="{field}"' in html, field
    return {words(text): field for field, text in links}


def compose(channel: Channel | None, **fields: Any) -> dict[str, Any]:
    form = {"title": "", "text": "", "data_type": "text", "audience": "all", "when": "now"}
    return {**form, "channels": [channel.pk] if channel else [], **fields}


@pytest.mark.parametrize(
    ("fields", "sentence", "field"),
    [
        ({}, "Write a text.", "text"),
        ({"data_type": "story"}, "Choose a story.", "story"),
        ({"when": "scheduled", "text": "x"}, "Choose a date and a time.", "at"),
        ({"rate": "fast", "text": "x"}, "send rate", "rate"),
        ({"audience": "tags", "text": "x"}, "Choose at least one tag.", "audience-tags"),
        ({"audience": "chats", "chats": "x", "text": "x"}, "x", "chats"),
        ({"when": "trigger", "text": "x"}, "Choose the tag", "on"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_compose(
    admin: Client, channel: Channel, fields: dict[str, str], sentence: str, field: str
) -> None:
    factory.people(channel, 1)

    response = admin.post("/broadcasts/new/", compose(channel, **fields))

    assert response.status_code == 422
    found = problems(response.content.decode())
    assert field in {where for text, where in found.items() if sentence in text}, found


def test_what_a_trigger_lacks_is_said_once(admin: Client, channel: Channel) -> None:
    factory.people(channel, 1)

    response = admin.post("/broadcasts/new/", compose(channel, text="x", when="trigger"))

    assert len(problems(response.content.decode())) == 1


def test_compose_names_the_channels(admin: Client, channel: Channel) -> None:
    response = admin.post("/broadcasts/new/", compose(None, text="x"))

    assert problems(response.content.decode())["Choose at least one channel."] == "channels"


def test_compose_takes_the_focus_only_after_sending(admin: Client, channel: Channel) -> None:
    draft = drafts.create_draft(by=factory.BY)

    page = admin.get(f"/broadcasts/{draft.pk}/edit/").content.decode()
    saved = admin.post("/broadcasts/compose/text", compose(channel, draft=draft.pk))

    assert "Still missing:" in page
    assert "autofocus" not in page
    assert "autofocus" not in saved.content.decode()


def test_a_channel(admin: Client) -> None:
    html = admin.post("/channels/add/webhook/", {"name": "", "url": "ftp://x"}).content.decode()

    found = problems(html)
    assert "id_name" in found.values()
    assert "id_setting-url" in found.values()


def test_a_consent(admin: Client) -> None:
    html = admin.post("/consents/new/", {"name": ""}).content.decode()

    assert "id_name" in problems(html).values()


def test_an_import(admin: Client, channel: Channel) -> None:
    html = admin.post("/contacts/import/", {"channel": channel.pk}).content.decode()

    assert "id_file" in problems(html).values()


def test_a_story_and_its_autosave(admin: Client) -> None:
    form = {"name": "", "number": "0", "block": ["a"], "a-kind": "text", "a-text": ""}

    html = admin.post("/stories/new/", {**form, "save": "yes"}).content.decode()
    typed = admin.post("/stories/draft", {**form, "tried": "yes"}).content.decode()

    found = problems(html)
    assert "name" in found.values()
    assert any(text.startswith("Block 1: ") for text, where in found.items() if where == "a-text")
    assert 'id="problems"' in typed  # it stays until all is well, and takes nobody's focus
    assert "autofocus" not in typed


def test_the_account(admin: Client) -> None:
    html = admin.post("/account/", {"name": "", "time_zone": "UTC"}).content.decode()

    assert "id_name" in problems(html).values()


def test_the_password(client: Client, make_agent: MakeAgent) -> None:
    client.force_login(make_agent("admin", PASSWORD))

    html = client.post("/account/password/", {"oldpassword": "wrong"}).content.decode()

    assert "id_password1" in problems(html).values()


def test_filters_of_records(log_in: LogIn) -> None:
    html = log_in("viewer").get("/records/?broadcast=x").content.decode()

    assert "f-broadcast" in problems(html).values()


def test_a_failed_login_has_the_focus(client: Client) -> None:
    html = client.post(
        "/account/login/", {"login": "a@example.org", "password": "wrong"}
    ).content.decode()

    assert re.search(r'id="login-error"[^>]*tabindex="-1"[^>]*autofocus', html)
    assert html.count("autofocus") == 1
