"""The database's structure: what is missing, and bringing it up to date."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from clarion import __version__
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


def refuse_newer() -> None:
    """Raise Failed for a database that a newer Clarion has changed: this one can't know how."""
    from django.db import connection
    from django.db.migrations.loader import MigrationLoader

    loader = MigrationLoader(connection)
    labels = {label for label, _ in loader.disk_migrations}
    newer = sorted(
        f"{label}.{name}"
        for label, name in loader.applied_migrations
        if label in labels and (label, name) not in loader.disk_migrations
    )
    if newer:
        raise Failed(
            f"The database belongs to a newer version of Clarion than this one ({__version__}): it "
            f"has {newer[0]}{f' and {len(newer) - 1} more' if newer[1:] else ''}. Install the "
            "newer version again, or restore the backup that was made before the update."
        )


def bring_up_to_date() -> list[str]:
    """Apply what is missing; return the names. Several processes may try at the same time.

    Raises Failed for a database of a newer version.
    """
    from django.core.management import call_command

    refuse_newer()
    if not pending():
        return []
    with _one_at_a_time():
        missing = pending()
        call_command("migrate", verbosity=0, interactive=False)
    return missing


def require_current() -> None:
    """Raise Failed when a migration is missing, or one is there that is not known here."""
    refuse_newer()
    if pending():
        raise Failed("The database is not up to date. Run: clarion migrate")


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    from clarion import config
    from clarion.kit import db

    settings = config.load()
    if is_sqlite(settings):
        with (settings.data / "migrate.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    else:
        with db.advisory_lock(_MIGRATING):
            yield
