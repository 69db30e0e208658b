"""Importing contacts from CSV files of any size.

The file is gone through twice. First as a whole, writing nothing: a file that can't be read to its
end is refused. Then in chunks, each one transaction together with the progress, so that what a
crash leaves is a number of whole chunks, and importing the same file again repeats no one.
"""

import errno
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts.attributes import note_attributes
from clarion.contacts.import_lines import (
    BadLineError,
    ColumnsError,
    Layout,
    Person,
    choose_column,
)
from clarion.contacts.import_store import known_contacts, store
from clarion.contacts.models import Import
from clarion.contacts.rejects import Rejects
from clarion.contacts.repeats import Repeats
from clarion.contacts.tags import TagError, check_names, ensure_tags
from clarion.contacts.user_ids import BadIdError, checker
from clarion.kit import clock, db
from clarion.kit.csvfile import CsvError, CsvFile

CHUNK = 10_000  # lines of one transaction
SILENCE = 60  # seconds without a sign of life after which an import counts as interrupted
_AGAIN = "Import the file again: nobody is imported twice."
_DISK_FULL = {"53100"}  # PostgreSQL's code
Progress = Callable[[Import], None]


class ImportRefused(ValueError):  # noqa: N818 - a sentence about a file, not a fault in the program
    """A file can't be imported: one sentence that says what to do.

    ``columns`` are the titles to choose from where the column of user ids is the matter.
    """

    def __init__(self, sentence: str, columns: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.columns = list(columns)


def import_contacts(
    path: Path,
    *,
    channel: Channel,
    id_column: str | None = None,
    tags: Sequence[str] = (),
    dry_run: bool = False,
    rejects: Path | None = None,
    filename: str | None = None,
    progress: Progress | None = None,
    by: Agent | str,
) -> Import:
    """Import the people of a CSV file to a channel; ``dry_run`` only counts.

    Known user ids are updated: attributes are merged, an empty cell leaves what is there. Who has
    opted out stays so. Lines that can't be taken are written to ``rejects`` (by default a file in
    the data folder) with the reason. ``progress`` is called with the import's row after each
    chunk. Raises ImportRefused; what stood in the file before the fault is then untouched when
    the file itself is wrong, and imported when disk or database failed half way.
    """
    try:
        file = CsvFile(path)
        column = choose_column(file.columns, channel.kind, id_column)
        layout = Layout(file.columns, column, checker(channel.kind))
        names = check_names(tags)
    except ColumnsError as error:
        raise ImportRefused(str(error), error.columns) from None
    except (CsvError, TagError) as error:
        raise ImportRefused(str(error)) from None
    except OSError as error:
        raise ImportRefused(f"{path} can't be read: {error.strerror}.") from None
    row = Import.objects.create(
        channel=channel,
        filename=(filename or path.name)[-255:],
        id_column=column[:200],
        tags=names,
        dry_run=dry_run,
        bytes_total=file.size,
    )
    row.rejects_path = str(rejects or _rejects_path(row))
    run = _Run(row, file, layout, names, progress or _nobody)
    _guarded(run)
    audit.note(
        "contacts.import",
        f"import {row.pk}",
        by,
        file=row.filename,
        created=row.created,
        updated=row.updated,
        dry_run=dry_run,
    )
    return row


def mark_interrupted() -> int:
    """Mark imports as failed whose process has not been heard of for a minute; how many."""
    now = clock.now()
    silent = Import.objects.filter(
        state=Import.State.RUNNING, beat_at__lt=now - timedelta(seconds=SILENCE)
    )
    return silent.update(
        state=Import.State.FAILED,
        error=f"The import was interrupted: its process ended. {_AGAIN}",
        finished_at=now,
    )


def _nobody(row: Import) -> None:
    """Nobody watches the progress."""


def _rejects_path(row: Import) -> Path:
    folder = Path(settings.CLARION.data) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder / f"rejects-{row.pk}.csv"


def _guarded(run: "_Run") -> None:
    """Run an import to its end. What stops it is put in a sentence and noted in its row."""
    try:
        try:
            run.check()
            run.go()
        finally:
            run.rejects.close()
    except ImportRefused as refused:
        run.fail(str(refused))
        raise
    except (CsvError, OSError, DatabaseError) as error:
        sentence = _sentence(error, run.row)
        run.fail(sentence)
        raise ImportRefused(sentence) from error


def _sentence(error: CsvError | OSError | DatabaseError, row: Import) -> str:
    if isinstance(error, CsvError):
        return str(error)
    so_far = f"The first {row.lines:,} lines are done." if row.lines else "Nothing was imported."
    if row.dry_run:
        so_far = "Nothing was changed."
    if _is_full(error):
        return f"The disk is full. {so_far} Make room, then import the file again."
    if isinstance(error, OSError):
        return f"{error.filename or 'A file'} can't be used: {error.strerror}. {so_far} {_AGAIN}"
    if db.is_passing(error):
        return f"The database can't be reached or is busy. {so_far} {_AGAIN}"
    return f"The database refused the import ({error}). {so_far}"


def _is_full(error: Exception) -> bool:
    if isinstance(error, OSError):
        return error.errno in {errno.ENOSPC, errno.EDQUOT}
    code = getattr(error.__cause__, "sqlstate", None)
    return code in _DISK_FULL or "disk is full" in str(error)


class _Run:
    """One import on its way."""

    def __init__(
        self,
        row: Import,
        file: CsvFile,
        layout: Layout,
        tags: Sequence[str],
        progress: Progress,
    ) -> None:
        self.row = row
        self.rejects = Rejects(Path(row.rejects_path))
        self._file = file
        self._layout = layout
        self._tags = tags
        self._progress = progress
        self._repeats = Repeats()
        self._people: list[Person] = []
        self._lines = 0  # since the last chunk

    def check(self) -> None:
        """Go through the whole file, so that nothing is written of one that breaks off."""
        any_line = False
        for count, (_, cells) in enumerate(self._file.rows(), 1):
            any_line = True
            self._repeats.note(self._layout.id_of(cells))
            if count % (CHUNK * 20) == 0:
                self._beat()
        if not any_line:
            raise ImportRefused("The file has a title line and nothing below it.")

    def go(self) -> None:
        """Import chunk by chunk, and mark the import as done."""
        tag_ids: list[int] = []
        if not self.row.dry_run:
            tag_ids = list(ensure_tags(self._tags).values())
            note_attributes(self._layout.attributes)
        for line, cells in self._file.rows():
            self._take(line, cells)
            if self._lines == CHUNK:
                self._commit(tag_ids, self._file.position)
        self._commit(tag_ids, self._file.size)
        self._finish(Import.State.DONE)

    def fail(self, sentence: str) -> None:
        """Note in the row why the import has ended."""
        try:
            self._finish(Import.State.FAILED, sentence)
        except DatabaseError:
            # The database is why it fails. mark_interrupted will find the row; the sentence is
            # told by the exception that is on its way.
            self.row.state = Import.State.RUNNING

    def _take(self, line: int, cells: list[str]) -> None:
        self._lines += 1
        try:
            person = self._layout.person(cells)
        except (BadLineError, BadIdError) as error:
            self.rejects.add(line, self._layout.id_of(cells), str(error))
            return
        first = self._repeats.first_line(person.value, line)
        if first is None:
            self._people.append(person)
        else:
            self.rejects.add(line, person.value, f"same id as line {first}")

    def _commit(self, tag_ids: Sequence[int], position: int) -> None:
        """Store the people gathered, together with the progress that this makes."""
        row = self.row
        with db.write():
            if row.dry_run:
                people = (person.value for person in self._people)
                updated = len(known_contacts(row.channel_id, people))
                created = len(self._people) - updated
            else:
                created, updated = store(row.channel_id, self._people, tag_ids, clock.now_us())
            self._beat(
                lines=row.lines + self._lines,
                created=row.created + created,
                updated=row.updated + updated,
                rejected=self.rejects.count,
                bytes_done=position,
            )
            self.rejects.flush()
        self._people.clear()
        self._lines = 0
        self._progress(row)

    def _beat(self, **changes: int) -> None:
        """Write progress. Raises ImportRefused when the row says that this import is over."""
        now = clock.now()
        alive = Import.objects.filter(pk=self.row.pk, state=Import.State.RUNNING)
        if not alive.update(beat_at=now, **changes):
            raise ImportRefused(f"The import was taken for interrupted. {_AGAIN}")
        for field, value in {**changes, "beat_at": now}.items():
            setattr(self.row, field, value)

    def _finish(self, state: Import.State, error: str = "") -> None:
        row = self.row
        row.state, row.error, row.finished_at = state, error, clock.now()
        row.rejects_path = row.rejects_path if self.rejects.count else ""
        row.save(update_fields=["state", "error", "finished_at", "rejects_path"])
