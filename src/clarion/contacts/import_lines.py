"""From a line of a CSV file to a person, or to the reason why not."""

import json
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache
from typing import NamedTuple
from zoneinfo import available_timezones

from clarion.channels.contract import BadIdError
from clarion.channels.registry import id_reader, id_writer
from clarion.contacts.attribute_types import NO, SHORTENED, YES, WrongValueError, convert, types_of
from clarion.contacts.attributes import OWN_FIELDS
from clarion.contacts.import_mapping import HAS_WRITTEN, WROTE_AT, Columns, ColumnsError, Target
from clarion.contacts.tags import TagError, check_names
from clarion.contacts.user_ids import find_column, looks_like_data
from clarion.kit import clock
from clarion.kit.names import some

ATTRIBUTES_LIMIT = 64 * 1024  # characters of one person's attributes, as JSON
_LONGEST_OWN = (200, 35, 64)  # characters of each of OWN_FIELDS
_LANGUAGE = OWN_FIELDS.index("language")
# A language of two or three letters, and what narrows it down (RFC 5646 2.1; longer ones there are
# reserved and none is in use).
_LANGUAGE_CODE = re.compile(r"[A-Za-z]{2,3}(?:-[A-Za-z0-9]{1,8})*")
_ZONE = OWN_FIELDS.index("time_zone")
_ANSWERS = {"": None, **dict.fromkeys(YES, True), **dict.fromkeys(NO, False)}
_CONSENT_ANSWERS = {**_ANSWERS, "given": True, "withdrawn": False}
_BETWEEN_TAGS = re.compile(r"[,;\n]")
_MARKED = frozenset("=+-@0123456789")
_SEPARATOR, _ESCAPED_SEPARATOR = "\x1f", "\\u001f"
_quoted = json.encoder.encode_basestring  # a string as JSON, several times faster than dumps


class BadLineError(ValueError):
    """This line can't be taken: the reason, in a few words."""


Place = tuple[int, str, str]  # a channel, a user id, and how that is written where it differs


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
    channel: int = 0  # that the user id is of
    others: tuple[Place, ...] = ()  # further addresses
    tags: tuple[str, ...] = ()  # of this line, besides those of the file
    consents: tuple[tuple[int, bool], ...] = ()  # their ids, and whether they are given


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
    if not any_title:
        check_title(column, columns)
    return column


def check_title(column: str, columns: Sequence[str]) -> None:
    """Raise ColumnsError where the title of user ids is rather one of them."""
    if looks_like_data(column):
        raise ColumnsError(
            f"The first line, “{column[:100]}”, looks like a user id. Add a header row above it.",
            columns,
        )


class Layout:
    """What each column of a file means."""

    def __init__(self, columns: Columns, *, have_written: bool = False) -> None:
        """``have_written``: all of these people have written to the first of the channels."""
        self.width = len(columns.titles)
        self._have_written = have_written
        self._ids = [_IdColumn(target, columns) for target in columns.addresses]
        self.channel_ids = [column.channel_id for column in self._ids]
        self._writing: dict[str, int] = {}  # HAS_WRITTEN and WROTE_AT -> position
        self._own: list[tuple[int, int]] = []  # which of OWN_FIELDS, position
        self._tags: list[int] = []
        self._consents: list[tuple[int, int]] = []  # position, id
        self.attributes: list[str] = []  # the names of those that this file brings
        # Place, name as JSON and a colon, and the type, if the attribute is declared.
        self._prefixes: list[tuple[int, str, str]] = []
        types = types_of(each.key for each in columns.targets if each.kind == "attribute")
        types = columns.new_types | types
        for target in columns.targets:
            self._add(target, types)
        self._positions = [position for position, _, _ in self._prefixes]
        # All of them as JSON, where none has a type: filled in a third of the time.
        self._template = ""
        if not any(type_ for _, _, type_ in self._prefixes):
            pairs = (prefix.replace("%", "%%") + '"%s"' for _, prefix, _ in self._prefixes)
            self._template = f"{{{','.join(pairs)}}}"

    def person(self, cells: Sequence[str]) -> Person:
        """The person on a line. Raises BadLineError, or BadIdError."""
        if len(cells) != self.width:
            fault = "too few" if len(cells) < self.width else "too many"
            raise BadLineError(f"{fault} cells: {len(cells)} instead of {self.width}")
        others: list[Place] = []
        if len(self._ids) == 1:
            channel, value, written = self._ids[0].read(cells)
        else:
            (channel, value, written), *others = self._places(cells)
        attributes = self._attributes_of(cells)
        if len(attributes) > ATTRIBUTES_LIMIT:
            raise BadLineError(f"its cells have more than {ATTRIBUTES_LIMIT:,} characters together")
        own = ["", "", ""]
        for slot, index in self._own:
            own[slot] = own_value(slot, cells[index].strip())
        person = Person(
            value, own[0], own[1], own[2], attributes, written, self._have_written, None, channel,
            tuple(others),
        )  # fmt: skip
        if self._tags:
            person = person._replace(tags=self._tags_of(cells))
        if self._consents:
            person = person._replace(consents=self._consents_of(cells))
        return self._with_writing(person, cells) if self._writing else person

    def _attributes_of(self, cells: Sequence[str]) -> str:
        """The attributes of a line as JSON. Raises BadLineError."""
        texts = [*map(str.strip, map(cells.__getitem__, self._positions))]
        if self._template and all(texts):
            # Quoted in one call: a separator that no printable text has comes back escaped.
            quoted = _quoted(_SEPARATOR.join(texts))[1:-1].split(_ESCAPED_SEPARATOR)
            if len(quoted) == len(texts):
                return self._template % tuple(quoted)
        pairs = [
            prefix + (_typed(type_, text, prefix) if type_ else _quoted(text))
            for text, (_, prefix, type_) in zip(texts, self._prefixes, strict=True)
            if text
        ]
        return f"{{{','.join(pairs)}}}"

    def _places(self, cells: Sequence[str]) -> list[Place]:
        """Where the person is reached, at least once. Raises BadLineError, or BadIdError."""
        places = []
        for column in self._ids:
            if cells[column.position].strip():
                try:
                    places.append(column.read(cells))
                except BadIdError as error:
                    raise BadLineError(f"{column.title}: {error}") from None
        if not places:
            raise BadLineError("it has no address")
        return places

    def _tags_of(self, cells: Sequence[str]) -> tuple[str, ...]:
        names = {
            name.strip()
            for position in self._tags
            for name in _BETWEEN_TAGS.split(cells[position])
            if name.strip()
        }
        try:
            return tuple(check_names(names))
        except TagError as error:
            sentence = str(error).rstrip(".")
            raise BadLineError(f"{sentence[0].lower()}{sentence[1:]}") from None

    def _consents_of(self, cells: Sequence[str]) -> tuple[tuple[int, bool], ...]:
        """What is said of consents; nothing where a cell is empty. Raises BadLineError."""
        answers = []
        for position, consent in self._consents:
            text = cells[position].strip().lower()
            if text not in _CONSENT_ANSWERS:
                raise BadLineError(
                    f"“{cells[position][:40]}” says nothing of a consent; use given or withdrawn"
                )
            if text:
                answers.append((consent, bool(_CONSENT_ANSWERS[text])))
        return tuple(answers)

    def _with_writing(self, person: Person, cells: Sequence[str]) -> Person:
        """The person, with what the file says about their writing. Raises BadLineError."""
        cells_of = {name: cells[column].strip() for name, column in self._writing.items()}
        answer, moment = cells_of.get(HAS_WRITTEN, ""), cells_of.get(WROTE_AT, "")
        if answer.lower() not in _ANSWERS:
            raise BadLineError(f"{HAS_WRITTEN} is “{answer[:40]}”; use yes or no")
        wrote_at = _moment(moment) if moment else None
        has_written = bool(_ANSWERS[answer.lower()]) or wrote_at is not None
        return person._replace(has_written=has_written or person.has_written, wrote_at=wrote_at)

    def id_of(self, cells: Sequence[str]) -> str:
        """The first user id on a line as it is written, empty when the line has none."""
        written = (cells[each.position] for each in self._ids if each.position < len(cells))
        return next((cell for cell in written if cell.strip()), "")

    def keys_of(self, cells: Sequence[str]) -> list[str]:
        """What lines of one person have in common: their user ids in the form that is compared."""
        keys = []
        for column in self._ids:
            if column.position < len(cells) and cells[column.position]:
                try:
                    channel, value, _ = column.read(cells)
                except (BadIdError, BadLineError):  # reported when the line is stored
                    continue
                keys.append(self._key(channel, value))
        return keys

    def keys(self, person: Person) -> list[str]:
        """As ``keys_of``, of a person."""
        places = ((person.channel, person.value), *(position[:2] for position in person.others))
        return [self._key(channel, value) for channel, value in places]

    def _key(self, channel: int, value: str) -> str:
        return value if len(self._ids) == 1 else f"{channel} {value}"

    def _add(self, target: Target, types: Mapping[str, str]) -> None:
        if target.kind in OWN_FIELDS:
            self._own.append((OWN_FIELDS.index(target.kind), target.position))
        elif target.kind in {HAS_WRITTEN, WROTE_AT}:
            self._writing[target.kind] = target.position
        elif target.kind == "tags":
            self._tags.append(target.position)
        elif target.kind == "consent":
            self._consents.append((target.position, int(target.key)))
        elif target.kind == "attribute":
            self.attributes.append(target.key)
            prefix = f"{_quoted(target.key)}:"
            self._prefixes.append((target.position, prefix, types.get(target.key, "")))


class _IdColumn:
    """A column of user ids of one channel."""

    def __init__(self, target: Target, columns: Columns) -> None:
        channel = columns.channels[int(target.key)]
        self.position = target.position
        self.title = columns.titles[target.position]
        self.channel_id = channel.pk
        self._check = id_reader(channel)
        self._write = id_writer(channel)

    def read(self, cells: Sequence[str]) -> Place:
        """The channel, the user id, and how it is written where that differs.

        Raises BadIdError, or BadLineError for what a spreadsheet has shortened.
        """
        cell = cells[self.position]
        # As spreadsheets mark a text, and as Clarion exports what they might run.
        if cell[:1] == "'" and cell[1:2] in _MARKED:
            cell = cell[1:]
        if "E+" in cell and SHORTENED.fullmatch(cell.strip()):
            raise BadLineError(
                f"“{cell[:40]}” was shortened by a spreadsheet; format the column as text there"
            )
        value = self._check(cell)
        written = self._write(cell) if self._write and value != cell else ""
        return self.channel_id, value, "" if written == value else written


def _typed(type_: str, cell: str, prefix: str) -> str:
    """A cell as JSON, in the form of a type. Raises BadLineError."""
    try:
        return json.dumps(convert(type_, cell), ensure_ascii=False)
    except WrongValueError as error:
        raise BadLineError(f"{json.loads(prefix[:-1])}: {error}") from None


def own_value(slot: int, text: str) -> str:
    """What somebody gave for one of OWN_FIELDS, as it is stored. Raises BadLineError."""
    if slot == _LANGUAGE and text:
        return _language(text)
    if not text.isprintable():
        text = _tidied(slot, text)
    if len(text) > _LONGEST_OWN[slot] or (slot == _ZONE and text not in _zones()):
        raise BadLineError(_own_fault(slot, text))
    return text


@lru_cache(maxsize=1_024)
def _language(text: str) -> str:
    """A language as it is stored; a file has few different ones. Raises BadLineError."""
    text = _tidied(_LANGUAGE, text)
    if len(text) > _LONGEST_OWN[_LANGUAGE]:
        raise BadLineError(_own_fault(_LANGUAGE, text))
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
        raise BadLineError(f"{WROTE_AT} is “{cell[:40]}”; use a date such as 2026-11-30") from None
    return clock.to_us(at if at.tzinfo else at.replace(tzinfo=UTC))


def _own_fault(slot: int, cell: str) -> str:
    if len(cell) > _LONGEST_OWN[slot]:
        return f"the {OWN_FIELDS[slot]} is longer than {_LONGEST_OWN[slot]} characters"
    return f"there is no time zone “{cell}”; use one like Europe/Berlin"


@cache
def _zones() -> set[str]:
    return available_timezones() | {""}
