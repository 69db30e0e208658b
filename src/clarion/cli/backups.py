"""``clarion backup`` and ``clarion restore``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from clarion.cli.acting import acting
from clarion.cli.app import App
from clarion.cli.django_setup import uses_django
from clarion.cli.failures import Failed
from clarion.cli.lock import WorkerLock
from clarion.cli.options import AsJson
from clarion.cli.output import counted, format_moment, print_json, print_line, print_note
from clarion.cli.progress import progress

if TYPE_CHECKING:
    from clarion.backups.restore import Restored

MB = 1024**2


def add_to(app: App) -> None:
    """Add the commands to the root."""
    app.command(examples=["clarion backup /backups/clarion-2026-12-24.tar.gz"])(backup)
    app.command(examples=["clarion restore /backups/clarion-2026-12-24.tar.gz"])(restore)


@uses_django
def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to write.")],
    without_key: Annotated[
        bool,
        typer.Option("--without-key", help="Leave the secret key out. Keep a copy of it yourself."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Write the database, the uploads and the secret key to one file.

    Clarion can keep running and sending meanwhile. Keep the file secret: with it, anyone can read
    all contacts, messages and credentials.
    """
    from clarion.backups.backup import create

    with progress("Backup") as report:
        backed_up = create(file.absolute(), by=acting(), report=report, has_key=not without_key)
    if as_json:
        print_json(
            {
                "path": str(backed_up.path),
                "bytes": backed_up.size,
                "uploads": backed_up.uploads,
                "has_key": backed_up.has_key,
            }
        )
        return
    print_line(
        f"The backup is {backed_up.path} ({backed_up.size / MB:,.1f} MB, with "
        f"{counted(backed_up.uploads, 'uploaded file')})."
    )
    print_note(
        "It contains the secret key and everything that Clarion knows about contacts. Keep it "
        "secret."
        if backed_up.has_key
        else "It does not contain the secret key, without which stored credentials can't be read. "
        "Keep a copy of the key in another place."
    )


@uses_django
def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="The backup.")
    ],
    force: Annotated[
        bool, typer.Option("--force", help="Replace what is there. It can't be brought back.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask for confirmation.")] = False,
    as_json: AsJson = False,
) -> None:
    """Set up this installation from a backup.

    Stop Clarion first. What was being sent when the backup was made is paused afterwards, and
    nothing is sent before you decide.
    """
    from clarion import config
    from clarion.backups import restore as restoring

    lock = WorkerLock.take(config.load())
    try:
        manifest = restoring.check(file)
        if not restoring.is_empty():
            _confirm(force=force, yes=yes)
        with progress("Restore") as report:
            restored = restoring.restore(file, by=acting(), report=report)
    finally:
        lock.release()
    if as_json:
        print_json(_document(restored))
        return
    print_line(
        f"The backup of {format_moment(restored.created_at)} (Clarion {manifest.version}) is "
        "restored."
    )
    if restored.migrated:
        print_line(
            f"The database was brought up to date ({counted(restored.migrated, 'migration')})."
        )
    _tell_what_is_sent(restored)
    _check_key()


def _confirm(*, force: bool, yes: bool) -> None:
    from django.db import connection

    from clarion import config

    name = connection.settings_dict["NAME"]
    if not force:
        raise Failed(
            f"This installation is not empty: the database is {name}. Use --force to replace it. "
            "What is in it is deleted."
        )
    if not yes:
        typer.confirm(
            f"Delete everything in the database {name} and the uploads in "
            f"{config.load().data.absolute()}, and restore the backup? This can't be undone.",
            abort=True,
            err=True,
        )


def _tell_what_is_sent(restored: "Restored") -> None:
    if restored.paused:
        print_line(
            f"{counted(restored.paused, 'broadcast')} paused or missed, because contacts may have "
            "received them since. See: clarion broadcasts list"
        )
    else:
        print_line("Nothing was being sent when the backup was made.")
    if restored.scheduled or restored.live:
        print_note(
            f"{counted(restored.scheduled, 'broadcast')} will be sent as scheduled, and "
            f"{counted(restored.live, 'trigger, periodic or external broadcast', _LIVE)} will "
            "continue when a worker starts. If the installation of which this is a copy is still "
            "running, contacts would receive them twice: stop them here first."
        )


_LIVE = "trigger, periodic or external broadcasts"


def _check_key() -> None:
    from clarion.cli.safety import check_seals
    from clarion.kit.vault import SealedError

    try:
        check_seals()
    except SealedError as error:
        print_note(f"{error} Or copy your secret key to secret.key in the data folder.")


def _document(restored: "Restored") -> dict[str, Any]:
    return {
        "created_at": restored.created_at,
        "paused": restored.paused,
        "scheduled": restored.scheduled,
        "live": restored.live,
        "migrations": restored.migrated,
    }
