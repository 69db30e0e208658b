"""People ticked by hand."""

import pytest

from clarion.broadcasts import picker
from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.models import Broadcast, Pick
from clarion.broadcasts.picker import (
    clear,
    count_found,
    picked_contacts,
    search_contacts,
    tick,
    tick_found,
    untick,
)
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Tag, Tagging
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def one() -> Channel:
    return factory.channel("one")


@pytest.fixture
def draft(one: Channel) -> Broadcast:
    return factory.draft([one])


def names(page: picker.PeoplePage) -> list[str]:
    return [row.name for row in page.rows]


def test_people_on_the_chosen_channels(draft: Broadcast, one: Channel) -> None:
    people = factory.people(one, 3)
    two, three = factory.channel("two"), factory.channel("three")
    second = Address.objects.create(contact=people[0].contact, channel=two, value="x-1")
    factory.people(three, 2)
    assert names(search_contacts(draft)) == ["Person 2", "Person 1", "Person 0"]
    draft.channels.set([one, two])
    tick(draft, [second.pk])
    page = search_contacts(draft)
    assert [(row.value, row.channel, row.picked) for row in page.rows] == [
        ("u2", "one", False), ("u1", "one", False), ("u0", "one", False), ("x-1", "two", True),
    ]  # fmt: skip
    assert count_found(draft) == 4
    draft.channels.clear()
    assert search_contacts(draft).rows == []
    assert count_found(draft) == 0


def test_search_by_name_id_and_tag(draft: Broadcast, one: Channel) -> None:
    people = factory.people(one, 25)
    vip = Tag.objects.create(name="vip")
    Tagging.objects.bulk_create(Tagging(tag=vip, contact=each.contact) for each in people[:12])
    assert names(search_contacts(draft, "person 7")) == ["Person 7"]
    assert [row.value for row in search_contacts(draft, "u19").rows] == ["u19"]
    assert count_found(draft, "person 1") == 11
    assert count_found(draft, "person 1", vip) == 3
    assert count_found(draft, "", vip) == 12
    assert count_found(draft, "", vip, most=5) == 5
    assert count_found(draft, "a\0b%_") == 0
    first = search_contacts(draft)
    assert len(first.rows) == picker.PAGE
    rest = search_contacts(draft, after=first.next)
    assert names(rest) == [f"Person {n}" for n in range(4, -1, -1)]
    assert rest.next is None
    assert search_contacts(draft, "person 7", vip).rows[0].tags == ["vip"]


def test_ticks_are_kept(draft: Broadcast, one: Channel) -> None:
    people = factory.people(one, 4)
    ids = [each.pk for each in people]
    assert tick(draft, ids[:2]) == 2
    assert tick(draft, [ids[0], ids[3], 10**15]) == 1
    assert untick(draft, [ids[0]]) == 1
    assert untick(draft, [ids[0]]) == 0
    assert [row.address_id for row in picked_contacts(draft).rows] == [ids[1], ids[3]]
    assert [row.picked for row in search_contacts(draft).rows] == [True, False, True, False]


def test_all_that_were_found(
    draft: Broadcast, one: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picker, "CHUNK", 4)
    factory.people(one, 30)
    factory.people(factory.channel("two"), 3)
    tick(draft, [search_contacts(draft, "u5").rows[0].address_id])
    assert tick_found(draft, "person 1") == 11
    assert tick_found(draft) == 18
    assert Pick.objects.filter(broadcast=draft).count() == 30
    page = picked_contacts(draft)
    assert len(page.rows) == picker.PAGE
    assert len(picked_contacts(draft, page.next).rows) == 10


def test_clear_and_back(draft: Broadcast, one: Channel, monkeypatch: pytest.MonkeyPatch) -> None:
    other = factory.draft([one])
    factory.people(one, 5)
    tick_found(draft)
    tick_found(other)
    ids = clear(draft)
    assert picked_contacts(draft).rows == []
    assert tick(draft, ids) == 5
    monkeypatch.setattr(picker, "ASKS", 4)
    assert clear(draft) == []
    assert Pick.objects.count() == 5
    assert clear(draft) == []


@pytest.mark.parametrize("verb", [tick, untick])
def test_only_a_draft_takes_ticks(draft: Broadcast, one: Channel, verb: object) -> None:
    person = factory.people(one, 1)[0]
    tick(draft, [person.pk])
    Broadcast.objects.filter(pk=draft.pk).update(state="scheduled")
    for act in (lambda: verb(draft, [person.pk]), lambda: tick_found(draft), lambda: clear(draft)):  # type: ignore[operator]
        with pytest.raises(PicksError, match="no draft any more"):
            act()
    assert Pick.objects.count() == 1
