"""Whether anybody is working, and what keeps workers from sending."""

from typing import NamedTuple

from clarion.kit import db


class WorkerTrouble(NamedTuple):
    """Why a worker that runs sends nothing at present."""

    host: str
    reason: str


def workers_alive() -> int:
    """How many workers hold a lease at this moment."""
    sql = "SELECT count(*) FROM engine_worker WHERE NOT dead AND lease_until > %s"
    return int(db.fetch(sql, [db.now_us()])[0][0])


def troubles() -> list[WorkerTrouble]:
    """The workers that run and send nothing, each with its reason."""
    sql = (
        "SELECT host, trouble FROM engine_worker "
        "WHERE trouble <> '' AND NOT dead AND lease_until > %s ORDER BY id"
    )
    return [WorkerTrouble(*row) for row in db.fetch(sql, [db.now_us()])]
