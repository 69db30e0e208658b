"""Tags and their numbers."""

import pytest

from clarion.contacts.models import Tag, Tagging
from clarion.contacts.tags import TagError, ensure_tags, tag_counts
from support import factory

pytestmark = pytest.mark.django_db


def test_missing_tags_are_made_and_known_ones_kept() -> None:
    old = Tag.objects.create(name="old")
    ids = ensure_tags([" old ", "new", "new", "With space"])
    assert ids["old"] == old.pk
    assert set(ids) == {"old", "new", "With space"}
    assert ensure_tags(ids) == ids
    assert ensure_tags([]) == {}


@pytest.mark.parametrize("name", ["", "  ", "a,b", "x" * 101, "nul\0"])
def test_a_name_that_cannot_be_makes_nothing(name: str) -> None:
    with pytest.raises(TagError, match="can't be a tag"):
        ensure_tags(["fine", name])
    assert not Tag.objects.exists()


def test_counts_have_also_those_that_nobody_has() -> None:
    ids = ensure_tags(["b", "a"])
    people = factory.people(factory.channel(), 3)
    for address in people:
        Tagging.objects.create(tag_id=ids["b"], contact=address.contact)
    assert [(tag.name, tag.contacts) for tag in tag_counts()] == [("a", 0), ("b", 3)]
