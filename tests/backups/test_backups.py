"""A backup and what is restored from it: everything, nothing, never half, and nothing is sent."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from clarion.accounts import audit
from clarion.accounts.models import AuditEntry
from clarion.backups import backup, engines, folder, postgres, restore, sqlite
from clarion.backups.archive import KEY, BackupError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reconcile import reconcile
from clarion.channels.models import Channel
from clarion.contacts.models import Address
from clarion.engine import heartbeat, reap
from clarion.engine.claim import claim
from clarion.engine.models import Worker
from clarion.engine.resumption import ask_before_resuming
from clarion.kit import db
from clarion.kit.vault import open_sealed, seal
from support import factory

pytestmark = pytest.mark.usefixtures("data")

FIRST, SECOND = "first-key-" + "0123456789" * 4, "second-key-" + "9876543210" * 4


class Crash(BaseException):
    """The process ends here."""


def quiet(_done: int, _total: int, _of: str) -> None:
    pass


@pytest.fixture
def data(scratch_database: None, settings: Any, tmp_path: Path) -> Path:
    """The data folder of an installation that keeps its key itself."""
    path = tmp_path / "installation"
    path.mkdir()
    settings.CLARION = settings.CLARION.model_copy(update={"data": path, "secret_key": ""})
    use_key(settings, path, FIRST)
    return path


def use_key(settings: Any, data: Path, key: str) -> None:
    (data / KEY).write_text(key)
    settings.SECRET_KEY = key


@pytest.fixture
def saved(data: Path, tmp_path: Path) -> Path:
    """A backup of an installation that was sending to three people, the first one being sent to."""
    (data / "media").mkdir()
    (data / "media/picture").write_bytes(b"picture")
    channel = factory.channel("First")
    factory.people(channel, 3)
    factory.sending([channel], title="Backed up")
    Broadcast.objects.update(secret=seal("credentials"))
    heartbeat.beat()
    claim(channel.pk, reap.register(), 1)
    target = tmp_path / "backup.tar.gz"
    backup.create(target, by=audit.COMMAND_LINE, report=quiet)
    return target


@pytest.fixture
def changed(saved: Path, data: Path, settings: Any) -> Iterator[None]:
    """The same installation later: other people, other uploads, and another key."""
    db.execute("UPDATE engine_worker SET lease_until = 0")
    Broadcast.objects.update(title="Later")
    factory.people(Channel.objects.get(), 2, prefix="later")
    (data / "media/picture").unlink()
    (data / "media/other").write_bytes(b"other")
    use_key(settings, data, SECOND)
    Broadcast.objects.update(secret=seal("later"))
    yield
    connection.close()


def run_restore(source: Path) -> restore.Restored:
    return restore.restore(source, by=audit.COMMAND_LINE, report=quiet)


@pytest.mark.usefixtures("changed")
def test_everything_is_as_it_was_and_what_was_being_sent_is_paused(saved: Path, data: Path) -> None:
    restored = run_restore(saved)

    assert restored.paused == 1
    broadcast = Broadcast.objects.get()
    assert (broadcast.title, broadcast.state) == ("Backed up", "paused")
    assert broadcast.state_reason.startswith("The database was restored from a backup of ")
    # Who was being sent to at that moment may have received it.
    assert factory.states(broadcast) == {"queued": 2, "in_doubt": 1}
    assert reconcile(broadcast.pk).ok
    assert Address.objects.count() == 3
    assert not Worker.objects.exists()
    assert [path.name for path in (data / "media").iterdir()] == ["picture"]
    assert (data / KEY).read_text() == FIRST
    assert (data / KEY).stat().st_mode & 0o777 == 0o600
    assert open_sealed(broadcast.secret) == "credentials"
    assert sorted(path.name for path in data.iterdir()) == ["media", KEY]  # nothing is left over
    assert AuditEntry.objects.get(action="backup.restore").detail["paused"] == 1
    assert ask_before_resuming() == 0  # a worker asks no second time


@pytest.mark.usefixtures("changed")
def test_a_worker_asks_if_the_restore_ended_before_it_could(
    saved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash() -> None:
        raise Crash

    with monkeypatch.context() as patch:
        patch.setattr(restore, "_ask", crash)
        with pytest.raises(Crash):
            run_restore(saved)

    assert Broadcast.objects.get().state == "sending"
    assert ask_before_resuming() == 1
    assert Broadcast.objects.get().state == "paused"


@pytest.mark.usefixtures("changed")
@pytest.mark.parametrize("step", ["unpack", "add", "clear", "cleared", "put_key", "replace"])
def test_one_that_breaks_off_leaves_the_old_installation_or_nothing(
    saved: Path, data: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    engine = engines.engine()
    clear = engine.clear

    def crash(*_: object) -> None:
        if step == "cleared":
            clear()
        raise Crash

    module: Any = {"unpack": restore, "add": folder, "put_key": folder}.get(step, engine)
    with monkeypatch.context() as patch:
        patch.setattr(module, step.replace("cleared", "clear"), crash)
        with pytest.raises(Crash):
            run_restore(saved)

    assert not list(data.glob("restoring-*"))
    if connection.introspection.table_names():
        assert Broadcast.objects.get().title == "Later"
        assert (data / KEY).read_text() == SECOND
        assert (data / "media/other").exists()
    else:
        assert step in ("cleared", "put_key", "replace")
    run_restore(saved)
    assert Broadcast.objects.get().title == "Backed up"


@pytest.mark.usefixtures("changed")
def test_with_the_same_key_the_old_database_stays_until_the_new_one_is_whole(
    saved: Path, data: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_key(settings, data, FIRST)

    def cut(*_: object) -> None:
        raise Crash

    with monkeypatch.context() as patch:
        if db.is_postgres():
            patch.setattr(postgres, "_pass_on", cut)
        else:
            patch.setattr(sqlite, "_sync", cut)
        with pytest.raises(Crash):
            run_restore(saved)

    assert Broadcast.objects.get().title == "Later"


@pytest.mark.usefixtures("changed")
def test_a_key_in_the_settings_has_to_be_the_one_of_the_backup(saved: Path, settings: Any) -> None:
    settings.CLARION = settings.CLARION.model_copy(update={"secret_key": SECOND})
    with pytest.raises(BackupError, match="another secret key than CLARION_SECRET_KEY"):
        run_restore(saved)
    assert Broadcast.objects.get().title == "Later"


def test_a_backup_without_the_key_leaves_the_one_that_is_there(
    data: Path, settings: Any, tmp_path: Path
) -> None:
    target = tmp_path / "backup.tar.gz"
    made = backup.create(target, by=audit.COMMAND_LINE, report=quiet, has_key=False)
    assert not made.has_key
    use_key(settings, data, SECOND)
    run_restore(target)
    assert (data / KEY).read_text() == SECOND


def test_a_backup_of_a_newer_version_is_refused(saved: Path, monkeypatch: Any) -> None:
    manifest = restore.read_manifest(saved)
    manifest.migrations.append("records.0999_later")
    monkeypatch.setattr(restore, "read_manifest", lambda _: manifest)
    with pytest.raises(BackupError, match="was made by a newer version of Clarion"):
        restore.check(saved)


def test_a_backup_of_another_kind_of_database_is_refused(saved: Path, monkeypatch: Any) -> None:
    manifest = restore.read_manifest(saved)
    other = "sqlite" if db.is_postgres() else "postgresql"
    changed = manifest.model_copy(update={"engine": other})
    monkeypatch.setattr(restore, "read_manifest", lambda _: changed)
    with pytest.raises(BackupError, match="Set CLARION_DATABASE_URL to one of the same kind"):
        restore.check(saved)


def test_when_the_last_one_was_made(data: Path, tmp_path: Path) -> None:
    assert backup.last() is None
    backup.create(tmp_path / "one", by=audit.COMMAND_LINE, report=quiet)
    assert backup.last() == AuditEntry.objects.get(action="backup.create").at


def test_what_a_killed_backup_has_left_is_deleted_by_the_next_one(
    data: Path, tmp_path: Path
) -> None:
    killed, running, young = (tmp_path / f"{backup.WORK}{name}" for name in ("a", "b", "c"))
    for left in (killed, running, young):
        left.mkdir()
        (left / "database").write_bytes(b"everything about contacts")
    for old in (killed, running):
        os.utime(old, (0, 0))
    with backup._locked(running):
        backup.create(tmp_path / "one", by=audit.COMMAND_LINE, report=quiet)
    assert sorted(tmp_path.glob(f"{backup.WORK}*")) == [running, young]
    assert (tmp_path / "one").exists()


def test_a_backup_into_a_folder_that_is_missing(data: Path, tmp_path: Path) -> None:
    with pytest.raises(BackupError, match="There is no folder"):
        backup.create(tmp_path / "missing/backup", by=audit.COMMAND_LINE, report=quiet)


@pytest.mark.only_on("postgresql")
class TestPostgreSQL:
    def test_a_worker_that_runs_refuses_a_restore(self, saved: Path) -> None:
        with pytest.raises(BackupError, match="A worker is running"):
            run_restore(saved)

    @pytest.mark.parametrize("program", ["pg_dump", "pg_restore", "psql"])
    def test_programs_that_are_missing_are_named(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
    ) -> None:
        where = postgres.shutil.which
        target = tmp_path / "backup.tar.gz"
        if program != "pg_dump":
            backup.create(target, by=audit.COMMAND_LINE, report=quiet)
        monkeypatch.setattr(
            postgres.shutil, "which", lambda name: None if name == program else where(name)
        )
        refusal = pytest.raises(BackupError, match=rf"The program {program} is not installed\. In")
        if program == "pg_dump":
            with refusal:
                backup.create(target, by=audit.COMMAND_LINE, report=quiet)
        else:
            with refusal:
                run_restore(target)
        assert target.exists() == (program != "pg_dump")

    def test_a_program_that_fails_is_quoted_without_the_password(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(postgres, "schema", lambda: "nowhere")
        with pytest.raises(BackupError) as refusal:
            backup.create(tmp_path / "one", by=audit.COMMAND_LINE, report=quiet)
        assert "pg_dump failed: no matching schemas were found" in str(refusal.value)
        assert str(connection.settings_dict["PASSWORD"]) not in str(refusal.value)
        assert not (tmp_path / "one").exists()

    @pytest.mark.usefixtures("changed")
    @pytest.mark.parametrize("obstacle", ["schema", "psql", "damage"])
    def test_what_can_not_be_restored_is_noticed_before_the_old_database_is_deleted(
        self, saved: Path, data: Path, monkeypatch: pytest.MonkeyPatch, obstacle: str
    ) -> None:
        which, unpack = postgres.shutil.which, restore.unpack
        if obstacle == "schema":
            manifest = restore.read_manifest(saved).model_copy(update={"schema_name": "elsewhere"})
            monkeypatch.setattr(restore, "read_manifest", lambda _: manifest)
        elif obstacle == "psql":
            monkeypatch.setattr(
                postgres.shutil, "which", lambda name: None if name == "psql" else which(name)
            )
        else:

            def unpack_newer(source: Path, folder: Path, report: Any) -> None:
                unpack(source, folder, report)
                (folder / "database.pgdump").write_bytes(b"PGDMP of a newer version")

            monkeypatch.setattr(restore, "unpack", unpack_newer)
        with pytest.raises(BackupError):
            run_restore(saved)
        assert Broadcast.objects.get().title == "Later"
        assert (data / KEY).read_text() == SECOND

    @pytest.mark.usefixtures("changed")
    def test_programs_newer_than_the_server(
        self, saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """pg_restore 17 and later set a parameter that servers before 17 don't have."""
        which = postgres.shutil.which
        newer = tmp_path / "pg_restore"
        setting = "/^SET lock_timeout = 0;$/a SET transaction_timeout = 0;"
        newer.write_text(f"#!/bin/sh\n{which('pg_restore')} \"$@\" | sed '{setting}'\n")
        newer.chmod(0o700)
        monkeypatch.setattr(
            postgres.shutil,
            "which",
            lambda name: str(newer) if name == "pg_restore" else which(name),
        )
        run_restore(saved)
        assert Broadcast.objects.get().title == "Backed up"

    def test_the_password_is_no_argument_of_a_program(self) -> None:
        command = postgres._program("pg_dump")
        assert str(connection.settings_dict["PASSWORD"]) not in " ".join(command)


@pytest.mark.only_on("sqlite")
class TestSQLite:
    @pytest.mark.usefixtures("changed")
    def test_a_database_in_use_is_not_replaced(
        self, saved: Path, data: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(sqlite, "PATIENCE", 0.1)
        with closing(sqlite3.connect(sqlite.path())) as reader:
            reader.execute("SELECT count(*) FROM broadcasts_broadcast").fetchone()
            with pytest.raises(BackupError, match=r"is in use\. Stop Clarion"):
                run_restore(saved)
        assert (data / KEY).read_text() == SECOND

    @pytest.mark.usefixtures("changed")
    def test_a_damaged_database_can_be_replaced(self, saved: Path) -> None:
        connection.close()
        with sqlite.path().open("r+b") as file:
            file.write(os.urandom(4096))
        assert not restore.is_empty()
        run_restore(saved)
        assert Broadcast.objects.get().title == "Backed up"

    def test_a_copy_ends_while_somebody_writes_all_the_time(
        self, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without a transaction that reads it would begin again at every write."""
        monkeypatch.setattr(sqlite, "PAGES", 5)
        shares = []
        with closing(sqlite3.connect(sqlite.path(), isolation_level=None)) as writer:
            writer.execute("CREATE TABLE notes (id INTEGER)")

            def write(done: int, total: int, _: str) -> None:
                shares.append(done / total)
                assert len(shares) < 10_000
                writer.execute("INSERT INTO notes VALUES (1)")

            sqlite.copy(tmp_path / "copy", write)
        assert shares == sorted(shares)
        assert shares[-1] == 1
        with closing(sqlite3.connect(tmp_path / "copy")) as copied:
            assert copied.execute("SELECT count(*) FROM notes").fetchone() == (0,)
