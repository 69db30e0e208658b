"""How the database in use is copied and replaced."""

from pathlib import Path
from typing import Protocol

from clarion.backups import postgres, sqlite
from clarion.backups.archive import Report
from clarion.kit.db import schema


class Engine(Protocol):
    """What ``sqlite`` and ``postgres`` can do."""

    def schema(self) -> str:
        """The schema in which the tables are; empty for SQLite."""

    def copy(self, target: Path, report: Report) -> None:
        """Write a copy of the database as it is at one moment, while others write it."""

    def is_empty(self) -> bool:
        """Whether there are no tables."""

    def require_unused(self) -> None:
        """Raise BackupError while others use the database."""

    def clear(self) -> None:
        """Leave a database without tables."""

    def require_restorable(self, staged: Path, schema: str, /) -> None:
        """Raise BackupError when it is certain that a copy can't be put in this one's place."""

    def replace(self, staged: Path, report: Report) -> None:
        """Put a copy in the place of the database, marked as restored: all of it or nothing."""

    def tidy(self) -> None:
        """Do what is left to do once a restored database is in use."""


def engine() -> Engine:
    """The one of the database in use."""
    engines: dict[str, Engine] = {"sqlite": sqlite, "postgresql": postgres}
    return engines[schema.kind()]
