"""An audience from a CSV file of user ids (A3).

The first line is the header row, whatever it says, unless it is itself the id of somebody known on
the channel: then the file has no header row. A title that only looks like an id is listed with the
rows that were left out, so that nobody is lost without a word.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.channels.registry import id_reader
from clarion.contacts import identities
from clarion.contacts.import_lines import choose_column
from clarion.contacts.import_mapping import ColumnsError
from clarion.contacts.rejects import Reject, Rejects
from clarion.contacts.repeats import Repeats
from clarion.contacts.user_ids import looks_like_data
from clarion.kit import db
from clarion.kit.csvfile import CsvError, CsvFile, Row

CHUNK = 5_000


class IdsRefused(ValueError):  # noqa: N818 - a sentence about a file, not a fault in the program
    """A file can't be used: one sentence that says what to do.

    ``columns`` are the titles to choose from where the column of user ids is the matter.
    """

    def __init__(self, sentence: str, columns: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.columns = list(columns)


@dataclass(frozen=True, slots=True)
class IdList:
    """Whom a file names."""

    columns: list[str]
    column: str  # where the user ids stand: its title, or the first of them
    has_title: bool
    address_ids: Sequence[int]  # 8 bytes each
    rejected: list[Reject]  # the first 1,000 of them
    rejected_count: int
    rejects_path: Path | None  # a CSV file of all of them, where one was asked for


def read_ids(
    path: Path,
    *,
    channel: Channel,
    column: str | None = None,
    rejects: Path | None = None,
    only_written: bool = False,
) -> IdList:
    """The addresses behind the user ids of a file: only those already known on the channel.

    ``only_written``: of them only those of people who have written to the channel.
    Every other row is rejected, with its line number and the reason. ``column`` is needed where
    the file has several and no title says which it is. Raises IdsRefused, also when ``rejects``
    can't be written.
    """
    left_out = Rejects(rejects)
    try:
        file = CsvFile(path)
        chosen = choose_column(file.columns, channel.kind, column, any_title=True)
        column_index = file.columns.index(chosen)
        has_title = not _is_known(chosen, channel)
        with closing(left_out):
            if has_title and looks_like_data(chosen):
                left_out.add(
                    file.header_line, chosen, f"the header row; not known on {channel.name}"
                )
            rows = _Rows(file, column_index, has_title)
            address_ids = _known(rows, channel, left_out, only_written=only_written)
    except ColumnsError as error:
        raise IdsRefused(str(error), error.columns) from None
    except CsvError as error:
        raise IdsRefused(str(error)) from None
    except OSError as error:
        raise IdsRefused(f"{error.filename or path} can't be used: {error.strerror}.") from None
    if not address_ids and not left_out.count:
        raise IdsRefused("The file has a header row and nothing below it.")
    return IdList(
        columns=file.columns,
        column=chosen,
        has_title=has_title,
        address_ids=address_ids,
        rejected=left_out.shown,
        rejected_count=left_out.count,
        rejects_path=rejects if left_out.count else None,
    )


class _Rows:
    """The rows of a file that hold ids; may be gone through more than once."""

    def __init__(self, file: CsvFile, column_index: int, has_title: bool) -> None:
        self.column_index = column_index  # of the id among the cells
        self.width = len(file.columns)
        self._file = file
        self._has_title = has_title

    def __iter__(self) -> Iterator[Row]:
        if not self._has_title:
            yield self._file.header_line, self._file.columns
        yield from self._file.rows()


def _is_known(value: str, channel: Channel) -> bool:
    return bool(identities.look_up(channel, [value]))


def _known(rows: _Rows, channel: Channel, left_out: Rejects, *, only_written: bool) -> "array[int]":
    check = id_reader(channel)
    repeats = Repeats()
    for _, cells in rows:
        if rows.column_index < len(cells):
            with suppress(BadIdError):  # told the second time
                repeats.note(check(cells[rows.column_index]))
    address_ids, lines = array("q"), array("q")
    aliases = False
    for chunk, wrong in _chunks(rows, check, repeats):
        matches = identities.matches(channel.pk, chunk)
        aliases |= any(match.is_alias for match in matches.values())
        unknown = f"not known on {channel.name}"
        silent = _never_wrote(matches.values()) if only_written else set()
        for value, (line, cell) in chunk.items():
            if value in matches and matches[value].address in silent:
                wrong.append(Reject(line, cell, f"has never written to {channel.name}"))
            elif value in matches:
                address_ids.append(matches[value].address)
                lines.append(line)
            else:
                wrong.append(Reject(line, cell, unknown))
        for reject in sorted(wrong):
            left_out.add(*reject)
    return _once(address_ids, lines, left_out) if aliases else address_ids


def _never_wrote(matches: Iterable[identities.Match]) -> set[int]:
    """The addresses among these of people who have never written."""
    rows = db.fetch(
        f"SELECT a.id FROM {db.json_table([('id', 'int')])} "
        "CROSS JOIN contacts_address a WHERE a.id = v.id AND NOT a.has_written",
        [db.json_param([match.address] for match in matches)],
    )
    return {row[0] for row in rows}


def _once(address_ids: "array[int]", lines: "array[int]", left_out: Rejects) -> "array[int]":
    """Each address once; a file that has two user ids of one contact has it twice."""
    first: dict[int, int] = {}
    for address, line in zip(address_ids, lines, strict=True):
        if address in first:
            left_out.add(line, "", f"another user id of the contact in line {first[address]}")
        else:
            first[address] = line
    return array("q", first)


def _chunks(
    rows: _Rows, check: Callable[[str], str], repeats: Repeats
) -> Iterator[tuple[dict[str, tuple[int, str]], list[Reject]]]:
    """Some thousand lines at a time: the possible ids with their lines and cells, and what is wrong
    with the others."""
    chunk: dict[str, tuple[int, str]] = {}
    wrong: list[Reject] = []
    for line, cells in rows:
        if rows.column_index < len(cells):
            cell = cells[rows.column_index]
            try:
                value = check(cell)
            except BadIdError as error:
                wrong.append(Reject(line, cell, str(error)))
            else:
                first = repeats.first_line(value, line)
                if first is None:
                    chunk[value] = (line, cell)
                else:
                    wrong.append(Reject(line, cell, f"same id as line {first}"))
        else:
            reason = f"too few cells: {len(cells)} instead of {rows.width}"
            wrong.append(Reject(line, "", reason))
        if len(chunk) + len(wrong) == CHUNK:
            yield chunk, wrong
            chunk, wrong = {}, []
    yield chunk, wrong
