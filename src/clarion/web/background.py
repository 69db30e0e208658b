"""A contact import that runs in a thread of the web process, so that the browser need not wait."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db import connections
from django.db.models.signals import post_save

from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts.imports import ImportRefused, import_contacts
from clarion.contacts.models import Import
from clarion.web import uploads

log = structlog.get_logger()
FIRST_SIGN = 15.0  # seconds until an import must have begun or been refused


@dataclass(frozen=True, slots=True)
class Job:
    """What to import, and how."""

    token: str  # of the upload
    filename: str
    channel: Channel
    id_column: str | None
    tags: Sequence[str]
    dry_run: bool
    by: Agent


@dataclass
class _Begun:
    happened: threading.Event = field(default_factory=threading.Event)
    row: Import | None = None
    refused: ImportRefused | None = None


def begin(job: Job) -> Import:
    """Start an import; return its row, which shows the progress from now on.

    The upload is removed when it has been imported, and kept after a dry run and after a refusal.
    Raises ImportRefused when the file can't be imported at all.
    """
    begun = _Begun()
    threading.Thread(target=_run, args=(job, begun), name="import", daemon=True).start()
    begun.happened.wait(FIRST_SIGN)
    if begun.row is not None:
        return begun.row
    raise begun.refused or ImportRefused("The server is busy. Try again in a minute.")


def _run(job: Job, begun: _Begun) -> None:
    thread = threading.current_thread()

    def noticed(instance: Import, created: bool, **_: Any) -> None:
        if created and threading.current_thread() is thread:
            begun.row = instance
            begun.happened.set()

    post_save.connect(noticed, sender=Import, dispatch_uid=thread)
    try:
        import_contacts(
            uploads.path(job.token),
            channel=job.channel,
            id_column=job.id_column,
            tags=job.tags,
            dry_run=job.dry_run,
            filename=job.filename,
            by=job.by,
        )
        if not job.dry_run:
            uploads.drop(job.token)
    except ImportRefused as refused:
        begun.refused = refused
        log.info("import_refused", file=job.filename, why=str(refused))
    finally:
        post_save.disconnect(sender=Import, dispatch_uid=thread)
        begun.happened.set()
        connections.close_all()
