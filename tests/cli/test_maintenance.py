"""``clarion migrate`` and ``clarion check``."""

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from clarion.accounts.models import AuditEntry
from clarion.channels.models import Channel
from clarion.cli.maintenance import _has_wal_fix
from clarion.kit.db import schema
from clarion.records import tallies
from support import factory
from support.plugins.database import OwnDatabase
from support.processes import Processes


def test_migrate_twice_at_once_and_once_more(processes: Processes) -> None:
    both = [processes.clarion("migrate") for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    said = sorted(line for process in both for line in process.lines)
    assert said == ["The database is set up.", "The database is up to date."]
    assert processes.run("migrate").lines == ["The database is up to date."]


@pytest.mark.django_db(transaction=True)
def test_an_update_names_what_it_applies(
    clarion: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["records.0002_storage", "webhooks.0002_later"]
    monkeypatch.setattr(schema, "bring_up_to_date", lambda: names)
    assert clarion("migrate").stdout.splitlines() == [f"Applied {name}." for name in names]


def test_check_on_a_database_that_is_not_set_up(processes: Processes) -> None:
    check = processes.run("check")
    assert check.returncode == 1
    words = [line.split()[0] for line in check.lines]
    assert words == ["ok", "ok", "ok", "ok", "FAILED"]
    assert check.lines[-1].endswith(" migrations. Run: clarion migrate")


def test_check_says_when_the_database_can_not_be_reached(processes: Processes) -> None:
    url = "postgresql://nobody@127.0.0.1:9/nothing"
    check = processes.run("check", env={"CLARION_DATABASE_URL": url})
    assert check.returncode == 1
    assert check.lines[-1].startswith("FAILED  The database can't be used: ")
    assert "Traceback" not in check.output


def test_check_says_when_a_setting_is_wrong(processes: Processes) -> None:
    check = processes.run("check", env={"CLARION_LATE_MINUTES": "0"})
    assert check.returncode == 1
    assert len(check.lines) == 1
    assert check.lines[0].startswith(
        "FAILED  The setting CLARION_LATE_MINUTES is wrong. It must be 1 or more."
    )


def test_check_says_when_the_database_is_no_database(processes: Processes, tmp_path: Path) -> None:
    path = tmp_path / "letter.sqlite3"
    path.write_text("Dear all, this is not a database at all. " * 100)
    check = processes.run("check", env={"CLARION_DATABASE_URL": f"sqlite:///{path}"})
    assert check.returncode == 1
    assert "FAILED  " in check.lines[-1]
    assert "Traceback" not in check.output


@pytest.mark.django_db
class TestCheck:
    def test_all_is_well(self, channel: str, ok: Callable[..., str]) -> None:
        lines = ok("check").splitlines()
        assert any(
            line.startswith("ok      Channel news (webhook): the settings") for line in lines
        )
        nothing = "warn    No worker is running, so nothing is sent. Start one with: clarion serve"
        assert nothing in lines
        assert not any(line.startswith("FAILED") for line in lines)

    def test_without_channels(self, ok: Callable[..., str]) -> None:
        assert "ok      There are no channels yet." in ok("check")

    def test_settings_that_do_not_fit_their_kind(
        self, channel: str, clarion: Callable[..., Any]
    ) -> None:
        row = Channel.objects.get()
        row.config = {"url": "nowhere"}
        row.save()
        result = clarion("check")
        assert result.exit_code == 1
        assert "FAILED  Channel news (webhook) has wrong settings: url." in (result.stdout)

    def test_secrets_that_do_not_open(
        self, channel: str, clarion: Callable[..., Any], settings: Any
    ) -> None:
        settings.SECRET_KEY = "another one"
        result = clarion("check")
        assert result.exit_code == 1
        assert "FAILED  The stored credentials can't be opened" in result.stdout

    def test_every_channel_is_looked_at(
        self, channel: str, ok: Callable[..., str], clarion: Callable[..., Any]
    ) -> None:
        ok(
            "channel",
            "add",
            "zeta",
            "--kind",
            "webhook",
            "--set",
            "url=https://example.org/",
            "--no-check",
        )
        Channel.objects.filter(name=channel).update(kind="fax")
        result = clarion("check")
        assert result.exit_code == 1
        assert "Channel zeta (webhook): the settings are valid" in result.stdout

    def test_a_disk_that_is_nearly_full(
        self, monkeypatch: pytest.MonkeyPatch, clarion: Callable[..., Any]
    ) -> None:
        monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=3 * 1024**2))
        result = clarion("check")
        assert "has only 3 MB free. Free some space." in result.stdout
        assert result.exit_code == 0


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ((3, 40, 1), False),
        ((3, 44, 5), False),
        ((3, 44, 6), True),
        ((3, 45, 0), False),
        ((3, 50, 7), True),
        ((3, 51, 0), False),
        ((3, 51, 2), False),
        ((3, 51, 3), True),
        ((3, 53, 0), True),
    ],
)
def test_which_sqlite_is_free_of_the_wal_reset_bug(version: tuple[int, ...], fixed: bool) -> None:
    assert _has_wal_fix(version) is fixed


@pytest.mark.only_on("sqlite")
def test_a_locked_database_is_one_sentence(
    own_database: OwnDatabase, refused: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 0.1)
    holder = sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)
    holder.execute("PRAGMA locking_mode=EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    try:
        said = refused("agent", "add", "Ann", "--email", "ann@example.org", "--role", "admin")
    finally:
        holder.execute("ROLLBACK")
        holder.close()
    assert said == (
        "The database is busy: another program has locked it. Nothing was changed. "
        "Try again in a moment."
    )


@pytest.mark.django_db
def test_check_repairs_a_wrong_tally(ok: Callable[..., str]) -> None:
    channel = factory.channel("Shop")
    factory.people(channel, 2)
    broadcast = factory.sending([channel])
    tallies.add({(broadcast.pk, channel.pk, "queued"): 3})

    first, second = (ok("check", "--repair") for _ in range(2))

    assert (
        f"fixed   Broadcast {broadcast.pk}: On the channel Shop the tally of queued was 3 too high."
        " It is corrected."
    ) in first
    assert tallies.counts([broadcast.pk])[broadcast.pk]["queued"] == 2
    assert AuditEntry.objects.get(action="broadcast.repair").actor == "command line"
    assert "ok      The numbers of 1 broadcast are right." in second
