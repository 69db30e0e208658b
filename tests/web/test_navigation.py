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
