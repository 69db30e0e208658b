"""``clarion migrate`` and ``clarion check``."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Annotated, NamedTuple

import typer

from clarion.cli import deploying
from clarion.cli.app import App
from clarion.cli.django_setup import load_django, uses_django
from clarion.cli.failures import EXIT_FAILED, Failed, sentence
from clarion.cli.lock import is_sqlite
from clarion.cli.options import AsJson
from clarion.cli.output import counted, print_json, print_line
from clarion.cli.safety import Weak, check_deployment, check_permissions, check_seals

LEAST_FREE = 200 * 1024**2  # bytes; below, a broadcast to many may fill the disk
OLDEST_SQLITE = (3, 38, 0)  # Clarion's statements use ->>


_RESULTS = {"ok": "ok", "warn": "warning", "FAILED": "error", "fixed": "fixed"}


class Finding(NamedTuple):
    """What one check found: ok, warn or FAILED, and a sentence."""

    word: str
    text: str


def add_to(app: App) -> None:
    """Add the commands to the root."""
    app.command()(migrate)
    app.command()(check)


@uses_django
def migrate() -> None:
    """Bring the database up to date with this version of Clarion."""
    from clarion.kit.db import schema

    is_new = not schema.applied()
    applied = schema.bring_up_to_date()
    if not applied:
        print_line("The database is up to date.")
    elif is_new:
        print_line("The database is set up.")
    else:
        for name in applied:
            print_line(f"Applied {name}.")


Repair = Annotated[
    bool,
    typer.Option(
        "--repair",
        help="Also count the recipients of every broadcast, and correct tallies that are wrong.",
    ),
]


Deploy = Annotated[
    bool,
    typer.Option(
        "--deploy", help="Also check what matters on a public server, such as HTTPS and backups."
    ),
]


def check(deploy: Deploy = False, repair: Repair = False, as_json: AsJson = False) -> None:
    """Check that this installation is ready to send. The exit code is 1 if a check fails."""
    findings = []
    for finding in chain(_findings(deploy=deploy), _repaired() if repair else ()):
        findings.append(finding)
        if not as_json:
            print_line(f"{finding.word:<7} {finding.text}")
    failed = any(finding.word == "FAILED" for finding in findings)
    if as_json:
        print_json({"ok": not failed, "checks": [_document(finding) for finding in findings]})
    if failed:
        raise typer.Exit(EXIT_FAILED)


def _document(finding: Finding) -> dict[str, str]:
    return {"result": _RESULTS[finding.word], "text": finding.text}


def _repaired() -> Iterator[Finding]:
    """What was wrong with the numbers of each broadcast, and is right now."""
    from clarion.kit.db.schema import pending

    if pending():
        return
    from clarion.accounts.audit import COMMAND_LINE
    from clarion.broadcasts.history import visible
    from clarion.broadcasts.repairs import repair_tallies

    broadcasts = visible().filter(total__gt=0).order_by("pk")
    wrong = 0
    for broadcast in broadcasts.iterator(chunk_size=500):
        for text in repair_tallies(broadcast, by=COMMAND_LINE):
            wrong += 1
            yield Finding("fixed", f"Broadcast {broadcast.pk}: {text} It is corrected.")
    if not wrong:
        yield Finding("ok", f"The numbers of {counted(len(broadcasts), 'broadcast')} are right.")


def _findings(*, deploy: bool) -> Iterator[Finding]:
    """One finding after the other; the later ones need the earlier ones to be right."""
    for needed in (_settings, _data_folder, check_permissions, _database, _structure):
        finding = _try(needed)
        yield finding
        if finding.word == "FAILED":
            return
    for check_one in (_sqlite, check_deployment, check_seals, _workers):
        yield _try(check_one)
    yield from _channels()
    if deploy:
        yield from map(_try, deploying.CHECKS)


def _try(check_one: Callable[[], str]) -> Finding:
    try:
        return Finding("ok", check_one())
    except Weak as weak:
        return Finding("warn", str(weak))
    except Exception as error:  # noqa: BLE001 - reported in words
        return Finding("FAILED", sentence(error).replace("\n", " "))


def _settings() -> str:
    load_django()
    return "The settings are valid."


def _data_folder() -> str:
    from clarion import config

    folder = config.load().data.absolute()
    with tempfile.TemporaryFile(dir=folder) as probe:
        probe.write(b"clarion")
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise Weak(
            f"The data folder {folder} has only {free // 1024**2:,} MB free. Free some space."
        )
    return f"The data folder {folder} is writable and has {free // 1024**2:,} MB free."


def _database() -> str:
    from django.db import connection

    connection.ensure_connection()
    name = str(connection.settings_dict["NAME"])
    version = ".".join(map(str, connection.get_database_version()))
    return f"The database {name} can be reached ({connection.display_name} {version})."


def _structure() -> str:
    from clarion.kit.db.schema import pending, refuse_newer

    refuse_newer()
    missing = pending()
    if missing:
        raise Failed(
            f"The database is not up to date: it needs {counted(len(missing), 'migration')}. "
            "Run: clarion migrate"
        )
    return "The database is up to date."


def _sqlite() -> str:
    from django.db import connection

    from clarion import config

    if not is_sqlite(config.load()):
        return "SQLite is not used."
    version = connection.get_database_version()
    text = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        raise Failed(
            f"SQLite {text} is too old: 3.38 or newer is needed. Update it, or use PostgreSQL."
        )
    if not _has_wal_fix(version):
        raise Weak(
            f"SQLite {text} has a bug that very rarely damages a database (“WAL reset”, fixed in "
            "3.51.3). Update it, or use PostgreSQL, and keep backups."
        )
    return f"SQLite {text} is recent enough."


def _has_wal_fix(version: tuple[int, ...]) -> bool:
    """Fixed in 3.51.3 and in the patches 3.50.7 and 3.44.6 (sqlite.org/wal.html#walresetbug)."""
    return (
        version >= (3, 51, 3) or (3, 50, 7) <= version < (3, 51) or (3, 44, 6) <= version < (3, 45)
    )


def _workers() -> str:
    from clarion.engine.status import troubles, workers_alive

    alive = workers_alive()
    if not alive:
        raise Weak("No worker is running, so nothing is sent. Start one with: clarion serve")
    if stuck := troubles():
        sentences = (f"The worker on {host} has stopped sending. {why}" for host, why in stuck)
        raise Weak(" ".join(sentences))
    return f"{counted(alive, 'worker')} running."


def _channels() -> Iterator[Finding]:
    from clarion.channels.models import Channel

    numbers = Channel.objects.order_by("name").values_list("pk", "name", "kind")
    for pk, name, kind in numbers:
        yield _try(partial(_channel, pk, name, kind))
    if not numbers:
        yield Finding("ok", "There are no channels yet.")


def _channel(pk: int, name: str, kind: str) -> str:
    from pydantic import ValidationError

    from clarion.channels.models import Channel
    from clarion.channels.registry import adapter

    try:
        adapter(Channel.objects.get(pk=pk))
    except ValidationError as error:
        fields = ", ".join(str(problem["loc"][0]) for problem in error.errors() if problem["loc"])
        raise Failed(
            f"Channel {name} ({kind}) has wrong settings: {fields}. "
            "Correct them on the channel's page."
        ) from None
    return f"Channel {name} ({kind}): the settings are valid and the credentials can be read."
