"""Imports that a page asks for and a worker does: claimed, continued, given back, given up."""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from pytest_django.fixtures import Settings

from clarion.accounts.models import Agent, AuditEntry
from clarion.channels.models import Channel
from clarion.contacts import import_run, import_store, imports, tag_changes, tags, uploads
from clarion.contacts.import_run import ImportRefused
from clarion.contacts.models import Address, Contact, Import, Tag, Tagging
from clarion.kit import clock
from support import factory

pytestmark = pytest.mark.django_db
WORKER, OTHER = 1, 2


@pytest.fixture
def agent() -> Agent:
    return Agent.objects.create(name="Ada", email="ada@example.org", role="manager")


@pytest.fixture
def ask(channel: Channel, agent: Agent) -> Callable[..., Import]:
    def ask(content: str | bytes, **options: Any) -> Import:
        token = uploads.keep([content if isinstance(content, bytes) else content.encode()])
        return imports.request_import(
            token, filename="people.csv", channel=channel, by=agent, **options
        )

    return ask


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_run, "CHUNK", 10)
    monkeypatch.setattr(import_run, "LOOKED_AT", 10)


def people(count: int) -> str:
    return "id,name\n" + "".join(f"u{number},Person {number}\n" for number in range(count))


def go() -> bool:
    return False


def stop() -> bool:
    return True


def fresh(row: Import) -> Import:
    return Import.objects.get(pk=row.pk)


def break_after(chunks: int, fault: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the storing of chunks fail after so many, once."""
    left = [import_store.store] * chunks

    def store(*args: Any) -> import_store.Stored:
        if left:
            return left.pop()(*args)
        monkeypatch.setattr(import_run, "store", import_store.store)
        raise fault

    monkeypatch.setattr(import_run, "store", store)


class TestAsking:
    def test_it_waits_and_has_changed_nothing(self, ask: Callable[..., Import]) -> None:
        row = ask(people(3), tags=["vip"])
        assert (row.state, row.id_column, row.tags, row.lines) == ("waiting", "id", ["vip"], 0)
        assert not Contact.objects.exists()

    def test_what_the_header_row_says_is_refused_at_once(self, ask: Callable[..., Import]) -> None:
        with pytest.raises(ImportRefused, match="Choose the column") as refused:
            ask("first,second\n1,2\n")
        assert refused.value.columns == ["first", "second"]
        with pytest.raises(ImportRefused, match="can't be a tag"):
            ask(people(1), tags=["x" * 101])
        assert not Import.objects.exists()

    @pytest.mark.parametrize("token", ["", "x" * 20, "../../secret.key"])
    def test_an_upload_that_is_gone(self, channel: Channel, agent: Agent, token: str) -> None:
        with pytest.raises(ImportRefused, match="no longer available"):
            imports.request_import(token, filename="a.csv", channel=channel, by=agent)

    def test_an_upload_is_imported_once(
        self, ask: Callable[..., Import], channel: Channel, agent: Agent
    ) -> None:
        checked = ask(people(2), dry_run=True)

        def real() -> Import:
            return imports.request_import(checked.upload, filename="a", channel=channel, by=agent)

        first = real()
        assert first.pk != checked.pk
        assert real() == first
        while imports.run_next(WORKER, go):
            pass
        assert real() == first
        assert Import.objects.count() == 2

    def test_an_upload_that_waits_is_not_removed_for_its_age(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(uploads, "DAY", -1)
        row = ask(people(2))
        done = ask(people(2))
        Import.objects.filter(pk=done.pk).update(state="failed")
        uploads.keep([b"id\n"])
        assert uploads.exists(row.upload)
        assert not uploads.exists(done.upload)


class TestDoing:
    def test_the_oldest_first_and_none_is_left(self, ask: Callable[..., Import]) -> None:
        first, second = ask(people(2)), ask("id,name\nu1,\n,Bob\nu7,\n")
        assert imports.run_next(WORKER, go)
        assert (fresh(first).state, fresh(second).state) == ("done", "waiting")
        assert imports.run_next(WORKER, go)
        assert not imports.run_next(WORKER, go)
        done = fresh(second)
        assert (done.state, done.created, done.unchanged, done.rejected) == ("done", 1, 1, 1)
        assert done.worker_id is None
        assert not uploads.exists(first.upload)
        entry = AuditEntry.objects.filter(action="contacts.import").latest("pk")
        assert (entry.actor, entry.detail["created"]) == ("Ada", 1)

    def test_a_dry_run_keeps_the_upload(self, ask: Callable[..., Import]) -> None:
        row = ask(people(2), dry_run=True)
        imports.run_next(WORKER, go)
        assert (fresh(row).state, fresh(row).created) == ("done", 2)
        assert uploads.exists(row.upload)
        assert not Contact.objects.exists()

    def test_a_file_that_breaks_off_fails_and_its_upload_is_removed(
        self, ask: Callable[..., Import]
    ) -> None:
        row = ask('id,name\nu1,Ada\nu2,"Ben\n')
        assert imports.run_next(WORKER, go)
        assert fresh(row).state == "failed"
        assert "never closed" in fresh(row).error
        assert not Contact.objects.exists()
        assert not uploads.exists(row.upload)

    def test_a_fault_of_ours_fails_it_and_not_the_next(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row, after = ask(people(2)), ask(people(3))
        break_after(0, ZeroDivisionError(), monkeypatch)
        assert imports.run_next(WORKER, go)
        assert fresh(row).state == "failed"
        assert "Clarion had a fault with this import. Nothing is imported." in fresh(row).error
        assert imports.run_next(WORKER, go)
        assert fresh(after).state == "done"

    def test_an_upload_that_this_worker_cannot_see_is_left_to_another(
        self, ask: Callable[..., Import]
    ) -> None:
        hidden, seen = ask(people(2)), ask(people(3))
        uploads.path(hidden.upload).unlink()
        assert imports.run_next(WORKER, go)
        assert (fresh(hidden).state, fresh(seen).state) == ("waiting", "done")
        long_ago = clock.now() - timedelta(seconds=imports.PATIENCE + 1)
        Import.objects.filter(pk=hidden.pk).update(beat_at=long_ago)
        assert not imports.run_next(WORKER, go)
        assert fresh(hidden).state == "failed"
        assert "must share one data folder (CLARION_DATA)" in fresh(hidden).error


@pytest.mark.usefixtures("small_chunks")
class TestContinuing:
    def test_a_worker_that_is_told_to_stop_gives_it_back(self, ask: Callable[..., Import]) -> None:
        row = ask(people(35))
        answers = iter([False] * 3 + [False, True])  # three looks while checking, two chunks
        assert not imports.run_next(WORKER, lambda: next(answers))
        held = fresh(row)
        assert (held.state, held.worker_id, held.lines, held.created) == ("waiting", None, 20, 20)
        assert held.interruptions == 0
        assert imports.run_next(OTHER, go)
        done = fresh(row)
        assert (done.state, done.lines, done.created, done.updated) == ("done", 35, 35, 0)
        assert Address.objects.count() == Contact.objects.count() == 35

    def test_nothing_is_begun_by_a_worker_that_stops(self, ask: Callable[..., Import]) -> None:
        row = ask(people(35))
        assert not imports.run_next(WORKER, stop)
        assert (fresh(row).state, fresh(row).lines) == ("waiting", 0)

    def test_the_same_worker_continues_after_the_database_was_away(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = ask(people(35))
        break_after(2, OperationalError("server closed the connection"), monkeypatch)
        with pytest.raises(OperationalError):
            imports.run_next(WORKER, go)
        assert (fresh(row).state, fresh(row).worker_id) == ("running", WORKER)
        assert not imports.run_next(OTHER, go)  # nobody else's
        assert imports.run_next(WORKER, go)
        assert (fresh(row).state, fresh(row).created, fresh(row).updated) == ("done", 35, 0)

    def test_rejected_lines_are_all_listed_once_after_a_break(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        lines = [f"u{number},x" for number in range(25)]
        lines[3], lines[12], lines[22] = ",x", "u0,x", "u1,x"
        row = ask("id,name\n" + "\n".join(lines))
        break_after(1, OperationalError("away"), monkeypatch)
        with pytest.raises(OperationalError):
            imports.run_next(WORKER, go)
        imports.run_next(WORKER, go)
        done = fresh(row)
        assert (done.created, done.updated, done.repeated, done.rejected) == (22, 0, 2, 1)
        path = imports.rejects_file(done)
        assert path is not None
        rows = list(csv.reader(io.StringIO(path.read_text())))
        assert [reject[0] for reject in rows[1:]] == ["5", "14", "24"]

    def test_a_full_disk_is_no_reason_to_go_on(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = ask(people(35))
        break_after(2, OperationalError("database or disk is full"), monkeypatch)
        assert imports.run_next(WORKER, go)
        assert fresh(row).state == "failed"
        assert fresh(row).error.startswith("The disk is full. The first 20 lines are imported.")

    def test_a_worker_that_lost_it_writes_nothing_more(
        self, ask: Callable[..., Import], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        row = ask(people(35))

        def taken(names: Sequence[str]) -> dict[str, int]:
            Import.objects.filter(pk=row.pk).update(worker_id=OTHER)
            return {}

        monkeypatch.setattr(import_run, "ensure_tags", taken)
        assert imports.run_next(WORKER, go)
        held = fresh(row)
        assert (held.state, held.worker_id, held.lines) == ("running", OTHER, 0)
        assert not Contact.objects.exists()
        assert uploads.exists(row.upload)

    def test_a_worker_that_ended_leaves_it_to_the_next_but_not_for_ever(
        self, ask: Callable[..., Import]
    ) -> None:
        row = ask(people(5))
        working = Address.objects.filter(pk=OTHER).values("pk")  # any ids; WORKER's is not there
        for count in range(1, imports.MOST_INTERRUPTIONS):
            Import.objects.filter(pk=row.pk).update(state="running", worker_id=WORKER)
            assert imports.release_abandoned(working) == 1
            assert (fresh(row).state, fresh(row).interruptions) == ("waiting", count)
        Import.objects.filter(pk=row.pk).update(state="running", worker_id=WORKER)
        assert imports.release_abandoned(working) == 0
        assert fresh(row).state == "failed"
        assert "its worker ended three times" in fresh(row).error

    def test_an_import_of_a_worker_at_work_is_left_to_it(
        self, ask: Callable[..., Import], channel: Channel
    ) -> None:
        row = ask(people(5))
        by_hand = Import.objects.create(channel=channel, filename="a.csv")
        (address,) = factory.people(channel, 1)
        Import.objects.filter(pk=row.pk).update(state="running", worker_id=address.pk)
        assert imports.release_abandoned(Address.objects.values("pk")) == 0
        assert {fresh(row).state, fresh(by_hand).state} == {"running"}

    def test_silence_of_a_worker_is_no_interruption(self, ask: Callable[..., Import]) -> None:
        row = ask(people(5))
        long_ago = clock.now() - timedelta(hours=1)
        Import.objects.filter(pk=row.pk).update(state="running", worker_id=WORKER, beat_at=long_ago)
        assert imports.mark_interrupted() == 0


def test_the_file_of_rejected_lines_is_found_wherever_the_data_folder_is(
    ask: Callable[..., Import], settings: Settings, tmp_path: Any
) -> None:
    row = ask("id,name\nu1,\n,Bob\n")
    imports.run_next(WORKER, go)
    assert "/" not in fresh(row).rejects_path
    assert imports.rejects_file(fresh(row)) is not None


def test_tags_that_are_renamed_or_merged_while_it_runs_are_given_to_all(
    ask: Callable[..., Import], small_chunks: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    tags.ensure_tags(["old", "new", "first"])
    row = ask(people(25), tags=["old", "first"])
    took = import_run.ImportRun._stop_if_asked

    def changed(run: import_run.ImportRun) -> None:  # between two chunks
        if Tag.objects.filter(name="old").exists() and Tagging.objects.exists():
            tag_changes.rename(Tag.objects.get(name="first"), "renamed", by=factory.BY)
            old, new = Tag.objects.get(name="old"), Tag.objects.get(name="new")
            tag_changes.merge(old, new, by=factory.BY)
        took(run)

    monkeypatch.setattr(import_run.ImportRun, "_stop_if_asked", changed)
    assert imports.run_next(WORKER, go)

    assert fresh(row).state == "done"
    counts = {each.name: each.contacts for each in tags.tag_counts()}
    assert counts == {"new": 25, "renamed": 25}
    assert Tagging.objects.count() == 50
