"""What the columns of an import become: read, guessed from titles, and remembered for next time."""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from clarion.channels.models import Channel
from clarion.contacts.attribute_types import detect, types_of
from clarion.contacts.attributes import LONGEST, OWN_FIELDS, attribute_name
from clarion.contacts.models import Attribute, Import
from clarion.contacts.signals import consents_to_import
from clarion.contacts.user_ids import find_column, says_kind
from clarion.kit.names import NAMED, no_such
from clarion.kit.text import clean

HAS_WRITTEN: Final = "has_written"
WROTE_AT: Final = "wrote_at"
SINGLE: Final = frozenset({*OWN_FIELDS, HAS_WRITTEN, WROTE_AT})  # one column each
PLAIN: Final = frozenset({*SINGLE, "tags", "ignore"})
BY_ID: Final = frozenset({"address", "consent"})
IGNORED: Final = "ignore"
_OWN_TITLES: Final = {
    "name": "name",
    "language": "language",
    "time_zone": "time_zone",
    "timezone": "time_zone",
    HAS_WRITTEN: HAS_WRITTEN,
    WROTE_AT: WROTE_AT,
}
_MORE_TITLES: Final = {  # guessed on the page, where a person sees the guess
    "fullname": "name",
    "displayname": "name",
    "lang": "language",
    "locale": "language",
    "timezone": "time_zone",
    "tz": "time_zone",
    "tag": "tags",
    "tags": "tags",
    "labels": "tags",
}


class ColumnsError(ValueError):
    """The columns of a file can't be used as they are; says what to do."""

    def __init__(self, sentence: str, columns: Sequence[str] = ()) -> None:
        super().__init__(sentence)
        self.columns = list(columns)


class Target(NamedTuple):
    """What one column becomes: one of PLAIN, an ``address``, an ``attribute``, or a ``consent``."""

    position: int  # the number of the column, from 0
    kind: str
    key: str = ""  # the id of the channel or consent; the name of the attribute
    type: str = ""  # that a new attribute is declared with

    def dump(self) -> str:
        """As it is stored, and sent by the page."""
        if self.kind in BY_ID:
            return f"{self.kind}:{self.key}"
        if self.kind == "attribute":
            return f"attribute:{self.type}:{self.key}"
        return self.kind


@dataclass(frozen=True, slots=True)
class Columns:
    """What all columns of a file become, checked."""

    titles: list[str]
    targets: list[Target]
    channels: Mapping[int, Channel]

    @property
    def main(self) -> Channel:
        """The channel of the first column of addresses."""
        return self.channels[int(self.addresses[0].key)]

    @property
    def addresses(self) -> list[Target]:
        """The columns of addresses, in the order of the file."""
        return [target for target in self.targets if target.kind == "address"]

    @property
    def new_types(self) -> dict[str, str]:
        """The attributes that are to be declared with a type, by name."""
        return {each.key: each.type for each in self.targets if each.type}


def by_titles(titles: Sequence[str], id_column: str, channel: Channel) -> Columns:
    """The usual meaning: the user id of one channel, and a column for each attribute.

    A contact's own field under another title, such as “Name”, is an attribute as well. Raises
    ColumnsError when a title can't become a variable, or two become the same.
    """
    targets: list[Target] = []
    titles_of: dict[str, str] = {}  # what a column becomes -> the title that does

    def add(title: str, target: Target) -> None:
        key = f"attribute {target.key}" if target.key else target.kind
        if key in titles_of:
            raise ColumnsError(
                f"The columns “{titles_of[key]}” and “{title}” mean the same. Rename one of them.",
                titles,
            )
        titles_of[key] = title
        targets.append(target)

    for position, title in enumerate(titles):
        if title == id_column:
            targets.append(Target(position, "address", str(channel.pk)))
            continue
        name = attribute_name(title)
        if not name:
            raise ColumnsError(
                f"“{title[:100]}” can't be the title of a column. "
                f"Use letters and digits, at most {LONGEST}.",
                titles,
            )
        own = _OWN_TITLES.get(name.lower())
        if own in {HAS_WRITTEN, WROTE_AT} and own in titles_of:
            own = None
        if own:
            add(title, Target(position, own))
        if own is None or (own in OWN_FIELDS and name not in OWN_FIELDS):
            add(title, Target(position, "attribute", name))
    return Columns(list(titles), targets, {channel.pk: channel})


def chosen(titles: Sequence[str], mapping: Sequence[str]) -> Columns:
    """What somebody chose for each column, as ``Target.dump``. Raises ColumnsError."""
    if len(mapping) != len(titles):
        raise ColumnsError("The file has other columns now. Choose the file again.", titles)
    targets = [
        parsed
        for position, text in enumerate(mapping)
        if (parsed := parse(position, text)).kind != IGNORED
    ]
    kept: dict[str, int] = {}
    for target in targets:
        if target.kind == "tags":
            continue
        key = target.dump() if target.kind != "attribute" else f"attribute {target.key}"
        if key in kept:
            first, second = titles[kept[key]], titles[target.position]
            raise ColumnsError(
                f"The columns “{first}” and “{second}” become the same. Change one of them.", titles
            )
        kept[key] = target.position
    keys = [int(target.key) for target in targets if target.kind == "address"]
    channels = Channel.objects.in_bulk(keys)
    if not keys:
        raise ColumnsError(
            "No column has addresses. Choose the address of a channel for at least one.", titles
        )
    if len(channels) < len(keys):
        raise ColumnsError("A channel was deleted meanwhile. Choose the columns again.", titles)
    consents = consents_by_id()
    if any(each.kind == "consent" and int(each.key) not in consents for each in targets):
        raise ColumnsError("A consent was deleted meanwhile. Choose the columns again.", titles)
    return Columns(list(titles), targets, channels)


def parse(position: int, text: str) -> Target:
    """One column's meaning, as ``Target.dump`` wrote it. Raises ColumnsError."""
    kind, _, rest = text.partition(":")
    if kind in PLAIN and not rest:
        return Target(position, kind)
    if kind in BY_ID and rest.isascii() and rest.isdigit() and len(rest) < 19:
        return Target(position, kind, rest)
    if kind == "attribute":
        type_, _, name = rest.partition(":")
        right = name and attribute_name(name) == name and name.lower() not in OWN_FIELDS
        if right and type_ in {"", *Attribute.Type.values}:
            return Target(position, kind, name, type_)
        if not right:
            raise ColumnsError(
                f"“{clean(name, 40)}” can't be the name of an attribute. Use letters, digits and "
                f"underscores, at most {LONGEST}."
            )
    raise ColumnsError(f"“{clean(text, 60)}” is nothing that a column can become.")


def consents_by_id() -> dict[int, str]:
    """The names of the consents that columns can be about, by id."""
    answers: list[tuple[Any, Any]] = consents_to_import.send(Import)
    return {key: name for _receiver, names in answers for key, name in names.items()}


def named(titles: Sequence[str], wanted: Sequence[str], base: Sequence[str]) -> list[str]:
    """A mapping as people write it, ``TITLE=TARGET`` for some columns, over a guess.

    A target is name, language, time_zone, tags, has_written, wrote_at, ignore, address:CHANNEL,
    consent:NAME, attribute:NAME or attribute:TYPE:NAME. Raises ColumnsError.
    """
    mapping = list(base)
    for text in wanted:
        title, equals, target = text.rpartition("=")
        if not equals or title.strip() not in titles:
            raise ColumnsError(no_such("column", title or text, titles[: NAMED + 1]), titles)
        kind, _, rest = target.strip().partition(":")
        if kind == "address":
            channel = Channel.objects.filter(name=rest.strip()).first()
            if channel is None:
                names = Channel.objects.order_by("name").values_list("name", flat=True)
                raise ColumnsError(no_such("channel", rest, names[: NAMED + 1]), titles)
            target = f"address:{channel.pk}"
        elif kind == "consent":
            ids = {name: key for key, name in consents_by_id().items()}
            if rest.strip() not in ids:
                raise ColumnsError(no_such("consent", rest, sorted(ids)), titles)
            target = f"consent:{ids[rest.strip()]}"
        elif kind == "attribute" and ":" not in rest:
            target = f"attribute::{rest}"
        mapping[titles.index(title.strip())] = target.strip()
    return mapping


def guess(
    titles: Sequence[str], rows: Sequence[Sequence[str]], channels: Sequence[Channel]
) -> list[str]:
    """What each column probably becomes, from its title, and the type from the first rows.

    ``channels``: those that addresses may be of; the first one is preferred.
    """
    mapping = ["" for _ in titles]
    for channel in channels:
        left = [title for position, title in enumerate(titles) if not mapping[position]]
        if channel == channels[0]:
            column = find_column(titles, channel.kind)
        else:
            column = next((title for title in left if says_kind(title, channel.kind)), None)
        if column is not None:
            mapping[titles.index(column)] = f"address:{channel.pk}"
    consents = {name.casefold(): key for key, name in consents_by_id().items()}
    declared = types_of(map(attribute_name, titles))
    used = {text for text in mapping if text}
    for position, title in enumerate(titles):
        if mapping[position]:
            continue
        name = attribute_name(title)
        plain = re.sub(r"[\W_]+", "", title).lower()
        own = _OWN_TITLES.get(name.lower()) or _MORE_TITLES.get(plain)
        consent = consents.get(title.strip().casefold())
        if consent and f"consent:{consent}" not in used:
            target = f"consent:{consent}"
        elif own and (own not in used or own == "tags"):
            target = own
        elif not name or name.lower() in OWN_FIELDS or f"attribute {name}" in used:
            target = IGNORED
        else:
            is_new = name not in declared and not Attribute.objects.filter(name=name).exists()
            type_ = detect(row[position] for row in rows if position < len(row)) if is_new else ""
            target = f"attribute:{type_}:{name}"
            used.add(f"attribute {name}")
        used.add(target)
        mapping[position] = target
    return mapping


def remembered(titles: Sequence[str]) -> list[str] | None:
    """What was chosen the last time for a file with these titles; None where none was imported."""
    earlier = Import.objects.filter(shape=shape(titles)).exclude(mapping=[]).order_by("-pk").first()
    if earlier is None:
        return None
    try:
        chosen(titles, earlier.mapping)
    except ColumnsError:  # a channel is gone meanwhile
        return None
    return list(earlier.mapping)


def shape(titles: Sequence[str]) -> str:
    """What files of one kind have in common: their titles, whatever case and spaces."""
    plain = "\x1f".join(" ".join(title.split()).casefold() for title in titles)
    return hashlib.sha256(plain.encode("utf-8", "replace")).hexdigest()
