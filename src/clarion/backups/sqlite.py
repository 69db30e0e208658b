"""Copying an SQLite database while it is used, and putting a copy in its place."""

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from django.db import connection

from clarion.backups.archive import BackupError, Report, sync_folder
from clarion.engine import heartbeat

PAGES = 2_560  # copied at once, 10 MB: between two of them the progress is shown
PATIENCE = 2.0  # seconds that another program may take to let go of the file


def path() -> Path:
    """The file of the database in use."""
    return Path(str(connection.settings_dict["NAME"])).absolute()


def schema() -> str:
    """SQLite has none."""
    return ""


def copy(target: Path, report: Report) -> None:
    """Write a copy of the database as it is at one moment, while others write it."""
    with (
        closing(_connect(path())) as live,
        closing(sqlite3.connect(target, isolation_level=None)) as copied,
    ):
        size: int = live.execute("PRAGMA page_size").fetchone()[0]
        copied.execute("PRAGMA synchronous=OFF")  # it is no backup before it is in the archive

        def show(_: int, remaining: int, total: int) -> None:
            report((total - remaining) * size, total * size, "copying the database")

        # A transaction that reads keeps this moment for as long as the copy takes. Without one the
        # copy begins again whenever a worker has written something in between.
        live.execute("BEGIN")
        live.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        live.backup(copied, pages=PAGES, progress=show, sleep=0)
        live.execute("ROLLBACK")


def is_empty() -> bool:
    """Whether there is no database yet, or one without any table."""
    if not path().exists() or not path().stat().st_size:
        return True
    return _is_readable(path()) and not connection.introspection.table_names()


def require_unused() -> None:
    """Raise BackupError while another program uses the database."""
    connection.close()
    if path().exists():
        _close_for_others(path())


def clear() -> None:
    """Move the database out of the way; a new one would be empty. ``tidy`` deletes it."""
    connection.close()
    if path().exists():
        path().replace(_replaced())
        sync_folder(path().parent)


def require_restorable(staged: Path, _schema: str) -> None:
    """Raise BackupError when it is certain that ``replace`` would fail."""
    if not staged.exists() or not _is_readable(staged):
        raise BackupError("The database in the backup is no SQLite database. Nothing was changed.")


def replace(staged: Path, report: Report) -> None:
    """Put a copy in the place of the database, marked as restored: all of it or nothing."""
    connection.close()
    incoming = path().with_name(f"{path().name}.incoming")
    report(0, 0, "writing the database")
    shutil.move(staged, incoming)
    with closing(_connect(incoming)) as copied:
        copied.execute("PRAGMA journal_mode=DELETE")
        copied.execute(heartbeat.mark_restored())
    _sync(incoming)
    require_unused()
    incoming.replace(path())
    sync_folder(path().parent)


def tidy() -> None:
    """Delete what restoring has left beside the database."""
    for name in (_replaced(), path().with_name(f"{path().name}.incoming")):
        name.unlink(missing_ok=True)


def _replaced() -> Path:
    return path().with_name(f"{path().name}.replaced")


def _connect(file: Path) -> sqlite3.Connection:
    """Open a file that exists."""
    address = f"file:{quote(str(file))}?mode=rw"
    return sqlite3.connect(address, uri=True, timeout=PATIENCE, isolation_level=None)


def _is_readable(file: Path) -> bool:
    try:
        with closing(_connect(file)) as database:
            database.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError:
        return False
    return True


def _close_for_others(file: Path) -> None:
    """Merge the log of a database into its file. Raises BackupError while others use it.

    The log of a database that is damaged is deleted: it would be applied to the next one.
    """
    try:
        with closing(_connect(file)) as database:
            database.execute("PRAGMA locking_mode=EXCLUSIVE")
            database.execute("PRAGMA journal_mode=DELETE")
            database.execute("BEGIN EXCLUSIVE")
            database.execute("ROLLBACK")
    except sqlite3.OperationalError as error:
        if "locked" not in str(error):
            raise
        raise BackupError(
            f"The database {file} is in use. Stop Clarion (clarion serve, clarion web and all "
            "commands) and try again. Nothing was changed."
        ) from error
    except sqlite3.DatabaseError:
        for suffix in ("-wal", "-shm"):
            file.with_name(file.name + suffix).unlink(missing_ok=True)


def _sync(file: Path) -> None:
    descriptor = os.open(file, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
