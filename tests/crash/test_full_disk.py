"""A disk that is full for a while: sending waits, and goes on by itself when there is room."""

import resource
from pathlib import Path

import pytest

from clarion.accounts import audit
from clarion.channels.manage import pause_channel, resume_channel
from clarion.channels.models import Channel
from clarion.kit import db
from crash import rehearsal
from support.plugins.database import OwnDatabase
from support.processes import Processes
from support.waiting import eventually

# The engine writes no files of its own: PostgreSQL's disk is PostgreSQL's.
pytestmark = [pytest.mark.crash, pytest.mark.only_on("sqlite")]
FULL = 1024 * 1024  # bytes: the kernel lets the engine write no file beyond this size


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_full_disk_delays_but_loses_and_doubles_nobody(
    own_database: OwnDatabase,
    processes: Processes,
    tmp_path: Path,
    idempotent: bool,
) -> None:
    people = 3_000
    provider = rehearsal.Provider(processes, latency="2ms..10ms")
    broadcast = rehearsal.prepare(tmp_path, provider, people, idempotent=idempotent, rate=1_000)
    sink = Channel.objects.get()
    pause_channel(sink, reason="the disk is prepared", by=audit.COMMAND_LINE)
    # Its lease outlasts the full disk, or what it has in hand would be in doubt.
    engine = rehearsal.start_worker(processes, CLARION_LEASE_SECONDS="60")
    eventually(lambda: rehearsal.queued(broadcast) == people, timeout=120)

    # The disk is to fill up while messages are in flight, however late this process gets its
    # turns: the log that the engine writes begins anew, and is full when a fifth has been sent.
    eventually(_log_is_emptied, timeout=120)
    was = resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (FULL, resource.RLIM_INFINITY))
    resume_channel(sink, by=audit.COMMAND_LINE)
    engine.wait_for_line("database_away")
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, was)
    rehearsal.wait_completed(broadcast, timeout=600)

    truth = rehearsal.truth(broadcast, provider)
    rehearsal.assert_reconciled(broadcast)
    assert truth.states == {"sent": people}
    assert truth.twice == []
    assert truth.lost == []


def _log_is_emptied() -> bool:
    """Move all that is in SQLite's write-ahead log to its place; False while somebody reads it."""
    return db.fetch("PRAGMA wal_checkpoint(TRUNCATE)")[0][0] == 0
