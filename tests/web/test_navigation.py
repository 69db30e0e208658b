"""Every page is below an entry of the navigation."""

import re

import pytest
from django.test import Client

from clarion.consents import manage
from support import factory

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("path", "entry"),
    [
        ("/", "Dashboard"),
        ("/broadcasts/", "Broadcasts"),
        ("/broadcasts/new/", "Broadcasts"),
        ("/broadcasts/retention/", "Broadcasts"),
        ("/picker/{draft}/", "Broadcasts"),
        ("/records/", "Records"),
        ("/stories/new/", "Stories"),
        ("/contacts/import/", "Contacts"),
        ("/contacts/tags/", "Contacts"),
        ("/contacts/duplicates/", "Contacts"),
        ("/contacts/suppressions/", "Contacts"),
        ("/consents/", "Contacts"),
        ("/consents/{consent}/", "Contacts"),
        ("/consents/{consent}/remove/", "Contacts"),
        ("/channels/add/", "Channels"),
        ("/channels/keywords/", "Channels"),
    ],
)
def test_the_entry_of_a_page_is_marked(admin: Client, path: str, entry: str) -> None:
    draft = factory.draft([factory.channel()])
    consent = manage.define(name="News", by=factory.BY)
    page = admin.get(path.format(draft=draft.pk, consent=consent.pk)).content.decode()
    (marked,) = re.findall(r'aria-current="page">\s*<svg.*?<span>([^<]+)</span>', page, re.DOTALL)
    assert marked == entry


def test_every_entry_is_named_once_and_what_a_phone_has_no_room_for_is_in_a_menu(
    admin: Client,
) -> None:
    page = admin.get("/").content.decode()
    bar, more = re.search(r'<nav class="places".*?</nav>', page, re.DOTALL)[0].split(" popover>")
    entries = re.compile(r"<a href[^>]*>\s*<svg.*?<span>([^<]+)</span>", re.DOTALL)
    assert entries.findall(bar) == ["Dashboard", "Broadcasts", "Chats", "Contacts"]
    assert entries.findall(more) == ["Stories", "Codes", "Channels", "Records", "Logs"]
    assert re.search(r'popovertarget="([^"]+)"', bar)[1] == re.search(r'id="([^"]+)"', bar)[1]
