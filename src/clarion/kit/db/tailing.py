"""Reading a table to which rows are only added, from where one has read it before."""

import time
from typing import Final

from clarion.kit import db

_PATIENCE: Final = 0.3  # seconds that a read waits for the transactions that write the table
_PAUSE: Final = 0.02
# Who writes a table has this lock before an id is given out, and until the rows can be seen.
_WRITERS: Final = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation' "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database()) "
    "AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid()"
)


def last_settled(rows: str, after: int, limit: int) -> int:
    """How far ``limit`` rows can be read in the order of their ids without passing over one that
    another transaction has yet to commit; ``after`` if there is none. ``rows``: “FROM table”.

    PostgreSQL gives out ids before a row is visible, and in no order of transactions: an id that
    is missing may belong to any that is writing the table. So where one is missing, those that are
    writing are waited for; where that takes too long, the range ends before the first such id.
    SQLite has one writer at a time.
    """
    ids = f"SELECT id {rows} WHERE id > %s ORDER BY id LIMIT %s"
    sql = f"SELECT coalesce(max(id), %s), count(*) FROM ({ids}) s"
    last, count = db.fetch(sql, [after, after, limit])[0]
    if not db.is_postgres() or last - after == count:
        return int(last)
    if _have_ended(rows.removeprefix("FROM ")):
        return int(last)
    numbered = f"SELECT id, row_number() OVER (ORDER BY id) AS n FROM ({ids}) i"
    sql = f"SELECT coalesce(max(id), %s) FROM ({numbered}) s WHERE id = %s + n AND id <= %s"
    return int(db.fetch(sql, [after, after, limit, after, last])[0][0])


def _have_ended(table: str) -> bool:
    """Whether all transactions that are writing the table now end within a moment."""
    until = time.monotonic() + _PATIENCE
    awaited = set(db.fetch(_WRITERS, [table]))
    while awaited and time.monotonic() < until:
        time.sleep(_PAUSE)
        awaited &= set(db.fetch(_WRITERS, [table]))
    return not awaited
