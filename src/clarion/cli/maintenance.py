"""``clarion migrate`` and ``clarion check``."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple

import typer

from clarion import config
from clarion.cli.django_setup import load_django, uses_django
from clarion.cli.failures import EXIT_FAILED, Failed, sentence
from clarion.cli.lock import is_sqlite
from clarion.cli.output import print_line
from clarion.cli.safety import Weak, check_deployment, check_permissions, check_seals
from clarion.cli.schema import bring_up_to_date, pending, refuse_newer

LEAST_FREE = 200 * 1024**2  # bytes; below, a broadcast to many may fill the disk
OLDEST_SQLITE = (3, 38, 0)  # the engine's statements use ->>


class Finding(NamedTuple):
    """What one check found: ok, warn or FAILED, and a sentence."""

    word: str
    text: str


def add_to(app: typer.Typer) -> None:
    """Add the commands to the root."""
    app.command()(migrate)
    app.command()(check)


@uses_django
def migrate() -> None:
    """Bring the database up to date."""
    applied = bring_up_to_date()
    for name in applied:
        print_line(f"Applied {name}.")
    if not applied:
        print_line("The database is up to date.")


def check() -> None:
    """Look whether this installation is fit to send; exit code 1 if anything fails."""
    failed = False
    for finding in _findings():
        print_line(f"{finding.word:<7} {finding.text}")
        failed = failed or finding.word == "FAILED"
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _findings() -> Iterator[Finding]:
    """One finding after the other; the later ones need the earlier ones to hold."""
    for needed in (_settings, _data_folder, check_permissions, _database, _structure):
        finding = _try(needed)
        yield finding
        if finding.word == "FAILED":
            return
    for more in (_sqlite, check_deployment, check_seals, _engine):
        yield _try(more)
    yield from _channels()


def _try(look: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", look())
    except Weak as weak:
        return Finding("warn", str(weak))
    except Exception as error:  # noqa: BLE001 - said in words
        return Finding("FAILED", sentence(error).replace("\n", " "))


def _settings() -> str:
    load_django()
    return "The settings are valid."


def _data_folder() -> str:
    folder = config.load().data.absolute()
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"clarion")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise Weak(f"The data folder {folder} has only {free // 1024**2:,} MB free. Make room.")
    return f"The data folder {folder} is writable and has {free // 1024**2:,} MB free."


def _database() -> str:
    from django.db import connection

    connection.ensure_connection()
    name = str(connection.settings_dict["NAME"])
    version = ".".join(map(str, connection.get_database_version()))
    return f"The database {name} answers ({connection.display_name} {version})."


def _structure() -> str:
    refuse_newer()
    missing = pending()
    if missing:
        raise Failed(f"{len(missing)} migrations are missing. Run: clarion migrate")
    return "The database is up to date."


def _sqlite() -> str:
    from django.db import connection

    if not is_sqlite(config.load()):
        return "SQLite is not in use."
    version = connection.get_database_version()
    text = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        raise Failed(f"SQLite {text} is too old: 3.38 is needed. Use PostgreSQL instead.")
    if not _has_wal_fix(version):
        raise Weak(
            f"SQLite {text} has the WAL-reset bug, which very rarely damages a database. "
            "3.51.3 and newer are free of it; keep backups, or use PostgreSQL."
        )
    return f"SQLite {text} is fit."


def _has_wal_fix(version: tuple[int, ...]) -> bool:
    """Fixed in 3.51.3 and in the patches 3.50.7 and 3.44.6 (sqlite.org/wal.html#walresetbug)."""
    return (
        version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    )


def _engine() -> str:
    from clarion.engine.status import workers_alive

    alive = workers_alive()
    if not alive:
        raise Weak("No engine is running: nothing is sent. Run: clarion serve")
    return f"{alive} engine{'s' if alive > 1 else ''} running."


def _channels() -> Iterator[Finding]:
    from clarion.channels.models import Channel

    numbers = Channel.objects.order_by("name").values_list("pk", "name", "kind")
    for pk, name, kind in numbers:
        yield _try(partial(_channel, pk, name, kind))
    if not numbers:
        yield Finding("ok", "There is no channel yet.")


def _channel(pk: int, name: str, kind: str) -> str:
    from pydantic import ValidationError

    from clarion.channels.models import Channel
    from clarion.channels.registry import adapter

    try:
        adapter(Channel.objects.get(pk=pk))
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors() if problem["loc"])
        raise Failed(
            f"The settings of channel {name} don't fit its kind {kind}: {fields}. "
            f"Correct them on the channel's page."
        ) from None
    return f"Channel {name} ({kind}): its settings fit and its secrets open."
