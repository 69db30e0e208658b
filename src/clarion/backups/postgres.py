"""Copying a PostgreSQL database with its own programs, and putting a copy in its place."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.db import connection
from psycopg.conninfo import make_conninfo
from psycopg.sql import Identifier

from clarion.backups.archive import CHUNK, BackupError, Report
from clarion.engine import heartbeat
from clarion.engine.models import Worker
from clarion.engine.status import workers_alive
from clarion.kit import db

LOOK = 0.1  # seconds between looks at how much has been written
LOCK_TIMEOUT = "10s"
# What pg_restore writes from version 17 on, and servers before 17 refuse. It is the default.
NEWER_SETTING = b"\nSET transaction_timeout = 0;\n"
NOT_FOR_PROGRAMS = ("client_encoding", "options", "cursor_factory", "context", "prepare_threshold")
# Extensions own tables too; those are not Clarion's.
DROP_ALL = """
DO $$ DECLARE name text; BEGIN
  FOR name IN SELECT c.oid::regclass::text FROM pg_class c
    WHERE c.relnamespace = {schema}::regnamespace AND c.relkind IN ('r', 'p')
    AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')
  LOOP EXECUTE 'DROP TABLE IF EXISTS ' || name || ' CASCADE'; END LOOP;
END $$;
"""


def schema() -> str:
    """The schema in which the tables are."""
    return str(db.fetch("SELECT current_schema()")[0][0])


def copy(target: Path, report: Report) -> None:
    """Write a copy of the database as it is at one moment, while others write it."""
    size = int(db.fetch("SELECT pg_database_size(current_database())")[0][0])
    command = [
        *_program("pg_dump"),
        "--format=custom",
        "--compress=0",  # the archive is compressed
        "--no-owner",
        "--no-privileges",
        f"--schema={schema()}",
        f"--file={target}",
    ]
    with _running(command) as program:
        while program.poll() is None:
            written = target.stat().st_size if target.exists() else 0
            # Indexes are not copied, so how much it will be in all is not known.
            report(written, 0, f"copying the database, {written // 1024**2:,} MB of {_mb(size)}")
            time.sleep(LOOK)


def is_empty() -> bool:
    """Whether the schema has no tables."""
    return not connection.introspection.table_names()


def require_unused() -> None:
    """Raise BackupError while a worker uses the database.

    Web servers may: whoever reads a table keeps it from being dropped for a moment at most.
    """
    if Worker._meta.db_table in connection.introspection.table_names() and workers_alive():
        raise BackupError(
            "A worker is running. Stop all workers and web servers first, then try again. Nothing "
            "was changed."
        )


def clear() -> None:
    """Delete all tables."""
    with db.write():
        db.execute(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")
        db.execute(_drop_all(Identifier(schema()).as_string()))


def require_restorable(staged: Path, of_schema: str) -> None:
    """Raise BackupError when it is certain that ``replace`` would fail."""
    name = schema()
    if of_schema != name:
        raise BackupError(
            f"The tables of the backup are in the schema {of_schema}, and this database uses "
            f"{name}. Set the search_path of the role to {of_schema} (ALTER ROLE … SET "
            "search_path), and create that schema if it is missing. Nothing was changed."
        )
    _program("psql")
    with _running([*_program("pg_restore", connects=False), "--list", str(staged)]):
        pass


def replace(staged: Path, report: Report) -> None:
    """Put a copy in the place of all tables, marked as restored: in one transaction.

    The script ends with COMMIT, so nothing changes if this process ends before.
    """
    name = schema()
    quoted = Identifier(name).as_string()
    before = (
        "SET idle_in_transaction_session_timeout = 0;\nBEGIN;\n"
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}';\n" + _drop_all(quoted)
    )
    after = f"SET search_path = {quoted};\n{heartbeat.mark_restored()};\nCOMMIT;\n"
    script = [
        *_program("pg_restore", connects=False),
        "--no-owner",
        "--no-privileges",
        f"--schema={name}",
        "--file=-",
        str(staged),
    ]
    restore = [*_program("psql"), "--no-psqlrc", "--quiet", "--set=ON_ERROR_STOP=1", "--file=-"]
    connection.close()
    with _running(restore, stdin=subprocess.PIPE) as psql:
        assert psql.stdin is not None
        try:
            psql.stdin.write(before.encode())
            with _running(script, stdout=subprocess.PIPE) as reading:
                assert reading.stdout is not None
                _pass_on(reading.stdout, psql.stdin, staged.stat().st_size, report)
            psql.stdin.write(after.encode())
            psql.stdin.close()
        except BrokenPipeError:
            pass  # psql has ended at its first error, which is reported by _running


def tidy() -> None:
    """Collect statistics, which no backup contains."""
    db.execute("ANALYZE")


def _drop_all(quoted: str) -> str:
    """The statement that drops all tables of a schema."""
    return DROP_ALL.format(schema="'" + quoted.replace("'", "''") + "'")


def _pass_on(source: IO[bytes], target: IO[bytes], size: int, report: Report) -> None:
    done = 0
    while chunk := source.read(CHUNK):
        target.write(chunk if done else chunk.replace(NEWER_SETTING, b"\n", 1))
        done += len(chunk)
        report(min(done, size), size, "writing the database")


@contextmanager
def _running(
    command: list[str], *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    """A program of PostgreSQL's until it ends. Raises BackupError with what it complains of."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    password = connection.settings_dict["PASSWORD"]
    if password:
        environment["PGPASSWORD"] = str(password)
    with tempfile.TemporaryFile() as complaints:
        program = subprocess.Popen(  # noqa: S603 - our own arguments, no shell
            command, stdin=stdin, stdout=stdout, stderr=complaints, env=environment
        )
        try:
            yield program
            program.wait()
        finally:
            if program.poll() is None:
                program.kill()
                program.wait()
            for pipe in (program.stdin, program.stdout):
                _close(pipe)
        if program.returncode:
            complaints.seek(0)
            raise BackupError(_complaint(Path(command[0]).name, complaints.read()))


def _close(pipe: IO[bytes] | None) -> None:
    try:
        if pipe is not None:
            pipe.close()
    except BrokenPipeError:
        pass  # its program has ended and says why


def _complaint(program: str, text: bytes) -> str:
    lines = [line.strip() for line in text.decode("utf-8", "replace").splitlines() if line.strip()]
    first = next((line for line in lines if "error" in line.lower()), lines[0] if lines else "")
    return (
        f"{program} failed: {first.partition('error: ')[2] or first or 'it gave no reason'}. "
        "Nothing was changed."
    )


def _program(name: str, *, connects: bool = True) -> list[str]:
    """The beginning of a command that runs a program of PostgreSQL's, without the password."""
    file = shutil.which(name)
    if file is None:
        version = connection.get_database_version()[0]
        raise BackupError(
            f"The program {name} is not installed. Install the client programs of PostgreSQL "
            f"{version} or newer (on Debian and Ubuntu: apt install postgresql-client)."
        )
    if not connects:
        return [file]
    params = {
        key: value
        for key, value in connection.get_connection_params().items()
        if key not in (*NOT_FOR_PROGRAMS, "password")
    }
    return [file, f"--dbname={make_conninfo('', **params)}"]


def _mb(size: int) -> str:
    return f"{size // 1024**2:,} MB with indexes"
