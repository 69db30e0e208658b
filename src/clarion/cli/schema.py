"""The database's structure: what is missing, and bringing it up to date."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from clarion import config
from clarion.cli.failures import Failed
from clarion.cli.lock import is_sqlite

_MIGRATING = 7_103_501  # any number; all Clarions on one PostgreSQL use the same


def pending() -> list[str]:
    """The names of the migrations that the database lacks, in their order."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]


def bring_up_to_date() -> list[str]:
    """Apply what is missing; return the names. Several processes may try at the same time."""
    from django.core.management import call_command

    if not pending():
        return []
    with _one_at_a_time():
        missing = pending()
        call_command("migrate", verbosity=0, interactive=False)
    return missing


def require_current() -> None:
    """Raise Failed when a migration is missing."""
    if pending():
        raise Failed("The database is not up to date. Run: clarion migrate")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    from clarion.kit import db

    settings = config.load()
    if is_sqlite(settings):
        with (settings.data / "migrate.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with db.advisory_lock(_MIGRATING):
            yield
