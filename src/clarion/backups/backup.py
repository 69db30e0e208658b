"""Making a backup of a running installation, and when the last one was made."""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from django.conf import settings

from clarion import __version__
from clarion.accounts import audit
from clarion.accounts.models import Agent, AuditEntry
from clarion.backups import folder
from clarion.backups.archive import KEY, MANIFEST, BackupError, Manifest, Report, write_archive
from clarion.backups.engines import engine
from clarion.kit import clock
from clarion.kit.db import schema

MADE = "backup.create"
WORK = ".clarion-backup-"  # folders of this name, unlocked: of a backup that was killed
YOUNG = 60.0  # seconds in which a folder may not be locked yet


@dataclass(frozen=True, slots=True)
class Backup:
    """A backup that was made."""

    path: Path
    size: int  # bytes
    uploads: int
    has_key: bool


def create(target: Path, *, by: Agent | str, report: Report, has_key: bool = True) -> Backup:
    """Write a backup of the database, the uploads and, if ``has_key``, the secret key.

    The database is copied as it is at one moment, while workers and web servers continue. A copy
    of it lies beside the target until the archive is written. Raises BackupError, OSError and
    SchemaError, and leaves nothing behind then.
    """
    schema.require_current()
    if not target.parent.is_dir():
        raise BackupError(f"There is no folder {target.parent}. Create it first.")
    with _folder_beside(target) as work, write_archive(target, work) as archive:
        database = work / "database"
        engine().copy(database, report)
        size = database.stat().st_size
        archive.add_bytes(MANIFEST, _manifest(size).model_dump_json(indent=2).encode())
        archive.add_file(_manifest(size).database, database, _part(report, size))
        uploads = 0
        # After the database: what it names is there, but for what is deleted at this moment.
        for name, path in folder.files(settings.CLARION.data):
            try:
                archive.add_file(name, path)
            except FileNotFoundError:
                continue
            uploads += 1
            report(0, 0, f"adding uploads, {uploads:,}")
        if has_key:
            archive.add_bytes(KEY, settings.SECRET_KEY.encode())
    size = target.stat().st_size
    audit.note(MADE, "installation", by, bytes=size, has_key=has_key)
    return Backup(target, size, uploads, has_key)


def last() -> datetime | None:
    """When ``create`` last made a backup of this database; None for never."""
    return (
        AuditEntry.objects.filter(action=MADE).order_by("-pk").values_list("at", flat=True).first()
    )


@contextmanager
def _folder_beside(target: Path) -> Iterator[Path]:
    """A folder to work in, deleted afterwards; what killed backups have left is deleted now."""
    for left in target.parent.glob(f"{WORK}*"):
        with suppress(OSError):  # another one is being made, or it is another user's
            if time.time() - left.stat().st_mtime > YOUNG:
                with _locked(left):
                    shutil.rmtree(left)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=WORK) as name:
        work = Path(name)
        with _locked(work):
            yield work


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Lock a folder for as long as this process lives. Raises OSError while another has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _manifest(size: int) -> Manifest:
    return Manifest(
        version=__version__,
        engine=schema.kind(),
        created_at=clock.now().isoformat(timespec="seconds"),
        migrations=schema.applied(),
        database_bytes=size,
        schema_name=engine().schema(),
    )


def _part(report: Report, size: int) -> Callable[[int], None]:
    return lambda done: report(done, size, "compressing the database")
