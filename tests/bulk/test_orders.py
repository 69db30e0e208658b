"""Bulk actions for tags and for the suppression list."""

from collections.abc import Callable

import pytest

from clarion.bulk import actions, acts, orders
from clarion.bulk.models import BulkAction
from clarion.contacts import tag_changes, tags, uploads
from clarion.contacts.models import Suppression, Tag, Tagging
from clarion.contacts.suppressions.entries import SuppressionError
from clarion.contacts.tags import TagError
from clarion.segments.conditions import Condition
from clarion.segments.manage import define
from support import factory

pytestmark = pytest.mark.django_db
BY = factory.BY


@pytest.fixture
def by_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every tag has many contacts, and a step is small."""
    monkeypatch.setattr(orders, "AT_ONCE", 1)
    monkeypatch.setattr(acts._OfContacts, "size", 2)
    monkeypatch.setattr(acts._Suppressions, "size", 2)


@pytest.fixture
def old() -> Tag:
    """A tag of five contacts, one of whom has another tag too."""
    contacts = [address.contact_id for address in factory.people(factory.channel(), 5)]
    tags.assign(["old"], contacts, by=BY)
    tags.assign(["new"], contacts[:1], by=BY)
    return Tag.objects.get(name="old")


def after(cut: int) -> Callable[[], bool]:
    """Stop a run after this many steps."""
    steps = iter([False] * (cut - 1) + [True])
    return lambda: next(steps)


def test_tags_are_merged_across_a_break(by_worker: None, old: Tag) -> None:
    new = Tag.objects.get(name="new")
    segment = define(name="Olds", conditions=[Condition.parse("tag:old")], by=BY)
    moments = dict(Tagging.objects.filter(tag=old).values_list("contact", "created_at"))
    action = orders.merge_tags(old, new, by=BY)
    assert action is not None
    actions.carry_out(action, stopping=after(2))
    late = factory.address(factory.channel("Late"), "late").contact_id
    tags.assign(["old"], [late], by=BY)

    assert actions.run_next()

    action.refresh_from_db()
    assert (action.state, action.done, action.changed, action.unchanged) == ("done", 5, 4, 1)
    assert Tag.objects.get() == new
    assert Tagging.objects.filter(tag=new).count() == 6
    last = max(moments)
    assert Tagging.objects.get(contact=last).created_at == moments[last]
    segment.refresh_from_db()
    assert segment.conditions[0]["name"] == "new"


def test_a_merge_whose_other_tag_is_deleted_says_so(by_worker: None, old: Tag) -> None:
    new = Tag.objects.get(name="new")
    action = orders.merge_tags(old, new, by=BY)
    assert action is not None
    tag_changes.delete(new, by=BY)
    assert actions.run_next()
    action.refresh_from_db()
    assert (action.state, action.error) == ("failed", "One of the two tags has been deleted.")


def test_a_tag_is_deleted_at_once_and_its_taggings_later(by_worker: None, old: Tag) -> None:
    assert orders.delete_tag(old, by=BY) is not None
    assert [tag.name for tag in tags.tag_counts()] == ["new"]
    assert Tagging.objects.count() == 6
    assert actions.run_next()
    assert Tagging.objects.count() == 1
    with pytest.raises(TagError, match="deleted already"):
        orders.delete_tag(old, by=BY)


def test_tags_of_few_contacts_need_no_worker(old: Tag) -> None:
    new = Tag.objects.get(name="new")
    assert orders.merge_tags(old, new, by=BY) is None
    assert orders.delete_tag(new, by=BY) is None
    assert not Tagging.objects.exists()
    assert not BulkAction.objects.exists()


def order(text: str) -> BulkAction:
    token = uploads.keep([text.encode()])
    return orders.import_suppressions(token, filename="out.csv", kind="email", reason="gone", by=BY)


def test_a_suppression_list_across_a_break(by_worker: None) -> None:
    lines = ["a@b.co", "nobody", "c@b.co", "a@b.co", "d@b.co", "also nobody", "e@b.co"]
    action = order("\n".join(["address", *lines]) + "\n")
    assert not actions.carry_out(BulkAction.objects.get(), stopping=after(2))
    with acts.rejects_path(action).open("a") as file:  # as a step that was killed leaves it
        file.write("9,x,y\n")

    assert actions.run_next()

    action.refresh_from_db()
    assert (action.state, action.done, action.changed) == ("done", 7, 4)
    assert (action.unchanged, action.refused) == (1, 2)
    assert Suppression.objects.filter(source="import", reason="gone").count() == 4
    rejected = acts.rejects_path(action).read_text().splitlines()[1:]
    assert [line.split(",")[:2] for line in rejected] == [["3", "nobody"], ["7", "also nobody"]]
    assert not uploads.exists(action.upload)


def test_a_file_that_can_not_be_used_is_refused_at_once() -> None:
    for text, sentence in (("address\n", "nothing below it"), ("a,b\n1,2\n", "the title")):
        with pytest.raises(SuppressionError, match=sentence):
            order(text)
    with pytest.raises(SuppressionError, match="no longer available"):
        orders.import_suppressions("0" * 20, filename="", kind="email", reason="gone", by=BY)
    assert not BulkAction.objects.exists()


def test_an_upload_that_waits_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    action = order("address\na@b.co\n")
    monkeypatch.setattr(uploads, "DAY", -1)
    unused = uploads.keep([b"x"])
    uploads.keep([b"y"])
    assert uploads.exists(action.upload)
    assert not uploads.exists(unused)
