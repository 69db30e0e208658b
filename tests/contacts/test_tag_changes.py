"""Renaming, merging and deleting tags."""

import pytest

from clarion.accounts.models import AuditEntry
from clarion.broadcasts.models import Broadcast, Firing
from clarion.broadcasts.query import Audience
from clarion.contacts import tag_changes, tags
from clarion.contacts.models import Contact, Import, Tag, Tagging
from clarion.contacts.tags import TagError
from clarion.segments.conditions import Condition
from clarion.segments.manage import define
from clarion.segments.members import count
from clarion.segments.models import Segment
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> tuple[Broadcast, Broadcast, Segment]:
    """Contacts with old, with new and with both; a scheduled broadcast, a trigger, a segment."""
    channel = factory.channel("Shop")
    contacts = [address.contact_id for address in factory.people(channel, 3)]
    tags.assign(["old"], contacts[:2], by=factory.BY)
    tags.assign(["new"], contacts[1:], by=factory.BY)
    audience = Audience(kind="tags", tags=["old", "new"], without_tags=["old"])
    draft = factory.draft([channel], audience=audience)
    trigger = {
        "on": "tag", "tag": "old", "conditions": [{"tag": "old", "is": "has"}],
    }  # fmt: skip
    live = factory.live([channel], type="trigger", trigger=trigger)
    segment = define(name="Olds", conditions=[Condition.parse("tag:old")], by=factory.BY)
    Import.objects.create(channel=channel, filename="x.csv", id_column="id", tags=["old"])
    return draft, live, segment


def tag(name: str) -> Tag:
    return Tag.objects.get(name=name)


def test_everything_follows_a_new_name(world: tuple[Broadcast, Broadcast, Segment]) -> None:
    draft, live, segment = world

    tag_changes.rename(tag("old"), " older ", by=factory.BY)

    for row in world:
        row.refresh_from_db()
    assert draft.audience["tags"] == ["older", "new"]
    assert draft.audience["without_tags"] == ["older"]
    assert live.trigger["tag"] == live.trigger["conditions"][0]["tag"] == "older"
    assert count(segment).contacts == 2
    assert Import.objects.get().tags == ["older"]
    assert tag_changes.uses() == {
        "older": [
            (f"broadcast {live.pk}", "broadcast", live.pk),
            ("segment “Olds”", "segment", segment.pk),
        ]
    }
    tags.assign(["older"], [Contact.objects.latest("pk").pk], by=factory.BY)
    assert Firing.objects.filter(broadcast=live).count() == 1


def test_a_name_that_there_is_already_is_refused(
    world: tuple[Broadcast, Broadcast, Segment],
) -> None:
    for name, why in [("new", "Merge this one"), ("a,b", "can't be a tag"), ("", "can't be")]:
        with pytest.raises(TagError, match=why):
            tag_changes.rename(tag("old"), name, by=factory.BY)
    assert Tag.objects.count() == 2


def test_merged_tags_are_one_and_nothing_fires(
    world: tuple[Broadcast, Broadcast, Segment], monkeypatch: pytest.MonkeyPatch
) -> None:
    draft, live, segment = world
    monkeypatch.setattr(tag_changes, "CHUNK", 1)

    assert tag_changes.merge(tag("old"), tag("new"), by=factory.BY) == 1

    for row in world:
        row.refresh_from_db()
    assert list(Tagging.objects.values_list("tag__name", flat=True)) == ["new"] * 3
    assert draft.audience["tags"] == ["new"]
    assert live.trigger["tag"] == "new"
    assert count(segment).contacts == 3
    assert not segment.is_known
    assert not Firing.objects.exists()
    assert AuditEntry.objects.get(action="tag.merge").detail["into"] == "new"
    with pytest.raises(TagError, match="another tag"):
        tag_changes.merge(tag("new"), tag("new"), by=factory.BY)


def test_a_tag_in_use_is_not_deleted(world: tuple[Broadcast, Broadcast, Segment]) -> None:
    _, live, segment = world
    with pytest.raises(TagError, match=f"used by broadcast {live.pk}, segment “Olds”"):
        tag_changes.delete(tag("old"), by=factory.BY)
    Broadcast.objects.filter(pk=live.pk).update(state="stopped")
    segment.delete()

    assert tag_changes.delete(tag("old"), by=factory.BY) == 2

    assert not Tag.objects.filter(name="old").exists()
    assert Tagging.objects.count() == 2
