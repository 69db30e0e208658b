"""The little that SQLite and PostgreSQL say differently, in one place.

The engine's statements take a batch of rows as ONE JSON parameter and read it as a table; so the
same statement text runs on both databases, and a batch of any size has one query plan.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import OperationalError, connection, transaction

Column = tuple[str, str]  # name, "int" | "text" | "real" | "bool"
_POSTGRES = {"int": "bigint", "text": "text", "real": "double precision", "bool": "boolean"}


def is_postgres() -> bool:
    """Whether the database in use is PostgreSQL (else it is SQLite)."""
    return connection.vendor == "postgresql"


def json_table(columns: Sequence[Column], alias: str = "v") -> str:
    """SQL that reads one JSON parameter (a list of lists) as a table with these columns."""
    if is_postgres():
        picks = ", ".join(
            f"(e->>{i})::{_POSTGRES[kind]} AS {name}" for i, (name, kind) in enumerate(columns)
        )
        return f"(SELECT {picks} FROM jsonb_array_elements(%s::jsonb) AS e) AS {alias}"
    picks = ", ".join(f"value->>{i} AS {name}" for i, (name, _) in enumerate(columns))
    return f"(SELECT {picks} FROM json_each(%s)) AS {alias}"


def json_param(batch: Iterable[Sequence[Any]]) -> str:
    """The JSON parameter for ``json_table``. Lone surrogates, which no database takes, are “?”."""
    packed = json.dumps(list(batch), ensure_ascii=False, separators=(",", ":"))
    return packed.encode("utf-8", "replace").decode()


def skip_locked() -> str:
    """`` FOR UPDATE SKIP LOCKED`` where rows are locked one by one; SQLite locks the file."""
    return " FOR UPDATE SKIP LOCKED" if is_postgres() else ""


def in_subquery(select: str) -> str:
    """``IN (select)``, in the form that makes each database look the ids up one by one.

    PostgreSQL joins an IN by whatever its statistics say, which right after an expansion may be
    a scan of the whole table; an array is always looked up by index.
    """
    return f"= ANY(ARRAY({select}))" if is_postgres() else f"IN ({select})"


def in_list(kind: str = "int") -> str:
    """A condition: to be one of the values in one JSON parameter, ``json_param([value] for …)``."""
    return in_subquery(f"SELECT v.one FROM {json_table([('one', kind)])}")


def planner_fence() -> str:
    """What ends an EXISTS (…) so that PostgreSQL looks into it for each row, by index.

    Without it the planner makes a join of it: all of the inner table is read first, or, when the
    statistics say that there is next to nothing in it, read again for every row.
    """
    return " OFFSET 0" if is_postgres() else ""


def lateral_join(table: str, alias: str, where: str, *, optional: bool = False) -> str:
    """What joins the rows of a table that fit those before it, looked up by index for each.

    ``where`` says which; it may name columns of what stands before. ``optional`` keeps those before
    it that have none. The reason is that of ``planner_fence``; SQLite keeps the order of both.
    """
    join = "LEFT" if optional else "CROSS"
    if is_postgres():
        always = " ON TRUE" if optional else ""
        found = f"SELECT * FROM {table} {alias} WHERE {where} OFFSET 0"
        return f"{join} JOIN LATERAL ({found}) {alias}{always}"
    return f"{join} JOIN {table} {alias} ON {where}"


def for_update() -> str:
    """`` FOR UPDATE`` where rows are locked one by one; SQLite locks the file."""
    return " FOR UPDATE" if is_postgres() else ""


def returning(alias: str, *columns: str) -> str:
    """A RETURNING clause of an ``UPDATE … AS alias``: SQLite does not know the alias there."""
    prefix = f"{alias}." if is_postgres() else ""
    return "RETURNING " + ", ".join(prefix + column for column in columns)


def now_us() -> int:
    """The moment by the clock that all workers share: the database's, in microseconds."""
    if not is_postgres():
        from clarion.kit import clock

        return clock.now_us()
    return int(fetch("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")[0][0])


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """Run a statement; return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def copy(table: str, columns: Sequence[str], batch: Iterable[Sequence[Any]]) -> None:
    """Insert rows by PostgreSQL's COPY, which takes half the time of any other way there.

    It knows no ON CONFLICT: raises IntegrityError when one of the rows is there already.
    """
    command = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with (
        connection.cursor() as cursor,
        connection.wrap_database_errors,
        cursor.cursor.copy(command) as out,
    ):
        for row in batch:
            out.write_row(row)


@contextmanager
def write() -> Iterator[None]:
    """A write transaction. On SQLite the write lock is taken at its beginning (settings)."""
    with transaction.atomic():
        yield


@contextmanager
def disable_plans(*ways: str) -> Iterator[None]:
    """Have PostgreSQL plan without these ways (``nestloop``, ``seqscan`` …) until a transaction
    ends: the one around, else one of its own. Nothing on SQLite.
    """
    if not is_postgres():
        yield
        return
    with transaction.atomic(savepoint=False):
        for way in ways:
            execute(f"SET LOCAL enable_{way} = off")
        yield


def is_passing(error: Exception) -> bool:
    """Whether a database error passes by itself: locked, restarting, connection lost."""
    return isinstance(error, OperationalError)
