"""Reading a table to which rows are only added, from where one has read it before."""

from clarion.kit import db

# The oldest transaction of this database that is writing, or else the next one. Those of other
# databases of the server, which a snapshot's xmin counts as well, may take as long as they like.
_OLDEST = (
    "SELECT coalesce((SELECT backend_xid::text FROM pg_stat_activity "
    "WHERE datname = current_database() AND backend_xid IS NOT NULL "
    "ORDER BY age(backend_xid) DESC LIMIT 1), pg_snapshot_xmax(pg_current_snapshot())::xid::text)"
)


def last_settled(rows: str, after: int, limit: int) -> int:
    """How far ``limit`` rows can be read in the order of their ids without passing over one that
    another transaction has yet to commit; ``after`` if there is none. ``rows``: “FROM table”.

    PostgreSQL gives out ids before a row is visible: the range ends before the first row of a
    transaction that is not older than all that are writing. These are looked up first, so that
    what has ended meanwhile is seen. SQLite has one writer at a time.
    """
    if not db.is_postgres():
        ids = f"SELECT id {rows} WHERE id > %s ORDER BY id LIMIT %s"
        sql = f"SELECT coalesce(max(id), %s) FROM ({ids}) s"
        return int(db.fetch(sql, [after, after, limit])[0][0])
    db.fetch("SELECT pg_stat_clear_snapshot()")
    oldest = db.fetch(_OLDEST)[0][0]
    marked = (
        "SELECT id, bool_and(age(xmin) > age(%s::xid)) OVER (ORDER BY id) AS settled "
        f"{rows} WHERE id > %s ORDER BY id LIMIT %s"
    )
    sql = f"SELECT coalesce(max(id), %s) FROM ({marked}) s WHERE settled"
    return int(db.fetch(sql, [after, oldest, after, limit])[0][0])
