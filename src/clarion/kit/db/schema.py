"""The database's structure: what is missing, and bringing it up to date."""

import fcntl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal

from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from clarion import __version__, config
from clarion.kit import db

_MIGRATING = 7_103_501  # any number; all Clarions on one PostgreSQL use the same


def kind() -> Literal["sqlite", "postgresql"]:
    """Which kind of database is in use, for what is different about files and programs."""
    return "postgresql" if db.is_postgres() else "sqlite"


class SchemaError(ValueError):
    """The database does not fit this version of Clarion; says what to do."""


def pending() -> list[str]:
    """The names of the migrations that the database lacks, in their order."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def applied() -> list[str]:
    """The names of the migrations that the database has: ``records.0001_initial``, sorted."""
    return sorted(f"{app}.{name}" for app, name in MigrationLoader(connection).applied_migrations)


def unknown(names: Iterable[str]) -> list[str]:
    """Which of these migrations of a database only a newer Clarion can have applied, sorted."""
    on_disk = MigrationLoader(None).disk_migrations
    labels = {label for label, _ in on_disk}
    pairs = {(label, name) for label, _, name in (full.partition(".") for full in names)}
    return sorted(f"{label}.{name}" for label, name in pairs - set(on_disk) if label in labels)


def refuse_newer() -> None:
    """Raise SchemaError for a database that a newer Clarion changed: this one can't know how."""
    newer = unknown(applied())
    if newer:
        raise SchemaError(
            f"The database belongs to a newer version of Clarion than this one ({__version__}): it "
            f"has {newer[0]}{f' and {len(newer) - 1} more' if newer[1:] else ''}. Install the "
            "newer version again, or restore the backup that was made before the update."
        )


def bring_up_to_date() -> list[str]:
    """Apply what is missing; return the names. Several processes may try at the same time.

    Raises SchemaError for a database of a newer version.
    """
    refuse_newer()
    if not pending():
        return []
    with _one_at_a_time():
        missing = pending()
        call_command("migrate", verbosity=0, interactive=False)
    return missing


def require_current() -> None:
    """Raise SchemaError when a migration is missing, or one is there that is not known here."""
    refuse_newer()
    if pending():
        raise SchemaError("The database is not up to date. Run: clarion migrate")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    if db.is_postgres():
        with db.advisory_lock(_MIGRATING):
            yield
        return
    with (config.load().data / "migrate.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
