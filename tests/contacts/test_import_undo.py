"""Undoing an import: what goes, what comes back, and what stays because something happened."""

from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from clarion.channels.models import Channel
from clarion.chats.models import Chat
from clarion.codes.models import Code, CodePool
from clarion.consents.grants import give
from clarion.consents.manage import define
from clarion.consents.models import Change, Grant
from clarion.contacts import addresses, deleting, import_run, import_undo, tags
from clarion.contacts.editing import Edit, edit
from clarion.contacts.import_undo import UndoError, kept_file, request_undo, undo_next
from clarion.contacts.imports import Choices, import_contacts
from clarion.contacts.models import (
    Address,
    Contact,
    Import,
    ImportErasure,
    ImportPart,
    Tagging,
)
from clarion.contacts.states import AddressState
from clarion.kit import clock
from clarion.segments.conditions import Condition
from clarion.segments.manage import define as define_segment
from clarion.segments.models import Membership
from support import factory

pytestmark = pytest.mark.django_db


@pytest.fixture
def run(tmp_path: Path, channel: Channel) -> Callable[..., Import]:
    def run(text: str, **options: Any) -> Import:
        path = tmp_path / "people.csv"
        path.write_text(text, encoding="utf-8")
        return import_contacts(path, channel=channel, by=factory.BY, **options)

    return run


def undo(row: Import) -> tuple[int, int, int]:
    request_undo(row, by=factory.BY)
    assert undo_next(lambda: False)
    assert not undo_next(lambda: False)
    row.refresh_from_db()
    assert row.undo_state == "done"
    return row.undo_removed, row.undo_restored, row.undo_kept


def contact(value: str) -> Contact:
    return Contact.objects.get(addresses__value=value)


def kept(row: Import) -> dict[str, str]:
    path = kept_file(row)
    if path is None:
        return {}
    lines = path.read_text("utf-8").splitlines()
    assert lines[0] == "contact,reason"
    return dict(line.split(",") for line in lines[1:])


def test_what_an_import_did_and_nobody_touched(
    run: Callable[..., Import], channel: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "CHUNK", 2)
    monkeypatch.setattr(import_undo, "SLICE", 1)
    run("id,name,city,age\nu1,Ada,Bonn,36\nu2,Ben,Rome,\n")
    before = {row.pk: (row.name, row.attributes) for row in Contact.objects.all()}
    news = define(name="News", category="", text="Yes", by=factory.BY)
    titles = [f"address:{channel.pk}", "name", "attribute::city", f"consent:{news.pk}"]
    row = run(
        "id,name,city,news\nu1,Ada L,Köln,\nu2,Ben,Rome,\nu3,Cem,Ulm,yes\nu4,Dan,Ulm,no\n",
        tags=["vip"], choices=Choices(titles),
    )  # fmt: skip
    assert (row.created, row.updated) == (2, 2)
    segment = define_segment(name="All", conditions=[Condition.parse("name")], by=factory.BY)
    Membership.objects.create(segment=segment, contact=contact("u3"))

    assert undo(row) == (2, 2, 0)
    assert {row.pk: (row.name, row.attributes) for row in Contact.objects.all()} == before
    assert Address.objects.count() == 2
    for model in (Tagging, Grant, Change, Membership):
        assert not model.objects.exists()
    assert kept(row) == {}


def test_contacts_that_something_happened_to_stay(
    run: Callable[..., Import], channel: Channel
) -> None:
    row = run("id,name\n" + "".join(f"u{number},N{number}\n" for number in range(8)))
    people = [contact(f"u{number}") for number in range(8)]
    address = people[0].addresses.get()
    Chat.objects.create(address=people[1].addresses.get())
    news = define(name="News", category="", text="Yes", by=factory.BY)
    give(news, [people[2].pk], how="form", by=factory.BY)
    edit(people[3], Edit(name="Other"), by=factory.BY)
    Address.objects.filter(contact=people[4]).update(wrote_at=clock.now() + timedelta(seconds=1))
    pool = CodePool.objects.create(name="Spring", pattern="A-####")
    Code.objects.create(pool=pool, code="A-1", contact=people[5], chain=1)
    broadcast = factory.draft([channel])
    broadcast.picks.create(address=address)

    assert undo(row) == (2, 0, 6)
    assert sorted(Contact.objects.values_list("pk", flat=True)) == [p.pk for p in people[:6]]
    assert kept(row) == {
        str(people[0].pk): "was chosen for a broadcast",
        str(people[1].pk): "has a chat",
        str(people[2].pk): "has given or withdrawn a consent",
        str(people[3].pk): "changed by hand since",
        str(people[4].pk): "has written since",
        str(people[5].pk): "has a code",
    }


def test_recipients_stay(run: Callable[..., Import], channel: Channel) -> None:
    row = run("id\nu1\nu2\n")
    factory.sending([channel], text="Hello")
    run("id\nu3\n")
    assert undo(row) == (0, 0, 2)
    assert set(kept(row).values()) == {"has a place in a broadcast"}
    assert undo(Import.objects.latest("pk")) == (1, 0, 0)


def test_values_that_were_changed_since_stay(run: Callable[..., Import]) -> None:
    run("id,name,city\nu1,Ada,Bonn\n")
    row = run("id,name,city,plan\nu1,Ada L,Ulm,gold\n")
    ada = contact("u1")
    edit(ada, Edit(attributes={"city": "Rome"}), by=factory.BY)
    assert undo(row) == (0, 0, 1)
    ada.refresh_from_db()
    assert (ada.name, ada.attributes) == ("Ada", {"city": "Rome"})
    assert kept(row) == {str(ada.pk): "changed again since"}


def test_a_tag_that_was_removed_and_assigned_again_since_stays(run: Callable[..., Import]) -> None:
    run("id\nu1\nu2\n")
    row = run("id\nu1\nu2\n", tags=["vip"])
    ada = contact("u1")
    tags.remove(["vip"], [ada.pk], by=factory.BY)
    tags.assign(["vip"], [ada.pk], by=factory.BY)

    assert undo(row) == (0, 1, 1)

    assert list(Tagging.objects.values_list("contact_id", flat=True)) == [ada.pk]
    assert kept(row) == {str(ada.pk): "changed again since"}


def test_what_was_noted_of_a_contact_is_erased_when_it_is_deleted(
    run: Callable[..., Import],
) -> None:
    run("id,name\nu1,Ada\nu2,Bea\n")
    row = run("id,name\nu1,Ada Lovelace\nu2,Bea B\n")
    ada, bea = contact("u1"), contact("u2")
    deleting.delete_contact(ada, suppress=False, by=factory.BY)
    assert "Lovelace" in str(list(ImportPart.objects.values_list("changes", flat=True)))

    import_undo.erase_deleted()

    assert not ImportErasure.objects.exists()
    assert "Lovelace" not in str(list(ImportPart.objects.values_list("changes", flat=True)))
    assert undo(row) == (0, 1, 0)
    bea.refresh_from_db()
    assert bea.name == "Bea"


def test_parts_without_deleted_contacts_are_not_locked(
    run: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are large, and on SQLite whoever holds one keeps messages from being sent."""
    run("id,name\nu1,Ada\nu2,Bea\n")
    run("id,name\nu1,Ada L\n")
    run("id,name\nu2,Bea B\n")
    deleting.delete_contact(contact("u1"), suppress=False, by=factory.BY)
    locked: list[int] = []
    erase = import_undo._erase

    def noting(part_id: int, deleted: Collection[int]) -> None:
        locked.append(part_id)
        erase(part_id, deleted)

    monkeypatch.setattr(import_undo, "_erase", noting)

    import_undo.erase_deleted(lambda: True)
    assert not locked
    assert ImportErasure.objects.exists()
    import_undo.erase_deleted()

    assert len(locked) == 1
    assert not ImportErasure.objects.exists()


def test_one_that_is_interrupted_is_continued(
    run: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_run, "CHUNK", 2)
    row = run("id\n" + "".join(f"u{number}\n" for number in range(6)))
    request_undo(row, by=factory.BY)
    answers = iter([False, True])
    assert not undo_next(lambda: next(answers))
    assert Contact.objects.count() == 4
    assert undo_next(lambda: False)
    row.refresh_from_db()
    assert (row.undo_removed, row.undo_state) == (6, "done")


def test_what_can_not_be_undone(run: Callable[..., Import]) -> None:
    dry, real = run("id\nu1\n", dry_run=True), run("id\nu1\n")
    with pytest.raises(UndoError):
        request_undo(dry, by=factory.BY)
    Import.objects.filter(pk=real.pk).update(started_at=clock.now() - timedelta(days=31))
    real.refresh_from_db()
    with pytest.raises(UndoError):
        request_undo(real, by=factory.BY)
    import_undo.forget_old()
    assert not ImportPart.objects.exists()
    fresh = run("id\nu2\n")
    undo(fresh)
    with pytest.raises(UndoError):
        request_undo(fresh, by=factory.BY)


def test_tags_that_were_there_stay(run: Callable[..., Import]) -> None:
    run("id\nu1\n", tags=["old"])
    row = run("id\nu1\n", tags=["old", "new"])
    assert undo(row) == (0, 1, 0)
    assert [each.name for each in tags.tag_counts() if each.contacts] == ["old"]


def test_who_opted_out_or_got_something_from_elsewhere_since_stays(
    run: Callable[..., Import], channel: Channel
) -> None:
    """Else the corrected file would make somebody who opted out a recipient again."""
    news = define(name="News", category="", text="I agree", by=factory.BY)
    row = run("user_id,name\n1001,Ada\n1002,Bea\n1003,Cleo\n1004,Dora\n")
    first = Address.objects.get(value="1001")
    addresses.mark(first.pk, AddressState.OPTED_OUT, clock.now(), by=factory.BY)
    tags.assign(["vip"], [contact("1002").pk], by=factory.BY)
    run(
        "user_id,News\n1003,yes\n", choices=Choices([f"address:{channel.pk}", f"consent:{news.pk}"])
    )

    assert undo(row) == (1, 0, 3)

    assert list(Address.objects.order_by("value").values_list("value", "state")) == [
        ("1001", "opted_out"),
        ("1002", "active"),
        ("1003", "active"),
    ]
    assert kept(row) == {
        str(contact("1001").pk): "has opted out or in or became unreachable since",
        str(contact("1002").pk): "got a tag since",
        str(contact("1003").pk): "has given or withdrawn a consent",
    }


def test_two_processes_that_undo_the_same_part_count_once(
    run: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each worker undoes what waits, and so does the command; a crash leaves a part half undone."""
    monkeypatch.setattr(import_undo, "SLICE", 2)
    run("id,name\nu1,Ada\nu2,Ben\nu3,Cem\n")
    row = run("id,name\nu1,Ada L\nu2,Ben L\nu3,Cem L\nu4,Dan\nu5,Eve\nu6,Fay\n")
    edit(contact("u4"), Edit(name="Dan by hand"), by=factory.BY)
    edit(contact("u3"), Edit(name="Cem by hand"), by=factory.BY)
    request_undo(row, by=factory.BY)
    row.refresh_from_db()
    part = row.parts.get()
    import_undo._undo_slice(row, part.pk)

    import_undo._undo(row, part)
    import_undo._undo(row, part)  # read before the first one was ready

    assert undo_next(lambda: False)
    row.refresh_from_db()
    assert (row.undo_removed, row.undo_restored, row.undo_kept) == (2, 2, 2)
    path = kept_file(row)
    assert path is not None
    assert len(path.read_text("utf-8").splitlines()) == 3
