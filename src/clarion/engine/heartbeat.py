"""The database's heartbeat: a number that workers count up while they work."""

from dataclasses import dataclass
from uuid import uuid4

from clarion.kit import db

ROW = 1


@dataclass(frozen=True, slots=True)
class Beat:
    """The heartbeat as it is now."""

    identity: str  # of the database
    count: int


def beat() -> Beat:
    """Count the heartbeat up; in a database that has none yet, begin it."""
    with db.write():
        now = db.now_us()
        counted = db.fetch(
            "UPDATE engine_heartbeat SET count = count + 1, at = %s WHERE id = %s "
            "RETURNING identity, count",
            [now, ROW],
        )
        if not counted:
            counted = db.fetch(
                "INSERT INTO engine_heartbeat (id, identity, count, at) VALUES (%s, %s, 1, %s) "
                "ON CONFLICT (id) DO UPDATE SET count = engine_heartbeat.count + 1 "
                "RETURNING identity, count",
                [ROW, uuid4().hex, now],
            )
    return Beat(*counted[0])


def latest() -> Beat | None:
    """The heartbeat, None in a database that no worker has used."""
    found = db.fetch("SELECT identity, count FROM engine_heartbeat WHERE id = %s", [ROW])
    return Beat(*found[0]) if found else None
