"""Importing contacts from CSV files of any size.

Two ways lead here. ``import_contacts`` does an import at once, in the process that asks for it: the
command line needs no worker, and the file stays where it is. ``request_import`` writes down what a
page asks for, and a worker does it (``run_next``), so that nothing depends on the web process.
"""

import errno
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F, Q, QuerySet

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts import uploads
from clarion.contacts.import_lines import choose_column
from clarion.contacts.import_mapping import ColumnsError, guess, named, shape
from clarion.contacts.import_run import (
    ImportRefused,
    ImportRun,
    Plan,
    Progress,
    StoppedError,
    Stopping,
    TakenAwayError,
    earlier_conflicts,
    finish,
    open_file,
    rejects_folder,
)
from clarion.contacts.models import Import
from clarion.kit import clock, db
from clarion.kit.csvfile import CsvError

log = structlog.get_logger()
SILENCE = 60  # seconds without a sign of life after which a process's own import is interrupted
PATIENCE = 60  # seconds for a worker that sees the upload, before one that doesn't gives it up
MOST_INTERRUPTIONS = 3  # a file that ends its worker each time is not tried for ever
_AGAIN = "Import the file again: no one is imported twice."
_INTERRUPTED = f"The import was interrupted: its process ended. {_AGAIN}"
_UPLOAD_GONE = "The upload is no longer available. Choose the file again."
EXPECTED = (ImportRefused, CsvError, OSError, DatabaseError)
_DISK_FULL = {"53100"}  # PostgreSQL's code


@dataclass(frozen=True, slots=True)
class Choices:
    """What is chosen beside the file: what its columns become, and whom and what it changes."""

    mapping: Sequence[str] = ()  # a target for each column, see import_mapping; by title if empty
    mode: str = Import.Mode.BOTH
    wins: str = Import.Wins.FILE


USUAL: Final = Choices()


def read_choices(
    path: Path,
    channel: Channel,
    id_column: str | None,
    wanted: Sequence[str],
    mode: str,
    *,
    keep: bool,
) -> Choices:
    """What a command asks for: ``wanted`` is TITLE=TARGET for some columns, as in
    ``import_mapping.named``; the others become what their titles say. ``keep``: what is stored
    wins. Raises ImportRefused.
    """
    if mode not in Import.Mode.values:
        modes = ", ".join(Import.Mode.values)
        raise ImportRefused(f"There is no mode “{mode}”. Choose one of: {modes}.")
    wins = Import.Wins.STORED if keep else Import.Wins.FILE
    if not wanted:
        return Choices((), mode, wins)
    titles = open_file(path).columns
    try:
        mapping = named(titles, wanted, guess(titles, (), [channel]))
        if id_column:
            position = titles.index(choose_column(titles, channel.kind, id_column))
            mapping[position] = f"address:{channel.pk}"
    except ColumnsError as error:
        raise ImportRefused(str(error), error.columns) from None
    return Choices(mapping, mode, wins)


def import_contacts(
    path: Path,
    *,
    channel: Channel,
    id_column: str | None = None,
    tags: Sequence[str] = (),
    have_written: bool = False,
    choices: Choices = USUAL,
    dry_run: bool = False,
    rejects: Path | None = None,
    filename: str | None = None,
    progress: Progress = lambda row: None,
    by: Agent | str,
) -> Import:
    """Import the people of a CSV file to a channel, here and now; ``dry_run`` only counts.

    Known user ids are updated: attributes are merged, an empty cell leaves what is there. People
    who have opted out stay opted out. ``have_written``: all of them have written to the channel,
    also where the file does not say so. Rejected lines are written to ``rejects`` (by default a
    file in the data folder) with the reason. ``progress`` is called with the import's row after
    each chunk. Raises ImportRefused: nothing is imported when the file itself is wrong, and what
    came before the fault is when disk or database failed half way.
    """
    plan = Plan.read(
        path, channel, id_column, tags, have_written=have_written, mapping=choices.mapping
    )
    row = Import.objects.create(
        **_facts(plan, choices, filename or path.name, dry_run, by),
        have_written=have_written,
        beat_at=_now(),
    )
    _name_rejects(row, rejects)
    try:
        ImportRun(row, plan, progress, stopping=lambda: False).run(by)
    except TakenAwayError:
        raise ImportRefused(_INTERRUPTED) from None
    except EXPECTED as error:
        sentence = _sentence(error, row)
        _fail(row, sentence)
        raise ImportRefused(sentence) from error
    return row


def request_import(
    token: str,
    *,
    filename: str,
    channel: Channel,
    id_column: str | None = None,
    tags: Sequence[str] = (),
    have_written: bool = False,
    choices: Choices = USUAL,
    dry_run: bool = False,
    by: Agent | str,
) -> Import:
    """Have a worker import an upload; return the row that shows the progress from now on.

    An upload is imported once: asked again, this is the import that there is. The upload is
    removed after it, and kept after a dry run. Raises ImportRefused for what can be said at once:
    the upload is gone, or its header row or the tags can't be used.
    """
    if not dry_run and (same := _import_of(token)):
        return same
    if not uploads.exists(token):
        raise ImportRefused(_UPLOAD_GONE)
    plan = Plan.read(
        uploads.path(token),
        channel,
        id_column,
        tags,
        have_written=have_written,
        mapping=choices.mapping,
    )
    facts = _facts(plan, choices, filename, dry_run, by)
    try:
        with transaction.atomic():
            return Import.objects.create(
                **facts,
                have_written=have_written,
                upload=token,
                state=Import.State.WAITING,
                beat_at=_now(),
            )
    except IntegrityError:  # asked twice at the same moment
        same = _import_of(token)
        if same is None:
            raise
        return same


def run_next(worker: int, stopping: Stopping) -> bool:
    """Do the next import that waits, as this worker; return False when there is none.

    A worker runs one import at a time, so that one which is running as this worker is one that
    broke off, and it continues. When ``stopping`` says so, the import is given back.
    """
    row = _claim(worker)
    if row is None:
        return False
    log.info("import_started", id=row.pk, file=row.filename, lines_done=row.lines)
    try:
        _do(row, stopping)
    except StoppedError:
        _running(worker).update(state=Import.State.WAITING, worker_id=None, beat_at=_now())
        return False
    except TakenAwayError:
        log.warning("import_taken_away", id=row.pk)
    else:
        log.info("import_ended", id=row.pk, state=str(row.state), lines=row.lines)
    return True


def release_abandoned(working: QuerySet[Any]) -> int:
    """Let others continue the imports of workers that have ended; return how many.

    ``working``: the ids of the workers that are at work.
    """
    left = Import.objects.filter(state=Import.State.RUNNING).exclude(worker_id=None)
    left = left.exclude(worker_id__in=working)
    failed = left.filter(interruptions__gte=MOST_INTERRUPTIONS - 1).update(
        state=Import.State.FAILED,
        worker_id=None,
        error="The import was stopped: its worker ended three times. See the worker's log.",
        finished_at=clock.now(),
    )
    if failed:
        log.error("imports_given_up", count=failed)
    return left.update(
        state=Import.State.WAITING,
        worker_id=None,
        interruptions=F("interruptions") + 1,
        beat_at=_now(),
    )


def mark_interrupted() -> int:
    """Mark imports as failed whose own process was silent for a minute; return how many."""
    silent = Import.objects.filter(
        state=Import.State.RUNNING, upload="", beat_at__lt=_now() - timedelta(seconds=SILENCE)
    )
    return silent.update(state=Import.State.FAILED, error=_INTERRUPTED, finished_at=clock.now())


def end_open(reason: str, until: datetime | None) -> int:
    """End the imports that wait or run, with a reason; return how many. For a database that was
    restored from a backup, in the caller's transaction.

    Those asked for after ``until``, the moment of the restore, go on; None ends all.
    """
    rows = Import.objects.filter(state__in=Import.OPEN)
    if until is not None:
        rows = rows.filter(started_at__lte=until)
    return rows.update(
        state=Import.State.FAILED, worker_id=None, error=reason, finished_at=clock.now()
    )


def rejects_file(row: Import) -> Path | None:
    """The file of an import's rejected lines; None when there is none here."""
    path = rejects_folder() / row.rejects_path
    return path if row.rejects_path and path.exists() else None


def _facts(
    plan: Plan, choices: Choices, filename: str, dry_run: bool, by: Agent | str
) -> dict[str, Any]:
    return {
        "channel": plan.columns.main,
        "mapping": list(choices.mapping),
        "shape": shape(plan.columns.titles),
        "mode": choices.mode,
        "wins": choices.wins,
        "agent": by if isinstance(by, Agent) else None,
        "agent_name": str(by),
        "filename": filename[-255:],
        "id_column": plan.column[:200],
        "tags": plan.tags,
        "dry_run": dry_run,
        "bytes_total": plan.file.size,
    }


def _name_rejects(row: Import, path: Path | None = None) -> None:
    """Choose the file of rejected lines: the row names it once there are some."""
    row.rejects_path = str(path.absolute()) if path else f"rejects-{row.pk}.csv"


def _import_of(token: str) -> Import | None:
    return Import.objects.filter(upload=token, dry_run=False).exclude(upload="").first()


def _now() -> datetime:
    return clock.from_us(db.now_us())


def _running(worker: int) -> QuerySet[Import]:
    return Import.objects.filter(state=Import.State.RUNNING, worker_id=worker)


def _claim(worker: int) -> Import | None:
    free = Q(state=Import.State.WAITING) | Q(state=Import.State.RUNNING, worker_id=worker)
    for row in Import.objects.filter(free).order_by("pk"):
        if not uploads.exists(row.upload):
            _give_up_upload(row)
            continue
        claimed = Import.objects.filter(free, pk=row.pk).update(
            state=Import.State.RUNNING, worker_id=worker, beat_at=_now()
        )
        if claimed:
            return Import.objects.select_related("channel", "agent").get(pk=row.pk)
    return None


def _give_up_upload(row: Import) -> None:
    """Fail an import whose upload isn't here, once a worker that has it could have come."""
    waiting = Import.objects.filter(
        pk=row.pk,
        state=Import.State.WAITING,
        beat_at__lt=_now() - timedelta(seconds=PATIENCE),
    )
    failed = waiting.update(
        state=Import.State.FAILED,
        error="The uploaded file is not in the worker's data folder. Web server and workers must "
        "share one data folder (CLARION_DATA). Then import the file again.",
        finished_at=clock.now(),
    )
    if failed:
        log.error("import_upload_missing", id=row.pk, folder=str(uploads.path(row.upload).parent))


def _do(row: Import, stopping: Stopping) -> None:
    """Do a claimed import to its end, or to where it stops; what is wrong is in its row then.

    Raises a database error that passes by itself: the next ``run_next`` continues.
    """
    _name_rejects(row)
    conflicts = earlier_conflicts(row)
    # Not only emptied: an earlier run that is still ending must not write into the new file.
    (rejects_folder() / row.rejects_path).unlink(missing_ok=True)
    try:
        plan = Plan.read(
            uploads.path(row.upload),
            row.channel,
            row.id_column,
            row.tags,
            have_written=row.have_written,
            mapping=row.mapping,
        )
        ImportRun(row, plan, lambda _: None, stopping, conflicts).run(
            row.agent or row.agent_name or audit.WORKER
        )
    except (StoppedError, TakenAwayError):
        raise
    except Exception as error:
        if db.is_passing(error) and not _is_full(error):
            raise
        if not isinstance(error, EXPECTED):
            log.exception("import_fault", id=row.pk)
        finish(row, Import.State.FAILED, _sentence(error, row))
    if row.state == Import.State.FAILED or not row.dry_run:
        uploads.drop(row.upload)


def _fail(row: Import, sentence: str) -> None:
    """Write why an import of this process has ended."""
    try:
        finish(row, Import.State.FAILED, sentence)
    except (DatabaseError, TakenAwayError) as error:
        # The caller gives the sentence. A row that can't be written is marked as interrupted later.
        log.warning("import_not_marked", id=row.pk, error=str(error))


def _sentence(error: Exception, row: Import) -> str:
    """Why an import has ended, what it has done, and what to do."""
    if isinstance(error, ImportRefused | CsvError):
        return str(error)
    so_far = f"The first {row.lines:,} lines are imported." if row.lines else "Nothing is imported."
    if row.dry_run:
        so_far = "Nothing was changed."
    if _is_full(error):
        return f"The disk is full. {so_far} Free some space, then import the file again."
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} can't be used: {error.strerror}. {so_far} {_AGAIN}"
    if db.is_passing(error):
        return f"The database can't be reached or is busy. {so_far} {_AGAIN}"
    if isinstance(error, DatabaseError):
        return f"The database refused the import ({error}). {so_far}"
    return f"Clarion had a fault with this import. {so_far} The worker's log has the details."


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    code = getattr(error.__cause__, "sqlstate", None)
    return code in _DISK_FULL or "disk is full" in str(error)
