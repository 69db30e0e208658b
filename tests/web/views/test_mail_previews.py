"""The HTML of e-mails in a frame that can do nothing."""

from typing import Any

import pytest
from django.test import Client

from clarion.broadcasts import drafts
from clarion.broadcasts.models import Broadcast
from support import factory
from web.composing import autosave, compose_form, the_draft

pytestmark = pytest.mark.django_db


def draft(text: str, **mail: str) -> tuple[Broadcast, Any]:
    channel = factory.channel("Mail", "email")
    person = factory.address(channel, "dana@x.example", "<script>alert(1)</script>")
    broadcast = drafts.create_draft(
        by=factory.BY, channels=[channel], text=text, format="html", mail=mail
    )
    return broadcast, person


def test_a_page_is_shown_to_a_frame_alone_and_without_powers(admin: Client) -> None:
    broadcast, person = draft("<p>Hi {{ contact.name }}</p><script>alert(2)</script>")
    response = admin.get(f"/broadcasts/{broadcast.pk}/mail/?address={person.pk}")
    html = response.content.decode()
    assert "Hi &lt;script&gt;alert(1)&lt;/script&gt;" in html
    policy = response["Content-Security-Policy"].split("; ")
    assert policy[:2] == ["sandbox", "default-src 'none'"]
    assert "frame-ancestors 'self'" in policy
    assert response["X-Frame-Options"] == "SAMEORIGIN"
    assert "no-store" in response["Cache-Control"]


def test_what_can_not_be_shown_is_said_in_the_frame(admin: Client) -> None:
    broadcast, _ = draft("<p>{% if contact.name %}<b></p>")
    response = admin.get(f"/broadcasts/{broadcast.pk}/mail/")
    assert response.status_code == 200
    assert response["Content-Security-Policy"].startswith("sandbox;")


def test_it_needs_an_agent(client: Client) -> None:
    broadcast, _ = draft("<p>Hi</p>")
    assert client.get(f"/broadcasts/{broadcast.pk}/mail/").status_code == 302


def test_the_page_of_a_draft_frames_it_and_keeps_the_form(admin: Client) -> None:
    channel = factory.channel("Mail", "email")
    person = factory.address(channel, "dana@x.example", "Dana")
    fields = {"format": "markdown", "layout": "none", "plain_text": "Mine", "text": "**Hi**"}
    html = autosave(admin, compose_form(channel, **fields), "text")
    kept = the_draft()
    assert (kept.format, kept.mail) == ("markdown", {"layout": "none", "plain_text": "Mine"})
    query = f"revision={kept.revision}&amp;address={person.pk}"
    assert f'src="/broadcasts/{kept.pk}/mail/?{query}"' in html
    assert "sandbox" in html
    page = admin.get(f"/broadcasts/{kept.pk}/edit/").content.decode()
    assert '<option value="markdown" selected>' in page
    assert '<option value="none" selected>' in page
    wide = admin.get(f"/broadcasts/{kept.pk}/mail/wide/?address={person.pk}").content.decode()
    assert wide.count(f'src="/broadcasts/{kept.pk}/mail/?address={person.pk}"') == 2


def test_a_plain_text_has_no_frame(admin: Client) -> None:
    channel = factory.channel("Mail", "email")
    html = autosave(admin, compose_form(channel, format="text"), "text")
    assert "<iframe" not in html
