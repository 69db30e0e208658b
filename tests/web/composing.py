"""The form of the compose page, sent as a browser sends it."""

from typing import Any

from django.test import Client

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel


def compose_form(channel: Channel | None = None, **fields: Any) -> dict[str, Any]:
    """The form as a browser sends it."""
    form = {"title": "Spring", "text": "Hello {{ contact.name }}", "audience": "all", "when": "now"}
    channels = [channel.pk] if channel else []
    return {**form, "data_type": "text", "channels": channels, **fields}


def autosave(browser: Client, form: dict[str, Any], part: str = "audience") -> str:
    """Save as the page does when something in it changes; a part of the page comes back."""
    response = browser.post(f"/broadcasts/compose/{part}", form)
    assert response.status_code == 200
    return response.content.decode()


def the_draft() -> Broadcast:
    """The only broadcast there is."""
    return Broadcast.objects.get()


def seen() -> dict[str, Any]:
    """What a page that shows the newest sends along."""
    return {"draft": the_draft().pk, "revision": the_draft().revision}
