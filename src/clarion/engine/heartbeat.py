"""The database's heartbeat: a number that workers count up while they work."""

from dataclasses import dataclass
from uuid import uuid4

from clarion.kit import clock, db

ROW = 1
_COLUMNS = "identity, count, at, restored_at"


@dataclass(frozen=True, slots=True)
class Beat:
    """The heartbeat as it is now."""

    identity: str  # of the database
    count: int
    at: int  # microseconds by the shared clock
    # When the database was restored from a backup, in microseconds by the clock of the process that
    # did so; None unless that is known and nobody has been asked about it yet.
    restored_at: int | None


def mark_restored() -> str:
    """The statement that marks a backup as restored now, by whatever program puts it in its place.

    The moment is by our own clock, as those at which agents ask for something are.
    """
    return f"UPDATE engine_heartbeat SET restored_at = {clock.now_us()} WHERE id = {ROW}"


def beat() -> Beat:
    """Count the heartbeat up; in a database that has none yet, begin it."""
    with db.write():
        now = db.now_us()
        counted = db.fetch(
            "UPDATE engine_heartbeat SET count = count + 1, at = %s WHERE id = %s "
            f"RETURNING {_COLUMNS}",
            [now, ROW],
        )
        if not counted:
            counted = db.fetch(
                "INSERT INTO engine_heartbeat (id, identity, count, at) VALUES (%s, %s, 1, %s) "
                "ON CONFLICT (id) DO UPDATE SET count = engine_heartbeat.count + 1 "
                f"RETURNING {_COLUMNS}",
                [ROW, uuid4().hex, now],
            )
    return Beat(*counted[0])


def latest() -> Beat | None:
    """The heartbeat, None in a database that no worker has used."""
    return _latest("")


def lock_latest() -> Beat | None:
    """As ``latest``; nobody counts it up before the transaction has ended."""
    return _latest(db.for_update())


def set_identity(identity: str) -> None:
    """Give the database another identity: it was restored, and journals of before are not its.

    The mark of a restored backup is taken off.
    """
    db.execute(
        "UPDATE engine_heartbeat SET identity = %s, restored_at = NULL WHERE id = %s",
        [identity, ROW],
    )


def _latest(lock: str) -> Beat | None:
    sql = f"SELECT {_COLUMNS} FROM engine_heartbeat WHERE id = %s{lock}"
    rows = db.fetch(sql, [ROW])
    return Beat(*rows[0]) if rows else None
