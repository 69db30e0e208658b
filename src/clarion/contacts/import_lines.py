"""From a line of a CSV file to a person, or to the reason why not."""

import json
import re
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import cache
from typing import NamedTuple
from zoneinfo import available_timezones

from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.channels.registry import id_reader, id_writer
from clarion.contacts.attribute_types import NO, YES, WrongValueError, convert, types_of
from clarion.contacts.attributes import LONGEST, OWN_FIELDS, attribute_name
from clarion.contacts.user_ids import find_column, looks_like_data
from clarion.kit import clock
from clarion.kit.names import some

ATTRIBUTES_LIMIT = 64 * 1024  # characters of one person's attributes, as JSON
_OWN_TITLES = {"name": "name", "language": "language"}
_OWN_TITLES |= {"time_zone": "time_zone", "timezone": "time_zone"}
_LONGEST_OWN = (200, 35, 64)  # characters of each of OWN_FIELDS
_LANGUAGE = OWN_FIELDS.index("language")
# A language of two or three letters, and what narrows it down (RFC 5646 2.1; longer ones there are
# reserved and none is in use).
_LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_ZONE = OWN_FIELDS.index("time_zone")
# Columns that say whether somebody has written to the channel, and when the last time was.
_HAS_WRITTEN, _WROTE_AT = "has_written", "wrote_at"
_ANSWERS = {"": None, **dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
_quoted = json.encoder.encode_basestring  # a string as JSON, several times faster than dumps


class ColumnsError(ValueError):
    """The columns of a file can't be used as they are; says what to do."""

    def __init__(self, sentence: str, columns: Sequence[str]) -> None:
        super().__init__(sentence)
        self.columns = list(columns)


class BadLineError(ValueError):
    """This line can't be taken: the reason, in a few words."""


class Person(NamedTuple):
    """One line, understood."""

    value: str  # the user id
    name: str = ""
    language: str = ""
    time_zone: str = ""
    attributes: str = "{}"  # a JSON object
    written: str = ""  # the user id as it is sent to, where that differs
    has_written: bool = False  # to the channel, ever
    wrote_at: int | None = None  # the last time, in microseconds


def choose_column(
    columns: Sequence[str], kind: str, wanted: str | None, *, any_title: bool = False
) -> str:
    """The title of the column of user ids. Raises ColumnsError, which lists the columns.

    A title that looks like a user id is refused, unless ``any_title`` will do.
    """
    titles = some(columns, 20)
    if wanted is not None:
        for title in columns:
            if title.lower() == wanted.strip().lower():
                return title
        raise ColumnsError(f"There is no column “{wanted}”. The columns are: {titles}.", columns)
    column = find_column(columns, kind)
    if column is None:
        raise ColumnsError(f"Choose the column of user ids. The columns are: {titles}.", columns)
    if looks_like_data(column) and not any_title:
        raise ColumnsError(
            f"The first line, “{column[:100]}”, looks like a user id. Add a header row above it.",
            columns,
        )
    return column


class Layout:
    """What each column of a file means."""

    def __init__(
        self,
        columns: Sequence[str],
        id_column: str,
        channel: Channel,
        *,
        have_written: bool = False,
    ) -> None:
        """``have_written``: all of these people have written to the channel.

        Raises ColumnsError when a title can't become a variable, or two become the same.
        """
        self.width = len(columns)
        self.id_place = columns.index(id_column)
        self._check = id_reader(channel)
        self._write = id_writer(channel)
        self._have_written = have_written
        self._writing: dict[str, int] = {}  # _HAS_WRITTEN and _WROTE_AT -> place
        self._own: list[tuple[int, int]] = []  # which of OWN_FIELDS, place
        self.attributes: list[str] = []  # the names of those that this file brings
        # Place, name as JSON and a colon, and the type, if the attribute is declared.
        self._prefixes: list[tuple[int, str, str]] = []
        self._types = types_of(map(attribute_name, columns))
        titles: dict[str, str] = {}  # name -> the title that has it
        for index, title in enumerate(columns):
            if index != self.id_place:
                self._add(index, title, titles, columns)

    def person(self, cells: Sequence[str]) -> Person:
        """The person on a line. Raises BadLineError, or BadIdError."""
        if len(cells) != self.width:
            fault = "too few" if len(cells) < self.width else "too many"
            raise BadLineError(f"{fault} cells: {len(cells)} instead of {self.width}")
        value = self._check(cells[self.id_place])
        pairs = [
            prefix + (_typed(type_, cell, prefix) if type_ else _quoted(cell))
            for index, prefix, type_ in self._prefixes
            if (cell := cells[index].strip())
        ]
        attributes = f"{{{','.join(pairs)}}}"
        if len(attributes) > ATTRIBUTES_LIMIT:
            raise BadLineError(f"its cells have more than {ATTRIBUTES_LIMIT:,} characters together")
        own = ["", "", ""]
        for slot, index in self._own:
            own[slot] = own_value(slot, cells[index].strip())
        written = ""
        if self._write and value != cells[self.id_place]:
            written = self._write(cells[self.id_place])
        person = Person(
            value, own[0], own[1], own[2], attributes, "" if written == value else written,
            self._have_written,
        )  # fmt: skip
        return self._with_writing(person, cells) if self._writing else person

    def _with_writing(self, person: Person, cells: Sequence[str]) -> Person:
        """The person, with what the file says about their writing. Raises BadLineError."""
        cells_of = {name: cells[column].strip() for name, column in self._writing.items()}
        answer, moment = cells_of.get(_HAS_WRITTEN, ""), cells_of.get(_WROTE_AT, "")
        if answer.lower() not in _ANSWERS:
            raise BadLineError(f"{_HAS_WRITTEN} is “{answer[:40]}”; use yes or no")
        wrote_at = _moment(moment) if moment else None
        has_written = bool(_ANSWERS[answer.lower()]) or wrote_at is not None
        return person._replace(has_written=has_written or person.has_written, wrote_at=wrote_at)

    def id_of(self, cells: Sequence[str]) -> str:
        """The cell of the user id as it stands, empty when the line is too short."""
        return cells[self.id_place] if self.id_place < len(cells) else ""

    def value_of(self, cells: Sequence[str]) -> str | None:
        """The user id in the form that is compared, None where there is none."""
        try:
            return self._check(cells[self.id_place])
        except (BadIdError, IndexError):
            return None

    def _add(self, index: int, title: str, titles: dict[str, str], columns: Sequence[str]) -> None:
        name = attribute_name(title)
        if not name:
            raise ColumnsError(
                f"“{title[:100]}” can't be the title of a column. "
                f"Use letters and digits, at most {LONGEST}.",
                columns,
            )
        if name.lower() in {_HAS_WRITTEN, _WROTE_AT}:
            name = name.lower()
            if name not in self._writing:
                self._writing[name], titles[name] = index, title
                return
        own = _OWN_TITLES.get(name.lower())
        for key in {name, f"own {own}"} if own else {name}:
            if key in titles:
                raise ColumnsError(
                    f"The columns “{titles[key]}” and “{title}” mean the same. Rename one of them.",
                    columns,
                )
            titles[key] = title
        if own:
            self._own.append((OWN_FIELDS.index(own), index))
        if name not in OWN_FIELDS:  # under another title it is a variable as well
            self.attributes.append(name)
            self._prefixes.append((index, f"{_quoted(name)}:", self._types.get(name, "")))


def _typed(type_: str, cell: str, prefix: str) -> str:
    """A cell as JSON, in the form of a type. Raises BadLineError."""
    try:
        return json.dumps(convert(type_, cell), ensure_ascii=False)
    except WrongValueError as error:
        raise BadLineError(f"{json.loads(prefix[:-1])}: {error}") from None


def own_value(slot: int, text: str) -> str:
    """What somebody gave for one of OWN_FIELDS, as it is stored. Raises BadLineError."""
    if not text.isprintable() or (slot == _LANGUAGE and text):
        text = _tidied(slot, text)
    if len(text) > _LONGEST_OWN[slot] or (slot == _ZONE and text not in _zones()):
        raise BadLineError(_own_fault(slot, text))
    return text


def _tidied(slot: int, cell: str) -> str:
    """A cell of one's own field on one line, and a language by its code. Raises BadLineError."""
    cell = " ".join(cell.split())
    if any(unicodedata.category(sign) == "Cc" for sign in cell):
        raise BadLineError(f"the {OWN_FIELDS[slot]} has a control character")
    if slot == _LANGUAGE:
        cell = cell.replace("_", "-")
        if not _LANGUAGE_CODE.fullmatch(cell):
            raise BadLineError(
                f"“{cell[:40]}” is not the code of a language; use one like de or pt-BR"
            )
    return cell


def _moment(cell: str) -> int:
    """A date or a time of a file, in microseconds. Raises BadLineError."""
    try:
        at = datetime.fromisoformat(cell)
    except ValueError:
        raise BadLineError(f"{_WROTE_AT} is “{cell[:40]}”; use a date such as 2026-11-30") from None
    return clock.to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def _own_fault(slot: int, cell: str) -> str:
    if len(cell) > _LONGEST_OWN[slot]:
        return f"the {OWN_FIELDS[slot]} is longer than {_LONGEST_OWN[slot]} characters"
    return f"there is no time zone “{cell}”; use one like Europe/Berlin"


@cache
def _zones() -> set[str]:
    return available_timezones() | {""}
