"""A backup that is made while a worker sends, restored elsewhere; and restores that are killed."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from crash import rehearsal
from support import factory, template
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

pytestmark = pytest.mark.crash


@pytest.fixture
def elsewhere(own_database: OwnDatabase, tmp_path: Path) -> dict[str, str]:
    """The environment of another, empty installation."""
    data = tmp_path / "elsewhere"
    url = f"sqlite:///{data}/clarion.sqlite3"
    if own_database.server is not None:
        url = own_database.server.createdb("elsewhere")
    return {"CLARION_DATA": str(data), "CLARION_DATABASE_URL": url}


def test_o4_a_backup_of_a_running_broadcast_sends_nothing_elsewhere_before_somebody_decides(
    own_database: OwnDatabase,
    elsewhere: dict[str, str],
    processes: Processes,
    tmp_path: Path,
) -> None:
    people = 900
    provider = rehearsal.Provider(processes, latency="2ms..10ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=False, rate=30)
    worker = rehearsal.start_worker(processes)
    eventually(lambda: rehearsal.settled(broadcast) > 20, timeout=300)
    file = tmp_path / "backup.tar.gz"
    assert processes.run("backup", str(file)).returncode == 0
    worker.kill()
    sent = provider.accepted()

    restored = processes.run("restore", str(file), env=elsewhere)
    assert restored.returncode == 0, restored.lines
    assert any("1 broadcast paused or missed" in line for line in restored.lines)
    there = (
        {"NAME": "elsewhere"}
        if own_database.server is not None
        else {"NAME": f"{elsewhere['CLARION_DATA']}/clarion.sqlite3"}
    )
    with template.connected_to(**there):
        again = Broadcast.objects.get()
        assert again.state == "paused"
        assert "restored from a backup" in again.state_reason
        rehearsal.start_worker(processes, **elsewhere)
        assert rehearsal.claimed(again) == 0
        assert 0 < rehearsal.queued(again) < people
        rehearsal.assert_reconciled(again)
        assert provider.accepted() == sent
        Channel.objects.update(rate=None)
        assert processes.run("broadcasts", "resume", str(again.pk), env=elsewhere).returncode == 0
        rehearsal.wait_completed(again, timeout=600)
        rehearsal.assert_reconciled(again)
        truth = rehearsal.truth(again, provider)
    assert truth.states["sent"] + truth.states["in_doubt"] == people
    assert truth.lost == []
    assert truth.unaccounted == []


@pytest.mark.only_on("sqlite")
@pytest.mark.parametrize("moment", ["checking the backup", "writing the database"])
def test_a_restore_that_is_killed_leaves_one_installation_or_the_other(
    elsewhere: dict[str, str], processes: Processes, tmp_path: Path, moment: str
) -> None:
    file, database = tmp_path / "backup.tar.gz", Path(elsewhere["CLARION_DATA"], "clarion.sqlite3")
    database.parent.mkdir(mode=0o700)
    template.copy_sqlite(database)
    assert processes.run("backup", str(file), env=elsewhere).returncode == 0
    with template.connected_to(NAME=str(database)):
        factory.agent()
    restoring = processes.clarion("restore", str(file), "--force", "--yes", env=elsewhere)
    restoring.wait_for_line(moment)
    restoring.kill()

    with closing(sqlite3.connect(database)) as left:
        assert left.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert left.execute("SELECT count(*) FROM accounts_agent").fetchone()[0] in (0, 1)
    assert processes.run("check", env=elsewhere).returncode == 0
    again = processes.run("restore", str(file), "--force", "--yes", env=elsewhere)
    assert again.returncode == 0, again.lines
    assert not list(database.parent.glob("restoring-*"))
