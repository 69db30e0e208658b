"""Contacts that are likely the same person: suggestions for merging by hand."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.utils.translation import gettext as _

from clarion.channels.models import Channel
from clarion.channels.registry import KINDS
from clarion.contacts.models import Attribute
from clarion.kit import db

MOST: Final = 50  # suggestions of each kind
NEWEST: Final = 50_000  # contacts, or addresses of a channel, whose user ids are looked up
MOST_ALIKE: Final = 5  # a name that more contacts have says nothing
_ANY_ID: Final = frozenset({"id", "userid"})  # may be the id of anything
# Attributes that hold a user id of another channel, in any spelling of these.
_IDS: Final = frozenset(
    title.replace("_", "") for kind in KINDS.values() for title in kind.id_titles
) - _ANY_ID | {"tel", "telephone"}


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Two contacts, and why they are likely one person."""

    first: int  # the older one
    second: int
    first_name: str
    second_name: str
    reason: str


def duplicates(limit: int = MOST) -> list[Duplicate]:
    """Pairs of contacts that are likely one person, the surest first; up to ``limit`` of a kind."""
    pairs: dict[tuple[int, int], str] = {}
    for first, second, reason in (*_same_ids(limit), *_ids_in_attributes(limit), *_names(limit)):
        if first != second:
            pairs.setdefault((min(first, second), max(first, second)), reason)
    names = dict(
        db.fetch(
            f"SELECT id, name FROM contacts_contact WHERE id {db.in_list()}",
            [db.json_param({(key,) for pair in pairs for key in pair})],
        )
    )
    return [
        Duplicate(*pair, names.get(pair[0], ""), names.get(pair[1], ""), reason)
        for pair, reason in pairs.items()
    ]


_Pair = tuple[int, int, str]


def _same_ids(limit: int) -> Iterator[_Pair]:
    """The same user id on two channels of one kind: a phone number, an e-mail address."""
    by_kind: dict[str, list[int]] = {}
    for key, kind in Channel.objects.order_by("pk").values_list("pk", "kind"):
        by_kind.setdefault(kind, []).append(key)
    for channels in by_kind.values():
        for channel in channels:
            others = [key for key in channels if key != channel]
            newest = (
                "SELECT contact_id, value FROM contacts_address WHERE channel_id = %s "
                f"AND alias_of_id IS NULL ORDER BY id DESC LIMIT {NEWEST}"
            )
            rows = _looked_up(newest, [channel], others, limit)
            for first, second, value in rows:
                yield first, second, _("Same user id on two channels: %s") % value


def _ids_in_attributes(limit: int) -> Iterator[_Pair]:
    """An attribute such as email is the user id of another contact."""
    channels = list(Channel.objects.order_by("pk").values_list("pk", flat=True))
    names = Attribute.objects.values_list("name", flat=True)
    for name in sorted(name for name in names if name.replace("_", "").lower() in _IDS):
        text, param = db.json_text("c.attributes", [name])
        newest = (
            f"SELECT c.id AS contact_id, lower(CAST({text} AS text)) AS value "
            f"FROM contacts_contact c ORDER BY c.id DESC LIMIT {NEWEST}"
        )
        for first, second, value in _looked_up(newest, [param], channels, limit):
            yield first, second, _("%(name)s is %(value)s") % {"name": name, "value": value}


def _looked_up(
    newest: str, params: Sequence[Any], channels: Sequence[int], limit: int
) -> list[tuple[int, int, str]]:
    """Whose the values of some contacts are on these channels, each looked up by index."""
    if not channels:
        return []
    marks = ", ".join(["%s"] * len(channels))
    owner = f"b.channel_id IN ({marks}) AND b.value = a.value"
    return db.fetch(
        f"SELECT a.contact_id, b.contact_id, a.value FROM ({newest}) AS a "
        f"{db.lateral_join('contacts_address', 'b', owner)} "
        "WHERE b.contact_id <> a.contact_id LIMIT %s",
        [*params, *channels, limit],
    )


def _names(limit: int) -> Iterator[_Pair]:
    rows = db.fetch(
        "SELECT min(c.id), max(c.id), c.name FROM contacts_contact c WHERE c.name <> '' "
        f"GROUP BY c.name HAVING count(*) BETWEEN 2 AND {MOST_ALIKE} ORDER BY c.name LIMIT %s",
        [limit],
    )
    for first, second, name in rows:
        yield first, second, _("Same name: %s") % name
