"""Whether anybody is working."""

from clarion.kit import db


def workers_alive() -> int:
    """How many workers hold a lease at this moment."""
    sql = "SELECT count(*) FROM engine_worker WHERE NOT dead AND lease_until > %s"
    return int(db.fetch(sql, [db.now_us()])[0][0])
