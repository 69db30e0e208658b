"""Putting a backup in the place of an installation: the old one, the restored one, or nothing.

Never half of it, wherever it breaks off: everything is unpacked and compared with its checksums
first. Then uploads are added beside those that are there, which harms neither installation. If the
secret key is another one, the old database is taken away, because it can't be used with the new
key. The new database comes last, by one rename or one transaction.
"""

import shutil
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from clarion import __version__
from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.backups import folder
from clarion.backups.archive import BackupError, Manifest, Report, read_manifest, unpack
from clarion.backups.engines import engine
from clarion.broadcasts.models import IS_LIVE, Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.engine import reap
from clarion.engine.resumption import ask_before_resuming
from clarion.kit.db import schema

STAGING = "restoring-"  # folders of this name are left of a restore that broke off
UNCHANGED = "Nothing was changed."
NAMES = {"sqlite": "an SQLite", "postgresql": "a PostgreSQL"}


@dataclass(frozen=True, slots=True)
class Restored:
    """What is in the place of the installation now."""

    created_at: datetime
    paused: int  # broadcasts that were being sent, or had something due
    scheduled: int  # that will be sent at their times
    live: int  # triggers, periodic and external broadcasts that continue
    migrated: int  # migrations that brought the database up to date


def check(source: Path) -> Manifest:
    """What a backup is of. Raises BackupError when it can't be restored here, or at this moment."""
    manifest = read_manifest(source)
    if manifest.engine != schema.kind():
        raise BackupError(
            f"{source} is the backup of {NAMES[manifest.engine]} database, and this installation "
            f"uses {NAMES[schema.kind()]} database. Set CLARION_DATABASE_URL to one of the same "
            "kind."
        )
    if schema.unknown(manifest.migrations):
        raise BackupError(
            f"{source} was made by a newer version of Clarion ({manifest.version}) than this one "
            f"({__version__}). Install that version to restore it."
        )
    engine().require_unused()
    return manifest


def is_empty() -> bool:
    """Whether nothing would be replaced: no database, and no uploads."""
    return engine().is_empty() and not any(folder.files(settings.CLARION.data))


def restore(source: Path, *, by: Agent | str, report: Report) -> Restored:
    """Replace the database, the uploads and the secret key by those of a backup.

    Then bring the database up to date, and pause what was being sent: contacts may have had it
    since. Nobody else may use the installation meanwhile. Raises BackupError and OSError.
    """
    manifest = check(source)
    data = settings.CLARION.data.absolute()
    for left in data.glob(f"{STAGING}*"):
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=data, prefix=STAGING) as work:
        staged = Path(work)
        unpack(source, staged, report)
        database = staged / manifest.database
        engine().require_restorable(database, manifest.schema_name)
        brings_key = _check_key(folder.stored_key(staged), data)
        names = {name for name, _ in folder.files(staged)}
        folder.add(staged, data)
        if brings_key:
            engine().clear()
            folder.put_key(staged, data)
            settings.SECRET_KEY = folder.stored_key(data)  # for the rest of this process
        try:
            engine().replace(database, report)
        except BackupError as error:
            if not brings_key:
                raise
            raise _without_promise(error) from error
    folder.remove_others(names, data)
    migrated = schema.bring_up_to_date()
    paused = _ask()
    engine().tidy()
    audit.note("backup.restore", "installation", by, created_at=manifest.created_at, paused=paused)
    broadcasts = Broadcast.objects
    return Restored(
        created_at=datetime.fromisoformat(manifest.created_at),
        paused=paused,
        scheduled=broadcasts.filter(state=BroadcastState.SCHEDULED).count(),
        live=broadcasts.filter(IS_LIVE, state=BroadcastState.LIVE).count(),
        migrated=len(migrated),
    )


def _check_key(key: str, data: Path) -> bool:
    """Whether the key of a backup has to take the place of the one in the data folder.

    Raises BackupError when the backup could not be read with the key in use afterwards.
    """
    chosen = settings.CLARION.secret_key
    keys = (chosen, *settings.CLARION.secret_key_fallbacks)
    if key and chosen and key not in keys:
        raise BackupError(
            "The backup was made with another secret key than CLARION_SECRET_KEY. Remove that "
            "setting to use the key of the backup, or add the key of the backup to "
            "CLARION_SECRET_KEY_FALLBACKS. Nothing was changed."
        )
    return bool(key) and not chosen and key != folder.stored_key(data)


def _without_promise(error: BackupError) -> BackupError:
    return BackupError(
        f"{str(error).removesuffix(UNCHANGED)}The database was emptied before, because its secret "
        "key is another one. Correct this, then restore the backup again."
    )


def _ask() -> int:
    """Pause what was being sent; nobody who was working when the backup was made still is."""
    reap.declare_all_dead()
    return ask_before_resuming()
