"""Tags and their numbers."""

from collections.abc import Iterator
from typing import Any

import pytest

from clarion.contacts.models import Tag, Tagging
from clarion.contacts.signals import tagged
from clarion.contacts.tags import TagError, assign, attach, ensure_tags, remove, tag_counts
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


@pytest.fixture
def told() -> Iterator[list[tuple[int, list[int]]]]:
    """What is said about new tags: the tag and the contacts."""
    heard: list[tuple[int, list[int]]] = []

    def listen(tag_id: int, contact_ids: list[int], **_: Any) -> None:
        heard.append((tag_id, sorted(contact_ids)))

    tagged.connect(listen)
    yield heard
    tagged.disconnect(listen)


def test_assigning_tells_who_got_a_tag_that_they_had_not(
    told: list[tuple[int, list[int]]],
) -> None:
    one, two, three = (a.contact_id for a in factory.people(factory.channel(), 3))
    assert assign(["a"], [two], by="test") == 1
    assert assign(["a", "b"], [one, two, one, 2**40], by="test") == 3
    ids = ensure_tags(["a", "b"])
    assert told == [(ids["a"], [two]), (ids["a"], [one]), (ids["b"], [one, two])]
    assert not Tagging.objects.filter(contact=three).exists()
    assert assign(["a"], [], by="test") == 0
    with pytest.raises(TagError):
        assign(["a,b"], [one], by="test")


def test_removing_leaves_other_tags_and_people(told: list[tuple[int, list[int]]]) -> None:
    one, two = (a.contact_id for a in factory.people(factory.channel(), 2))
    assign(["a", "b"], [one, two], by="test")
    told.clear()
    assert remove(["a", "never"], iter([one, 2**40]), by="test") == 1
    left = Tagging.objects.order_by("tag__name", "contact").values_list("tag__name", "contact")
    assert list(left) == [("a", two), ("b", one), ("b", two)]
    assert told == []


def test_many_are_told_in_chunks(
    told: list[tuple[int, list[int]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("clarion.contacts.tags.CHUNK", 4)
    people = [a.contact_id for a in factory.people(factory.channel(), 10)]
    assert assign(["a"], people, by="test") == 10
    assert [len(contacts) for _, contacts in told] == [4, 4, 2]


def test_contacts_just_made_get_tags_as_others_do(told: list[tuple[int, list[int]]]) -> None:
    one, two = (a.contact_id for a in factory.people(factory.channel(), 2))
    ids = ensure_tags(["a", "b"])
    assert len(attach(list(ids.values()), [two, one], 17_000_000, fresh=True)) == 4
    assert told == [(ids["a"], [one, two]), (ids["b"], [one, two])]
    written = Tagging.objects.order_by("tag", "contact")
    assert [(t.tag_id, t.contact_id) for t in written] == [
        (ids["a"], one), (ids["a"], two), (ids["b"], one), (ids["b"], two),
    ]  # fmt: skip
    assert {t.created_at.timestamp() for t in written} == {17.0}
    assert attach([], [one], 0, fresh=True) == attach([ids["a"]], [], 0, fresh=True) == []
