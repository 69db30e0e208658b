"""Formatted texts on the pages: chosen, kept and shown."""

import pytest
from django.test import Client

from clarion.content.models import StoryVersion
from support import factory
from web.composing import autosave, compose_form, the_draft

pytestmark = pytest.mark.django_db
NAME = "<i>_*Anna"


@pytest.mark.parametrize(
    ("written", "source"),
    [("chat_html", "<b>Hi {{ contact.name }}</b>"), ("markdownv2", "*Hi {{ contact.name }}*")],
)
def test_a_text_is_shown_as_chats_show_it(admin: Client, written: str, source: str) -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, "1", NAME)
    html = autosave(admin, compose_form(channel, text=source, format=written), "text")
    assert "<b>Hi &lt;i&gt;_*Anna</b>" in html
    assert the_draft().format == written
    page = admin.get(f"/broadcasts/{the_draft().pk}/edit/").content.decode()
    assert f'<option value="{written}" selected>' in page
    assert "data-formats" in page


def test_wrong_markup_is_named_and_shown_as_it_is_written(admin: Client) -> None:
    channel = factory.channel("bot", "telegram")
    factory.address(channel, "1", NAME)
    html = autosave(admin, compose_form(channel, text="<b>Hi", format="chat_html"), "text")
    assert "Line 1, character 1: &lt;b&gt; is never closed." in html
    assert "&lt;b&gt;Hi</span>" in html


def test_a_format_that_there_is_not_is_plain_text(admin: Client) -> None:
    channel = factory.channel("bot", "telegram")
    autosave(admin, compose_form(channel, format="rtf"), "text")
    assert the_draft().format == "text"


def test_each_text_of_a_story_has_a_format(admin: Client) -> None:
    block = {"n0-kind": "text", "n0-text": "*Hi*", "n0-format": "markdownv2"}
    page = {"name": "Welcome", "number": 0, "block": ["n0"], "save": "", **block}
    preview = admin.post("/stories/draft", page).content.decode()
    assert "<b>Hi</b>" in preview
    admin.post("/stories/new/", page)
    version = StoryVersion.objects.get()
    assert version.blocks == [{"kind": "text", "text": "*Hi*", "format": "markdownv2"}]
    html = admin.get(f"/stories/{version.story_id}/").content.decode()
    assert '<option value="markdownv2" selected>' in html
    wrong = admin.post(
        "/stories/new/", {**page, "name": "Other", "n0-text": "Hi."}
    ).content.decode()
    assert "Line 1, character 3: “.” has a meaning in MarkdownV2." in wrong
