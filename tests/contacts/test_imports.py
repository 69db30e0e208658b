"""Importing contacts: what comes in, what is rejected, and what a fault leaves behind."""

import csv
import errno
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import OperationalError, connection

from clarion.accounts import audit
from clarion.accounts.models import AuditEntry
from clarion.channels.models import Channel
from clarion.contacts import (
    attribute_changes,
    identities,
    import_addresses,
    import_run,
    import_store,
)
from clarion.contacts.attributes import known_variables
from clarion.contacts.import_run import ImportRefused
from clarion.contacts.imports import import_contacts, mark_interrupted, rejects_file
from clarion.contacts.models import Address, Contact, Import, Tag, Tagging
from clarion.kit import clock
from contacts.hanging import CHUNK, hanging_import
from support import factory
from support.processes import Processes

pytestmark = pytest.mark.django_db

Write = Callable[[bytes | str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(content: bytes | str, name: str = "people.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def run(path: Path, channel: Channel, **options: Any) -> Import:
    return import_contacts(path, channel=channel, by=audit.COMMAND_LINE, **options)


def person(channel: Channel, value: str) -> Contact:
    return Contact.objects.get(addresses__channel=channel, addresses__value=value)


def rejected(done: Import) -> list[tuple[str, str, str]]:
    path = rejects_file(done)
    assert path is not None
    with path.open(encoding="utf-8", newline="") as file:
        rows = [tuple(row) for row in csv.reader(file)]
    assert rows[0] == ("line", "value", "reason")
    return rows[1:]


def nothing_was_written() -> bool:
    return not (Contact.objects.exists() or Address.objects.exists() or Tag.objects.exists())


class TestTypes:
    def test_declared_attributes_are_converted_or_the_line_is_rejected(
        self, write: Write, channel: Channel
    ) -> None:
        for name, type_ in {"age": "number", "likes": "list", "Größe": "yes_no"}.items():
            attribute_changes.declare(name, type_, by=factory.BY)
        path = write('id,age,likes,Größe,x\nu1,"1,5","a; b",Yes,5\nu2,,,,\nu3,old,c,no,1\n')
        done = run(path, channel)
        assert (done.created, done.rejected) == (2, 1)
        attributes = {"age": 1.5, "likes": ["a", "b"], "Größe": True, "x": "5"}
        assert person(channel, "u1").attributes == attributes
        assert person(channel, "u2").attributes == {}
        why = "age: “old” is not a number; use one like 30 or 1.5"
        assert rejected(done) == [("4", "u3", why)]


class TestGoodFiles:
    def test_every_column_but_the_id_becomes_a_variable(
        self, write: Write, channel: Channel
    ) -> None:
        path = write(
            "id,name,language,time_zone,First name,City,plan-type,2024\n"
            "u1,Ada Lovelace,en,Europe/London,Ada,London,gold,7\n"
            "u2,,,,,,,\n"
        )
        done = run(path, channel)
        assert (done.state, done.lines, done.created, done.updated, done.rejected) == (
            "done", 2, 2, 0, 0,
        )  # fmt: skip
        assert (done.id_column, done.bytes_done, done.rejects_path) == ("id", done.bytes_total, "")
        ada = person(channel, "u1")
        assert (ada.name, ada.language, ada.time_zone) == ("Ada Lovelace", "en", "Europe/London")
        assert ada.attributes == {
            "First_name": "Ada", "City": "London", "plan_type": "gold", "_2024": "7",
        }  # fmt: skip
        assert person(channel, "u2").attributes == {}
        assert known_variables() == {
            "contact.name", "contact.language", "contact.time_zone", "contact.id",
            "contact.First_name", "contact.City", "contact.plan_type", "contact._2024",
        }  # fmt: skip

    def test_what_fills_a_field_is_also_a_variable_under_its_own_title(
        self, write: Write, channel: Channel
    ) -> None:
        run(write("id,Name,timezone\nu1,Ada,Asia/Tokyo\n"), channel)
        ada = person(channel, "u1")
        assert (ada.name, ada.time_zone) == ("Ada", "Asia/Tokyo")
        assert ada.attributes == {"Name": "Ada", "timezone": "Asia/Tokyo"}

    def test_any_text_survives(self, write: Write, channel: Channel) -> None:
        cells = ['say "hi"', "back\\slash", "two\nlines", "tab\there", "\u2028", "😀", "\x7f\x01"]
        quoted = ",".join('"' + cell.replace('"', '""') + '"' for cell in cells)
        titles = ",".join(f"c{number}" for number in range(len(cells)))
        run(write(f"id,{titles}\nu1,{quoted}\n"), channel)
        stored = person(channel, "u1").attributes
        assert list(stored.values()) == [cell.strip() for cell in cells if cell.strip()]

    def test_the_column_is_found_by_its_title(self, write: Write, channel: Channel) -> None:
        assert run(write("name,User ID\nAda,u1\n"), channel).id_column == "User ID"

    def test_the_column_may_be_chosen(self, write: Write, channel: Channel) -> None:
        path = write("id,Customer No\n7,K-1\n")
        assert run(path, channel, id_column="customer no").id_column == "Customer No"
        assert person(channel, "K-1").attributes == {"id": "7"}

    def test_importing_again_updates_and_doubles_nobody(
        self, write: Write, channel: Channel
    ) -> None:
        run(write("id,name,city,plan\nu1,Ada,London,free\n"), channel, tags=["old"])
        done = run(write("id,name,city,since\nu1,,Paris,2024\nu2,Bob,,\n"), channel, tags=["new"])
        assert (done.created, done.updated) == (1, 1)
        ada = person(channel, "u1")
        assert ada.name == "Ada"
        assert ada.attributes == {"city": "Paris", "plan": "free", "since": "2024"}
        tags = Tagging.objects.filter(contact=ada).values_list("tag__name", flat=True)
        assert sorted(tags) == ["new", "old"]
        assert Address.objects.count() == Contact.objects.count() == 2

    def test_who_opted_out_stays_so(self, write: Write, channel: Channel) -> None:
        path = write("id\nu1\n")
        run(path, channel)
        Address.objects.update(state="opted_out")
        run(path, channel)
        assert Address.objects.get().state == "opted_out"

    def test_the_same_id_on_another_channel_is_somebody_else(
        self, write: Write, channel: Channel
    ) -> None:
        path = write("id\nu1\n")
        run(path, channel)
        assert run(path, factory.channel("other")).created == 1

    def test_a_dry_run_counts_and_writes_nothing(self, write: Write, channel: Channel) -> None:
        path = write("id,city\nu1,Rome\n,Rome\nu1,Rome\nu2,Rome\n")
        done = run(path, channel, dry_run=True, tags=["vip"])
        assert (done.lines, done.created, done.updated) == (4, 2, 0)
        assert (done.repeated, done.rejected) == (1, 1)
        assert nothing_was_written()
        assert "contact.city" not in known_variables()
        run(path, channel)
        again = run(path, channel, dry_run=True)
        assert (again.created, again.updated) == (0, 2)
        assert (again.repeated, again.rejected) == (1, 1)

    def test_progress_can_be_watched(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 10)
        seen: list[tuple[int, int, bool]] = []

        def watch(row: Import) -> None:
            stored = Import.objects.get(pk=row.pk)
            seen.append((stored.lines, stored.created, stored.bytes_done <= stored.bytes_total))

        path = write("id\n" + "".join(f"u{number}\n" for number in range(25)))
        run(path, channel, progress=watch)
        assert seen == [(10, 10, True), (20, 20, True), (25, 25, True)]

    def test_it_is_in_the_audit_log(self, write: Write, channel: Channel) -> None:
        done = run(write("id\nu1\n"), channel, filename="uploaded.csv")
        entry = AuditEntry.objects.get(action="contacts.import")
        assert (entry.subject, entry.detail["file"]) == (f"import {done.pk}", "uploaded.csv")


class TestRejectedLines:
    def test_each_has_its_line_value_and_reason(
        self, write: Write, channel: Channel, tmp_path: Path
    ) -> None:
        path = write(
            "id,name,time_zone\n"
            'u1,"two\nlines",\n'
            "u2,Bob\n"
            "u3,Bob,,x\n"
            ",Bob,\n"
            "u1,Again,\n"
            f"{'x' * 321},Bob,\n"
            "u4,Bob,Mars/Base\n"
            f"u5,{'y' * 201},\n"
            "a\u200bb,Bob,\n"
            "u6,Bob,UTC\n"
        )
        done = run(path, channel, rejects=tmp_path / "rejects.csv")
        assert (done.lines, done.created, done.repeated, done.rejected) == (10, 2, 1, 7)
        assert done.rejects_path == str(tmp_path / "rejects.csv")
        assert rejected(done) == [
            ("4", "u2", "too few cells: 2 instead of 3"),
            ("5", "u3", "too many cells: 4 instead of 3"),
            ("6", "", "the id is empty"),
            ("7", "u1", "same id as line 2"),
            ("8", "x" * 200, "the id is longer than 320 characters"),
            ("9", "u4", "there is no time zone “Mars/Base”; use one like Europe/Berlin"),
            ("10", "u5", "the name is longer than 200 characters"),
            ("11", "a\u200bb", "the id has an invisible character"),
        ]

    def test_ids_are_checked_and_stored_as_the_kind_of_channel_says(self, write: Write) -> None:
        email = Channel.objects.create(name="e", kind="email", config={})
        done = run(write("email\nAda.L+x@Example.ORG\nno-at\na@b\n"), email)
        assert (done.created, done.rejected) == (1, 2)
        ada = Address.objects.get(channel=email)
        assert (ada.value, ada.user_id) == ("ada.l+x@example.org", "Ada.L+x@example.org")
        assert all("no e-mail address" in reason for _, _, reason in rejected(done))

    def test_repeats_are_found_however_far_apart(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 10)
        ids = [f"u{number}" for number in range(50)]
        done = run(write("id\n" + "\n".join([*ids, "u0", " u49 ", "u0"])), channel)
        assert (done.lines, done.created, done.repeated, done.rejected) == (53, 50, 3, 0)
        assert rejected(done) == [
            ("52", "u0", "same id as line 2"),
            ("53", "u49", "same id as line 51"),
            ("54", "u0", "same id as line 2"),
        ]

    @pytest.mark.parametrize("chunk", [1, 10_000])
    @pytest.mark.parametrize("dry_run", [True, False])
    @pytest.mark.parametrize(
        ("kind", "ids"),
        [
            ("whatsapp", ["+49 151 1234-5678", "0049 151 12345678", "4915112345678"]),
            ("email", ["muster@example.org", " Muster@Example.org", "MUSTER@EXAMPLE.ORG"]),
            ("telegram", ["42", " 42", "42 "]),
        ],
    )
    def test_repeats_are_compared_in_the_form_that_is_stored(
        self, write: Write, monkeypatch: pytest.MonkeyPatch, kind: str, ids: list[str],
        dry_run: bool, chunk: int,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(import_run, "CHUNK", chunk)
        config = {"phone_number_id": "1", "token": "t"} if kind == "whatsapp" else {}
        channel = Channel.objects.create(name="c", kind=kind, config=config)
        lines = "".join(f"{value},{number}\n" for number, value in enumerate(ids))
        done = run(write(f"id,name\n{lines}x@,bad\n"), channel, dry_run=dry_run)
        assert (done.lines, done.created, done.updated) == (4, 1, 0)
        assert (done.repeated, done.rejected) == (2, 1)
        assert [(line, reason) for line, _, reason in rejected(done)][:2] == [
            ("3", "same id as line 2"),
            ("4", "same id as line 2"),
        ]
        names = list(Contact.objects.values_list("name", flat=True))
        assert names == ([] if dry_run else ["0"])  # the first line counts

    def test_several_ids_of_one_contact_are_all_counted(
        self, write: Write, channel: Channel
    ) -> None:
        factory.people(channel, 1)
        identities.join(channel, ["u0", "other"])
        done = run(write("id,city,age\nu0,Ulm,\nother,Bonn,30\nnew,,\n"), channel, tags=["vip"])
        assert (done.lines, done.created, done.updated) == (3, 1, 2)
        assert person(channel, "u0").attributes == {"city": "Bonn", "age": "30"}
        assert Tagging.objects.count() == 2

    def test_a_line_that_is_rejected_for_itself_does_not_count_as_the_first(
        self, write: Write, channel: Channel
    ) -> None:
        done = run(write("id,name\nu1\nu1,Ada\n"), channel)
        assert (done.created, done.rejected) == (1, 1)

    def test_what_is_unambiguous_is_taken_and_what_is_not_is_named(
        self, write: Write, channel: Channel
    ) -> None:
        path = write(
            "id,name,language\n"
            "u1,Ada\tLovelace,pt_BR\n"
            '"u2","Zoë\n de Wit",zh-Hant-TW\n'
            "u3,a\x07b,\n"
            "u4,Kor,klingon-xx\n"
            "u5,علی\u200cرضا,fa\n"
        )
        done = run(path, channel)
        assert (done.created, done.rejected) == (3, 2)
        assert person(channel, "u1").name == "Ada Lovelace"
        assert person(channel, "u1").language == "pt-BR"
        assert person(channel, "u2").name == "Zoë de Wit"
        assert person(channel, "u5").name == "علی\u200cرضا"
        assert rejected(done) == [
            ("5", "u3", "the name has a control character"),
            ("6", "u4", "“klingon-xx” is not the code of a language; use one like de or pt-BR"),
        ]

    def test_attributes_are_bounded(self, write: Write, channel: Channel) -> None:
        cell = "z" * 40_000
        done = run(write(f"id,a,b\nu1,{cell},\nu2,{cell},{cell}\n"), channel)
        assert (done.created, done.rejected) == (1, 1)


class TestRefusedFiles:
    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (b"", "The file is empty. Choose a file with a header row and rows below it."),
            (b"id\n", "The file has a header row and nothing below it."),
            (b"name,city\nA,B\n", "Choose the column of user ids. The columns are: name, city."),
            (b"123456\n789\n", ("The first line, “123456”, looks like a user id. "
             "Add a header row above it.")),
            (b"id,First name,First-name\n1,a,b\n", ("The columns “First name” and “First-name” "
             "mean the same. Rename one of them.")),
            (b"id,timezone,time_zone\n1,a,b\n", ("The columns “timezone” and “time_zone” "
             "mean the same. Rename one of them.")),
            (b"id,%%\n1,a\n", ("“%%” can't be the title of a column. "
             "Use letters and digits, at most 100.")),
            (b"id\nu1\n" + b"u2\n" * 30 + b"\x81\n", ("Line 33, byte 97 of the file: this is "
             "neither UTF-8 nor Windows-1252. Save the file as “CSV UTF-8”.")),
            (b'id,x\nu1,a\nu2,"b\n', 'Line 3 opens a quote (") that is never closed. Close it.'),
            (b"id,x\nu1,a\nu2,\0\n", "Line 3 has a NUL character. Save the file as CSV again."),
            (b"id,x\nu1,a\nu2," + b"b" * 10_000_000, ("Line 3 is longer than 1,048,576 characters. "
             'Shorten it, or close its quote (").')),
        ],
    )  # fmt: skip
    def test_one_sentence_and_nothing_written(
        self, write: Write, channel: Channel, content: bytes, sentence: str,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:  # fmt: skip
        monkeypatch.setattr(import_run, "CHUNK", 1)
        with pytest.raises(ImportRefused) as refused:
            run(write(content), channel, tags=["vip"])
        assert str(refused.value) == sentence
        assert nothing_was_written()
        assert not Import.objects.exclude(state="failed", error=sentence).exists()

    def test_the_columns_to_choose_from_are_told(self, write: Write, channel: Channel) -> None:
        with pytest.raises(ImportRefused) as refused:
            run(write("name,city\nA,B\n"), channel)
        assert refused.value.columns == ["name", "city"]
        with pytest.raises(
            ImportRefused, match=r"There is no column “ids”\. The columns are: name, city"
        ):
            run(write("name,city\nA,B\n"), channel, id_column="ids")

    def test_a_file_that_is_not_there(self, channel: Channel, tmp_path: Path) -> None:
        with pytest.raises(ImportRefused, match="No such file"):
            run(tmp_path / "missing.csv", channel)
        with pytest.raises(ImportRefused, match="directory"):
            run(tmp_path, channel)

    def test_a_tag_that_cannot_be(self, write: Write, channel: Channel) -> None:
        for name in ("", " ", "a,b", "x" * 101, "a\0"):
            with pytest.raises(ImportRefused, match="can't be a tag"):
                run(write("id\n1\n"), channel, tags=[name])
        assert nothing_was_written()


class TestFailures:
    def test_a_full_disk_keeps_whole_chunks(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 10)
        stored: list[int] = []

        def store(*args: Any) -> import_store.Stored:
            if len(stored) == 2:
                raise OperationalError("database or disk is full")
            stored.append(1)
            return import_store.store(*args)

        path = write("id\n" + "".join(f"u{number}\n" for number in range(50)))
        monkeypatch.setattr(import_run, "store", store)
        with pytest.raises(ImportRefused) as refused:
            run(path, channel)
        assert str(refused.value) == (
            "The disk is full. The first 20 lines are imported. Free some space, then import the "
            "file again."
        )
        row = Import.objects.get()
        assert (row.state, row.error, row.created) == ("failed", str(refused.value), 20)
        assert Address.objects.count() == 20
        monkeypatch.setattr(import_run, "store", import_store.store)
        done = run(path, channel)
        assert (done.created, done.unchanged) == (30, 20)

    def test_a_full_disk_under_the_rejects(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Full:
            def write(self, text: str) -> None:
                raise OSError(errno.ENOSPC, "No space left on device")

        real = csv.writer
        monkeypatch.setattr("clarion.contacts.rejects.csv.writer", lambda file: real(Full()))
        with pytest.raises(ImportRefused, match=r"The disk is full\. Nothing is imported\."):
            run(write("id,x\nu1\n"), channel)
        assert Import.objects.get().state == "failed"

    def test_rejects_that_cannot_be_written(
        self, write: Write, channel: Channel, tmp_path: Path
    ) -> None:
        with pytest.raises(ImportRefused, match="can't be used: No such file"):
            run(write("id,x\nu1\n"), channel, rejects=tmp_path / "none" / "rejects.csv")

    def test_a_busy_database(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def locked(*_: Any) -> None:
            raise OperationalError("database is locked")

        monkeypatch.setattr(import_run, "store", locked)
        with pytest.raises(
            ImportRefused, match=r"busy\. Nothing is imported\. Import the file again"
        ):
            run(write("id\nu1\n"), channel)

    def test_one_that_nobody_has_heard_of_is_interrupted(
        self, write: Write, channel: Channel
    ) -> None:
        long_ago = clock.now() - timedelta(minutes=2)
        dead = Import.objects.create(channel=channel, filename="a.csv", beat_at=long_ago)
        alive = Import.objects.create(channel=channel, filename="b.csv")
        assert mark_interrupted() == 1
        dead.refresh_from_db()
        alive.refresh_from_db()
        assert (dead.state, alive.state) == ("failed", "running")
        assert "no one is imported twice" in dead.error

    def test_one_taken_for_interrupted_stops(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 1)

        def give_up(row: Import) -> None:
            Import.objects.filter(pk=row.pk).update(state="failed", error="interrupted")

        with pytest.raises(ImportRefused, match="was interrupted"):
            run(write("id\nu1\nu2\nu3\n"), channel, progress=give_up)
        assert Address.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestMemory:
    def test_it_does_not_grow_with_the_file(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 500)

        def peak(lines: int, name: str) -> int:
            rows = "".join(f"{name}{number},{'x' * 40}\n" for number in range(lines))
            path = write(f"id,note\n{rows}" + f"{name}1,again\n" * (lines // 10))
            del rows
            tracemalloc.start()
            run(path, channel, dry_run=True)
            highest = tracemalloc.get_traced_memory()[1]
            tracemalloc.stop()
            return highest

        small, large = peak(5_000, "s"), peak(15_000, "l")
        assert large < small * 1.05


@pytest.mark.django_db(transaction=True)
class TestAtTheSameTime:
    def test_who_comes_between_the_look_up_and_the_writing_is_updated(
        self, write: Write, channel: Channel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ada = factory.people(channel, 1, prefix="ada")[0].contact
        look_up = import_addresses.matches
        answers = iter([lambda *_: {}, look_up])
        monkeypatch.setattr(import_addresses, "matches", lambda *asked: next(answers)(*asked))
        path = write("id,name\nzoe,Zoe\nada0,Ada\nbob,Bob\n")
        done = run(path, channel, tags=["vip"])
        assert (done.created, done.updated) == (2, 1)
        assert person(channel, "ada0") == ada
        assert sorted(Contact.objects.values_list("name", flat=True)) == ["Ada", "Bob", "Zoe"]
        tagged = Tagging.objects.filter(tag__name="vip").values_list("contact__name", flat=True)
        assert sorted(tagged) == ["Ada", "Bob", "Zoe"]

    def test_two_imports_of_one_file_make_nobody_twice(
        self, write: Write, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(import_run, "CHUNK", 100)
        channel = factory.channel()
        ids = [f"u{(number * 7919) % 3000:04d}" for number in range(3000)]
        rows = "".join(f"{value},{value}\n" for value in ids)
        ways = [write(f"id,a\n{rows}", "a.csv"), write(f"id,b\n{rows}", "b.csv")]
        ways.append(
            write("id,c\n" + "".join(f"{value},{value}\n" for value in reversed(ids)), "c.csv")
        )
        results: list[Import | Exception] = []

        def work(path: Path) -> None:
            try:
                results.append(run(path, channel, tags=["vip"]))
            except Exception as error:  # noqa: BLE001 - shown by the assertion
                results.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=work, args=(path,)) for path in ways]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [type(result) for result in results] == [Import] * 3, results
        assert sum(result.created for result in results) == 3000  # type: ignore[union-attr]
        assert Address.objects.count() == Contact.objects.count() == 3000
        assert Tagging.objects.count() == 3000
        attributes = set(map(str, Contact.objects.values_list("attributes", flat=True)[:5]))
        assert all(f"'{column}'" in text for text in attributes for column in "abc")

    @pytest.mark.crash
    def test_killed_in_the_middle_and_run_again(
        self, write: Write, processes: Processes, process_env: dict[str, str]
    ) -> None:
        channel = factory.channel("crash")
        count = CHUNK * 4
        path = write("id,n\n" + "".join(f"u{number},{number}\n" for number in range(count)))
        command = ("contacts", "import", str(path), "--channel", "crash")
        process = processes.python(hanging_import(), *command)
        process.wait_for_line("the third chunk is written", timeout=120)
        process.kill()
        row = Import.objects.get()
        assert row.state == "running"
        assert Address.objects.count() == row.created == row.lines == CHUNK * 2
        done = run(path, channel)
        assert (done.created, done.unchanged) == (CHUNK * 2, CHUNK * 2)
        assert Address.objects.count() == Contact.objects.count() == count


class TestWriting:
    """An import says who has written to the channel (A8)."""

    FILE = (
        "id,Has written,wrote_at\n1,yes,\n2,No,\n3,,2026-11-01\n"
        "4,,2026-11-01T12:00:00+02:00\n5,,\n6,perhaps,\n7,,soon\n"
    )

    def test_a_column_may_say_so(self, write: Write, channel: Channel) -> None:
        done = run(write(self.FILE), channel)
        assert (done.created, done.rejected) == (5, 2)
        told = Address.objects.values_list("value", "has_written", "wrote_at")
        first = datetime(2026, 11, 1, tzinfo=UTC)
        assert {value: rest for value, *rest in told} == {
            "1": [True, None], "2": [False, None], "3": [True, first],
            "4": [True, first + timedelta(hours=10)], "5": [False, None],
        }  # fmt: skip
        rejects = rejects_file(done)
        assert rejects is not None
        assert "has_written is “perhaps”; use yes or no" in rejects.read_text(encoding="utf-8")
        assert "use a date such as" in rejects.read_text(encoding="utf-8")
        assert not Contact.objects.exclude(attributes={}).exists()

    def test_somebody_known_who_has_written_still_has(self, write: Write, channel: Channel) -> None:
        run(write(self.FILE), channel)
        run(
            write("id,has_written,wrote_at\n1,no,\n2,yes,\n3,,2026-10-01\n4,,2026-11-30\n"), channel
        )
        told = Address.objects.order_by("value").values_list("has_written", "wrote_at")
        assert list(told) == [
            (True, None), (True, None), (True, datetime(2026, 11, 1, tzinfo=UTC)),
            (True, datetime(2026, 11, 30, tzinfo=UTC)), (False, None),
        ]  # fmt: skip

    def test_or_the_one_who_imports(self, write: Write, channel: Channel) -> None:
        run(write("id\n1\n2\n"), channel)
        run(write("id,has_written\n2,no\n3,no\n"), channel, have_written=True)
        assert sorted(Address.objects.filter(has_written=True).values_list("value", flat=True)) == [
            "2", "3",
        ]  # fmt: skip
        assert Import.objects.latest("pk").have_written
