"""The little that SQLite and PostgreSQL say differently, in one place.

Nobody else asks which database is in use (``make check`` sees to it): where a statement needs two
forms, a helper here names the difference.

The engine's statements take a batch of rows as ONE JSON parameter and read it as a table; so the
same statement text runs on both databases, and a batch of any size has one query plan.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar

from django.db import OperationalError, connection, transaction

from clarion.kit import clock

if TYPE_CHECKING:
    from django.db.models import Model, QuerySet

    M = TypeVar("M", bound=Model)

TOGETHER = 250  # rows of one statement of SQLite, which has a limit of 32,766 values
STREAMED = 500  # rows that PostgreSQL hands over at once
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


def json_cast(expression: str) -> str:
    """A JSON text as the value of a JSON column."""
    return f"{expression}::jsonb" if is_postgres() else expression


def json_merge(column: str, text: str) -> str:
    """The object of a JSON column with the fields of another, a JSON text, over its own."""
    return f"{column} || {text}::jsonb" if is_postgres() else f"json_patch({column}, {text})"


def json_text(column: str, path: Sequence[str]) -> tuple[str, Any]:
    """SQL with one parameter for what a JSON column holds at a path of keys, and the parameter.

    NULL where nothing is there; a text, a number or JSON, by the database.
    """
    if is_postgres():
        return f"{column} #>> %s", list(path)
    keys = "".join('."' + key.replace('"', "") + '"' for key in path)
    return f"json_extract({column}, %s)", f"${keys}"


def in_subquery(select: str) -> str:
    """``IN (select)``, in the form that makes each database look the ids up one by one.

    PostgreSQL joins an IN by whatever its statistics say, which right after an expansion may be
    a scan of the whole table; an array is always looked up by index.
    """
    return f"= ANY(ARRAY({select}))" if is_postgres() else f"IN ({select})"


def in_list(kind: str = "int") -> str:
    """A condition: to be one of the values in one JSON parameter, ``json_param([value] for …)``."""
    return in_subquery(f"SELECT v.one FROM {json_table([('one', kind)])}")


def in_values(values: Sequence[int]) -> tuple[str, Any]:
    """A condition, to be one of these values, and its parameter; for a statement that is planned
    by how many they are, which PostgreSQL does not see in ``in_list``.
    """
    if is_postgres():
        return "= ANY(%s)", list(values)
    return "IN (SELECT value FROM json_each(%s))", json.dumps(values)


def hide_from_sqlite(column: str) -> str:
    """A column to order by that keeps SQLite from walking its index for the sake of that order."""
    return column if is_postgres() else f"+{column}"


def groups_by_sorting() -> bool:
    """Whether GROUP BY sorts all rows first, as on SQLite, which is dear for millions."""
    return not is_postgres()


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
        rows = f"SELECT * FROM {table} {alias} WHERE {where} OFFSET 0"
        return f"{join} JOIN LATERAL ({rows}) {alias}{always}"
    return f"{join} JOIN {table} {alias} ON {where}"


def first_join(table: str, alias: str, columns: Sequence[str], source: str) -> str:
    """What joins to each row before it the first rows of a table that fit, in some order.

    ``found``: ``FROM table AS r WHERE … ORDER BY … LIMIT …``, which may name columns of what
    stands before; ``columns`` are those of ``r`` that are read. SQLite knows no LATERAL: there the
    rows are found by their ids.
    """
    if is_postgres():
        read = ", ".join(f"r.{column}" for column in columns)
        return f"CROSS JOIN LATERAL (SELECT {read} {source}) AS {alias}"
    return f"CROSS JOIN {table} AS {alias} ON {alias}.id IN (SELECT r.id {source})"


def for_update() -> str:
    """`` FOR UPDATE`` where rows are locked one by one; SQLite locks the file."""
    return " FOR UPDATE" if is_postgres() else ""


def skip_locked() -> str:
    """`` FOR UPDATE SKIP LOCKED``, as ``for_update``."""
    return " FOR UPDATE SKIP LOCKED" if is_postgres() else ""


def for_no_key_update() -> str:
    """`` FOR NO KEY UPDATE``, as ``for_update``: rows may be pointed to meanwhile."""
    return " FOR NO KEY UPDATE" if is_postgres() else ""


def for_share() -> str:
    """`` FOR SHARE``, as ``for_update``: others may share the lock, but nobody writes the row."""
    return " FOR SHARE" if is_postgres() else ""


def select_unlocked(rows: "QuerySet[M]") -> "QuerySet[M]":
    """Lock the rows of a query set that nobody else has locked; the others are left out."""
    return rows.select_for_update(skip_locked=is_postgres())


def lock_in_order(select: str, params: Sequence[Any], *, of: str) -> None:
    """Lock the rows of the table ``of`` in the order of a SELECT, so that two at a time do not
    wait for each other. Nothing on SQLite, whose file is locked already.
    """
    if is_postgres():
        execute(f"{select} FOR NO KEY UPDATE OF {of}", params)


def lock_for_reading(table: str) -> None:
    """Let nobody write a table until the transaction ends; others may hold it so at the same time.

    Waits for those who are writing it. Nothing on SQLite, whose file is locked already.
    """
    if is_postgres():
        execute(f"LOCK TABLE {table} IN SHARE MODE")


def lock_for_adding(table: str) -> None:
    """Wait for those who hold a table still (``lock_for_reading``), and let others write it too.

    For a transaction that adds rows to it after it has locked rows that they may wait for.
    """
    if is_postgres():
        execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE")


def returning(alias: str, *columns: str) -> str:
    """A RETURNING clause of an ``UPDATE … AS alias``: SQLite does not know the alias there."""
    prefix = f"{alias}." if is_postgres() else ""
    return "RETURNING " + ", ".join(prefix + column for column in columns)


def now_us() -> int:
    """The moment by the clock that all workers share: the database's, in microseconds."""
    if not is_postgres():
        return clock.now_us()
    return int(fetch("SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint")[0][0])


def server_process() -> int | None:
    """The id of the server's process that serves this connection, if it may run on this machine.

    None for SQLite, which has no server, and for a server at another address.
    """
    if not is_postgres():
        return None
    [(process, address)] = fetch("SELECT pg_backend_pid(), host(inet_server_addr())")
    return process if address in (None, "127.0.0.1", "::1") else None


def clock_ahead() -> int:
    """How far the shared clock is ahead of ours, in microseconds, by the quickest of three answers.

    The others say how long we waited for a turn, which is no difference of clocks. 0 on SQLite.
    """
    if not is_postgres():
        return 0
    answers = []
    for _ in range(3):
        before, shared, answered = clock.now_us(), now_us(), clock.now_us()
        answers.append((answered - before, shared - (before + answered) // 2))
    return min(answers)[1]


def writer_threads() -> int:
    """How many threads of a process are worth having: SQLite has one writer at a time anyway."""
    return 3 if is_postgres() else 1


def rounds_at_once() -> int:
    """How many threads of a process may apply callbacks at once, and leave one for the others."""
    return max(1, writer_threads() - 1)


def fetch(sql: str, params: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    """All rows of a statement."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


def execute(sql: str, params: Sequence[Any] = ()) -> int:
    """Run a statement; return how many rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return int(cursor.rowcount)


def stream(sql: str, params: Sequence[Any] = ()) -> Iterator[tuple[Any, ...]]:
    """The rows of a statement; PostgreSQL finds the next ones while the first are worked on.

    Nothing else can be asked of the connection before the last row.
    """
    with connection.cursor() as cursor:
        if is_postgres():
            from psycopg import capabilities  # 50 ms, which SQLite need not wait for

            size = STREAMED if capabilities.has_stream_chunked() else 1
            with connection.wrap_database_errors:
                yield from cursor.cursor.stream(sql, params, size=size)
        else:
            cursor.execute(sql, params)
            yield from cursor


def copy_or_insert(
    table: str,
    columns: Sequence[Column],
    batch: Sequence[Sequence[Any]],
    same: Mapping[str, Any],
) -> None:
    """Insert rows that are not there yet; ``same``: the columns that have one value in all.

    Texts are fit for the database. COPY on PostgreSQL, and values bound row by row on SQLite, take
    two thirds of the time of ``json_table``. Raises IntegrityError when one of the rows is there
    already: undo the savepoint then.
    """
    names = [*(name for name, _ in columns), *same]
    fixed = tuple(same.values())
    rows = [(*row, *fixed) for row in batch] if fixed else batch
    with connection.cursor() as cursor:
        if is_postgres():
            into = f"COPY {table} ({', '.join(names)}) FROM STDIN"
            with connection.wrap_database_errors, cursor.cursor.copy(into) as out:
                for row in rows:
                    out.write_row(row)
        elif batch:
            _insert_together(cursor, table, names, rows)


def _insert_together(
    cursor: Any, table: str, names: Sequence[str], rows: Sequence[Sequence[Any]]
) -> None:
    """Insert many rows with one statement.

    With one for each, the interpreter would be handed over twice a row, to threads that send.
    """
    into = f"INSERT INTO {table} ({', '.join(names)}) VALUES "
    marks = f"({', '.join(['%s'] * len(names))})"
    for start in range(0, len(rows), TOGETHER):
        some = rows[start : start + TOGETHER]
        cursor.execute(into + ", ".join([marks] * len(some)), list(chain.from_iterable(some)))


def reserve_ids(table: str, count: int) -> Sequence[int]:
    """Ids of a table that nobody else will get. On SQLite the transaction has the write lock."""
    if is_postgres():
        rows = fetch(f"SELECT nextval('{table}_id_seq') FROM generate_series(1, %s)", [count])
        return [row[0] for row in rows]
    last = fetch("SELECT seq FROM sqlite_sequence WHERE name = %s", [table])
    first = (last[0][0] if last else 0) + 1
    return range(first, first + count)


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


@contextmanager
def advisory_lock(number: int) -> Iterator[None]:
    """Hold a lock of PostgreSQL that stands for nothing but its number."""
    execute("SELECT pg_advisory_lock(%s)", [number])
    try:
        yield
    finally:
        execute("SELECT pg_advisory_unlock(%s)", [number])


def lock_numbers(space: int, numbers: Iterable[int]) -> None:
    """Hold these locks, which stand for nothing but their numbers, until the transaction ends.

    They are taken in one order. Nothing on SQLite, where a transaction that writes is alone.
    """
    if is_postgres() and (ordered := sorted(set(numbers))):
        execute(
            "SELECT pg_advisory_xact_lock(%s, n) FROM unnest(%s::int[]) WITH ORDINALITY AS t (n)",
            [space, ordered],
        )


def on_postgres(*statements: str) -> Callable[[Any, Any], None]:
    """A step of a migration that does something on PostgreSQL alone."""

    def step(_: Any, schema_editor: Any) -> None:
        if schema_editor.connection.vendor == "postgresql":
            for statement in statements:
                schema_editor.execute(statement)

    return step


@contextmanager
def in_index_order() -> Iterator[None]:
    """A write transaction that reads in the order of an index.

    By its statistics PostgreSQL may rather read the whole table, past all that is deleted already,
    or sort a million rows to take the first few: measured, 0.8 s instead of 5 ms.
    """
    with write(), disable_plans("sort", "seqscan", "bitmapscan"):
        yield


def delete_first(table: str, where: str, order: str, params: Sequence[Any], limit: int) -> int:
    """Delete up to ``limit`` rows in the order of an index that fits ``where``; return how many."""
    chosen = f"SELECT id FROM {table} WHERE {where} ORDER BY {order} LIMIT %s{skip_locked()}"
    with in_index_order():
        return execute(f"DELETE FROM {table} WHERE id {in_subquery(chosen)}", [*params, limit])


def is_passing(error: Exception) -> bool:
    """Whether a database error passes by itself: locked, restarting, connection lost."""
    return isinstance(error, OperationalError)
