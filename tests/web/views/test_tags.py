"""The pages of tags."""

from collections.abc import Callable

import pytest
from django.test import Client

from clarion.contacts import tags
from clarion.contacts.models import Tag
from clarion.segments.conditions import Condition
from clarion.segments.manage import define
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def old() -> Tag:
    """A tag of two contacts that a segment uses; one of them has another tag too."""
    contacts = [address.contact_id for address in factory.people(factory.channel(), 2)]
    tags.assign(["old"], contacts, by=factory.BY)
    tags.assign(["new"], contacts[:1], by=factory.BY)
    define(name="Olds", conditions=[Condition.parse("tag:old")], by=factory.BY)
    return Tag.objects.get(name="old")


def test_counts_and_uses(admin: Client, old: Tag) -> None:
    page = admin.get("/contacts/tags/")
    rows = page.context["rows"]
    assert [(row["tag"].name, row["tag"].contacts, len(row["uses"])) for row in rows] == [
        ("new", 1, 0),
        ("old", 2, 1),
    ]
    [use] = rows[1]["uses"]
    assert (use.words, use.kind) == ("segment “Olds”", "segment")
    assert f'href="/contacts/segments/{use.id}/">segment “Olds”</a>' in page.content.decode()


def test_rename_merge_and_delete(admin: Client, old: Tag) -> None:
    url, new = f"/contacts/tags/{old.pk}/", Tag.objects.get(name="new")
    taken = admin.post(url, {"name": "new"}).content.decode()
    assert "Merge this one into it instead" in taken
    admin.post(url, {"name": "older"})
    assert Tag.objects.get(pk=old.pk).name == "older"
    assert "can't be deleted because" in admin.get(f"{url}delete/").content.decode()
    admin.post(f"{url}delete/")
    assert Tag.objects.count() == 2

    question = admin.get(f"{url}merge/?into={new.pk}").content.decode()
    assert "2 contacts have “older”" in question
    assert "segment “Olds”" in question
    assert admin.get(f"{url}merge/?into=x").status_code == 302
    admin.post(f"{url}merge/", {"into": new.pk})

    assert [(tag.name, tag.contacts) for tag in tags.tag_counts()] == [("new", 2)]


def test_only_managers_change_tags(log_in: Callable[[str], Client], old: Tag) -> None:
    sender = log_in("sender")
    assert sender.get("/contacts/tags/").status_code == 200
    for path in ("", "merge/", "delete/"):
        assert sender.post(f"/contacts/tags/{old.pk}/{path}").status_code == 403
