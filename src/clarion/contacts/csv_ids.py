"""An audience from a CSV file of user ids (A3)."""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from clarion.channels.models import Channel
from clarion.contacts.import_lines import ColumnsError, choose_column
from clarion.contacts.rejects import Reject, Rejects
from clarion.contacts.repeats import Repeats
from clarion.contacts.user_ids import BadIdError, checker
from clarion.kit import db
from clarion.kit.csvfile import CsvError, CsvFile

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
    column: str  # where the user ids stand
    address_ids: Sequence[int]  # 8 bytes each
    rejected: list[Reject]  # the first 1,000 of them
    rejected_count: int
    rejects_path: Path | None  # a CSV file of all of them, where one was asked for


def read_ids(
    path: Path, *, channel: Channel, column: str | None = None, rejects: Path | None = None
) -> IdList:
    """The addresses behind the user ids of a file: only those already known on the channel.

    Every other row is rejected, with its line number and the reason. ``column`` is needed where
    the file has several and no title says which it is. Raises IdsRefused, also when ``rejects``
    can't be written.
    """
    left_out = Rejects(rejects)
    try:
        file = CsvFile(path)
        chosen = choose_column(file.columns, channel.kind, column)
        place = file.columns.index(chosen)
        with closing(left_out):
            found = _known(file, place, channel, left_out)
    except ColumnsError as error:
        raise IdsRefused(str(error), error.columns) from None
    except CsvError as error:
        raise IdsRefused(str(error)) from None
    except OSError as error:
        raise IdsRefused(f"{error.filename or path} can't be used: {error.strerror}.") from None
    if not found and not left_out.count:
        raise IdsRefused("The file has a title line and nothing below it.")
    return IdList(
        columns=file.columns,
        column=chosen,
        address_ids=found,
        rejected=left_out.shown,
        rejected_count=left_out.count,
        rejects_path=rejects if left_out.count else None,
    )


def _known(file: CsvFile, place: int, channel: Channel, left_out: Rejects) -> "array[int]":
    repeats = Repeats()
    for _, cells in file.rows():
        if place < len(cells):
            repeats.note(cells[place])
    found = array("q")
    for chunk, wrong in _chunks(file, place, channel.kind, repeats):
        addresses = dict(
            db.fetch(
                f"SELECT v.value, a.id FROM {db.rows([('value', 'text')])} "
                "CROSS JOIN contacts_address a WHERE a.channel_id = %s AND a.value = v.value",
                [db.pack([value] for value in chunk), channel.pk],
            )
        )
        found.extend(addresses.values())
        unknown = f"not known on {channel.name}"
        wrong += [
            Reject(line, value, unknown) for value, line in chunk.items() if value not in addresses
        ]
        for reject in sorted(wrong):
            left_out.add(*reject)
    return found


def _chunks(
    file: CsvFile, place: int, kind: str, repeats: Repeats
) -> Iterator[tuple[dict[str, int], list[Reject]]]:
    """Some thousand lines at a time: the possible ids with their lines, and what is wrong."""
    check = checker(kind)
    chunk: dict[str, int] = {}
    wrong: list[Reject] = []
    for line, cells in file.rows():
        if place < len(cells):
            try:
                value = check(cells[place])
            except BadIdError as error:
                wrong.append(Reject(line, cells[place], str(error)))
            else:
                first = repeats.first_line(value, line)
                if first is None:
                    chunk[value] = line
                else:
                    wrong.append(Reject(line, value, f"same id as line {first}"))
        else:
            reason = f"too few cells: {len(cells)} instead of {len(file.columns)}"
            wrong.append(Reject(line, "", reason))
        if len(chunk) + len(wrong) == CHUNK:
            yield chunk, wrong
            chunk, wrong = {}, []
    yield chunk, wrong
