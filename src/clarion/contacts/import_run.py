"""One import while a process does it: twice through the file, and its row kept up to date.

The file is gone through twice. First as a whole, writing nothing: a file that can't be read to its
end is refused. Then in chunks, each one transaction together with the progress, so that what a
crash leaves is a number of whole chunks. A run of an import that was interrupted passes over the
lines that are stored already.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from django.conf import settings

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.contacts.attributes import note_attributes
from clarion.contacts.import_addresses import MERGE_FIRST
from clarion.contacts.import_changes import ranges
from clarion.contacts.import_lines import (
    BadLineError,
    Layout,
    Person,
    check_title,
    choose_column,
)
from clarion.contacts.import_mapping import Columns, ColumnsError, by_titles, chosen
from clarion.contacts.import_store import How, Stored, expected, store
from clarion.contacts.models import Attribute, Import, ImportPart
from clarion.contacts.rejects import Reject, Rejects
from clarion.contacts.repeats import Repeats
from clarion.contacts.signals import consents_imported
from clarion.contacts.tags import TagError, check_names, ensure_tags
from clarion.kit import clock, db
from clarion.kit.csvfile import CsvError, CsvFile
from clarion.kit.encodings import find_encoding

CHUNK = 1_000  # lines of one transaction: nobody else writes meanwhile on SQLite
LOOKED_AT = 10_000  # lines of the first pass between two signs of life
Progress = Callable[[Import], None]
Stopping = Callable[[], bool]
NOTHING: Mapping[int, Reject] = {}


class ImportRefused(ValueError):  # noqa: N818 - a sentence about a file, not a fault in the program
    """A file can't be imported: one sentence that says what to do.

    ``columns`` are the titles to choose from where the column of user ids is the problem.
    """

    def __init__(self, sentence: str, columns: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.columns = list(columns)


class StoppedError(Exception):
    """The process was asked to stop, so the run broke off between two chunks."""


class TakenAwayError(Exception):
    """The import's row says that this run is over: another process has it, or it has failed."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A file and what its columns mean."""

    file: CsvFile
    column: str  # of user ids, the first of them
    columns: Columns
    layout: Layout
    tags: list[str]

    @classmethod
    def read(
        cls,
        path: Path,
        channel: Channel,
        id_column: str | None,
        tags: Sequence[str],
        *,
        have_written: bool,
        mapping: Sequence[str] = (),
    ) -> Self:
        """Read the header row. Raises ImportRefused when it or the tags can't be used.

        ``mapping``: what each column becomes (``import_mapping``), by default what its title says.
        ``have_written``: all of these people have written to the channel.
        """
        try:
            file = open_file(path)
            if mapping:
                columns = chosen(file.columns, mapping)
                column = columns.titles[columns.addresses[0].position]
                check_title(column, columns.titles)
            else:
                column = choose_column(file.columns, channel.kind, id_column)
                columns = by_titles(file.columns, column, channel)
            layout = Layout(columns, have_written=have_written)
            return cls(file, column, columns, layout, check_names(tags))
        except ColumnsError as error:
            raise ImportRefused(str(error), error.columns) from None
        except TagError as error:
            raise ImportRefused(str(error)) from None


class ImportRun:
    """Does one import, from where its row says that an earlier run came to."""

    def __init__(
        self,
        row: Import,
        plan: Plan,
        progress: Progress,
        stopping: Stopping,
        conflicts: Mapping[int, Reject] = NOTHING,
    ) -> None:
        """``progress`` is called after each chunk; ``stopping`` says whether to break off.

        ``conflicts``: lines that an earlier run could not store, by their number.
        """
        self._conflicts = conflicts
        self.row = row
        self.rejects = Rejects(rejects_folder() / row.rejects_path)
        self._plan = plan
        self._progress = progress
        self._stopping = stopping
        self._repeats = Repeats()
        self._by: Agent | str = audit.WORKER
        self._people: list[Person] = []
        self._has_several = len(plan.layout.channel_ids) > 1
        self._lines_of: dict[tuple[int, str], int] = {}  # of them, by channel and user id
        self._lines = 0  # gone through so far
        self._repeated = 0  # of them, whose id came before
        self._stored = row.lines  # of them, by an earlier run

    def run(self, by: Agent | str) -> None:
        """Do all of it as ``by``.

        Raises StoppedError and TakenAwayError: the row is then left to others.

        Raises ImportRefused, CsvError, OSError or DatabaseError for what is wrong.
        """
        self._by = by
        try:
            self._check()
            self._store()
        finally:
            self.rejects.close()
        with db.write():
            finish(self.row, Import.State.DONE)
            audit.note(
                "contacts.import",
                f"import {self.row.pk}",
                by,
                file=self.row.filename,
                created=self.row.created,
                updated=self.row.updated,
                dry_run=self.row.dry_run,
            )

    def _check(self) -> None:
        """Go through the whole file, so that nothing is written of one that breaks off."""
        any_line = False
        for count, (_, cells) in enumerate(self._plan.file.rows(), 1):
            any_line = True
            for key in self._plan.layout.keys_of(cells):
                self._repeats.note(key)
            if count % LOOKED_AT == 0:
                self._stop_if_asked()
                _write(self.row, beat_at=clock.from_us(db.now_us()))
        if not any_line:
            raise ImportRefused("The file has a header row and nothing below it.")

    def _store(self) -> None:
        if not self.row.dry_run:
            ensure_tags(self._plan.tags)
            note_attributes(self._plan.layout.attributes)
            for name, type_ in sorted(self._plan.columns.new_types.items()):
                Attribute.objects.filter(name=name, type="").update(type=type_)
        for line, cells in self._plan.file.rows():
            self._take(line, cells)
            if self._lines % CHUNK == 0:
                self._commit(self._plan.file.position)
                self._stop_if_asked()
        self._commit(self._plan.file.size)

    def _take(self, line: int, cells: list[str]) -> None:
        self._lines += 1
        try:
            person = self._plan.layout.person(cells)
        except (BadLineError, BadIdError) as error:
            self.rejects.add(line, self._plan.layout.id_of(cells), str(error))
            return
        first = self._first_line(person, line)
        if first is not None:
            self._repeated += 1
            value = person.written or person.value
            self.rejects.add(line, value, f"same id as line {first}")
        elif self._lines <= self._stored:
            if line in self._conflicts:
                self.rejects.add(*self._conflicts[line])
        else:
            self._people.append(person)
            if self._has_several:
                self._lines_of[person.channel, person.value] = line

    def _first_line(self, person: Person, line: int) -> int | None:
        """The earlier line that has one of these user ids."""
        if not self._has_several:
            return self._repeats.first_line(person.value, line)
        lines = [self._repeats.first_line(key, line) for key in self._plan.layout.keys(person)]
        return min(filter(None, lines), default=None)

    def _commit(self, position: int) -> None:
        """Store the people gathered, together with the progress that this makes."""
        if self._lines <= self._stored:
            return
        with db.write():
            stored = self._store_people(self._tag_ids())
            for person, why in stored.conflicts:
                line = self._lines_of[person.channel, person.value]
                self.rejects.add(line, person.written or person.value, why)
            if stored.created_ids or stored.changes:
                ImportPart.objects.create(
                    row=self.row, created=ranges(stored.created_ids), changes=stored.changes
                )
            self.rejects.flush()
            _write(
                self.row,
                lines=self._lines,
                created=self.row.created + stored.created,
                updated=self.row.updated + stored.updated,
                unchanged=self.row.unchanged + stored.unchanged,
                skipped=self.row.skipped + stored.skipped,
                repeated=self._repeated,
                rejected=self.rejects.count - self._repeated,
                bytes_done=position,
                beat_at=clock.from_us(db.now_us()),
            )
        self._people.clear()
        self._lines_of.clear()
        self._stored = self._lines
        self._progress(self.row)

    def _tag_ids(self) -> list[int]:
        """The tags of the file as they are called now: one may be merged while the import runs,
        and that waits for the row from here on."""
        if self.row.dry_run or not self._plan.tags:
            return []
        row = Import.objects.select_for_update(no_key=True).filter(pk=self.row.pk).first()
        if row is None:
            raise TakenAwayError
        return list(ensure_tags(row.tags).values())

    def _store_people(self, tag_ids: Sequence[int]) -> Stored:
        """Store the people gathered; of a dry run, say how many are new and how many known."""
        how = How(self.row.mode, self.row.wins)
        if not self.row.dry_run:
            return store(self._people, tag_ids, clock.now_us(), how, self._note_consents)
        return expected(self._people, how)

    def _note_consents(self, people: Sequence[tuple[int, Person]]) -> set[int]:
        """Have noted what lines say about consents; return the contacts that changed by it."""
        giving: defaultdict[int, list[int]] = defaultdict(list)
        withdrawn: defaultdict[int, list[int]] = defaultdict(list)
        for contact, person in people:
            for consent, is_given in person.consents:
                (giving if is_given else withdrawn)[consent].append(contact)
        answers: list[tuple[Any, Any]] = consents_imported.send(
            Import,
            given=giving,
            withdrawn=withdrawn,
            at=self.row.started_at,
            detail=f"import {self.row.pk}, {self.row.filename}",
            by=self._by,
        )
        return {contact for _receiver, changed in answers for contact in changed}

    def _stop_if_asked(self) -> None:
        if self._stopping():
            raise StoppedError


def finish(row: Import, state: Import.State, error: str = "") -> None:
    """Write how an import of this process ended. Raises TakenAwayError when it isn't any more."""
    _write(
        row,
        state=state,
        error=error,
        finished_at=clock.now(),
        rejects_path=row.rejects_path if row.rejected or row.repeated else "",
        worker_id=None,
    )


def earlier_conflicts(row: Import) -> dict[int, Reject]:
    """The lines that an earlier run of an import could not store, from its file of rejects."""
    path = rejects_folder() / row.rejects_path
    if not row.lines or not path.exists():
        return {}
    rows = (Reject(int(cells[0]), cells[1], cells[2]) for _, cells in CsvFile(path).rows())
    return {reject.line: reject for reject in rows if reject.reason.endswith(MERGE_FIRST)}


def open_file(path: Path) -> CsvFile:
    """A file of contacts whose encoding was recognised and whose header row was read.

    Raises ImportRefused.
    """
    try:
        return CsvFile(path, encoding=find_encoding(path))
    except CsvError as error:
        raise ImportRefused(str(error)) from None
    except OSError as error:
        raise ImportRefused(f"{path} can't be read: {error.strerror}.") from None


def rejects_folder() -> Path:
    """The folder of the files of rejected lines; made when it is missing."""
    folder = Path(settings.CLARION.data) / "imports"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def _write(row: Import, **changes: Any) -> None:
    """Change the row, in the database and here. Raises TakenAwayError."""
    running = Import.objects.filter(pk=row.pk, state=Import.State.RUNNING, worker_id=row.worker_id)
    if not running.update(**changes):
        raise TakenAwayError
    for field, value in changes.items():
        setattr(row, field, value)
