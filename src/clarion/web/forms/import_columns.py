"""The form of what the columns of a file become."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy as _lazy

from clarion.channels.models import Channel
from clarion.contacts.attributes import attribute_name
from clarion.contacts.import_look import ColumnLook, Look
from clarion.contacts.import_mapping import consents_by_id
from clarion.contacts.models import Attribute, Import
from clarion.web.words import TYPES_OF_ATTRIBUTES

PLAIN: Final[dict[str, Any]] = {
    "name": _lazy("Name"),
    "language": _lazy("Language"),
    "time_zone": _lazy("Time zone"),
    "tags": _lazy("Tags"),
    "has_written": _lazy("Has written to the channel (yes or no)"),
    "wrote_at": _lazy("When they wrote last"),
}
MODES: Final[dict[str, Any]] = {
    Import.Mode.BOTH: _lazy("Add new contacts and update known ones"),
    Import.Mode.ADD: _lazy("Only add new contacts"),
    Import.Mode.UPDATE: _lazy("Only update known contacts"),
}
WINS: Final[dict[str, Any]] = {
    Import.Wins.FILE: _lazy("Use the value from the file"),
    Import.Wins.STORED: _lazy("Keep the value that is stored"),
}
Group = tuple[str, list[tuple[str, str]]]  # its title; values and what they are called


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One column on the page."""

    look: ColumnLook
    groups: list[Group]


def mapping_of(post: QueryDict) -> list[str]:
    """What was chosen for each column; empty where nothing was asked yet."""
    return post.getlist("to")


def mode_of(post: QueryDict) -> str:
    """The mode that was chosen."""
    mode = post.get("mode", "")
    return mode if mode in Import.Mode.values else str(Import.Mode.BOTH)


def wins_of(post: QueryDict) -> str:
    """Which value is to count."""
    wins = post.get("wins", "")
    return wins if wins in Import.Wins.values else str(Import.Wins.FILE)


def column_rows(look: Look) -> list[ColumnRow]:
    """A row for each column with all that it can become."""
    channels = [
        (f"address:{row.pk}", _("Address on %s") % row.name)
        for row in Channel.objects.order_by("name")
    ]
    attributes = sorted(Attribute.objects.all(), key=lambda row: row.name.casefold())
    return [ColumnRow(each, _groups(each, channels, attributes)) for each in look.columns]


def _groups(
    column: ColumnLook, channels: list[tuple[str, str]], attributes: Sequence[Attribute]
) -> list[Group]:
    groups: list[Group] = [
        ("", [("ignore", _("Ignore this column"))]),
        (_("Addresses"), channels),
        (_("Contact"), [(key, str(word)) for key, word in PLAIN.items()]),
        (
            _("Consents"),
            [
                (f"consent:{key}", _("Consent “%s”, given or withdrawn") % name)
                for key, name in sorted(consents_by_id().items(), key=lambda each: each[1])
            ],
        ),
        (_("Attributes"), [(f"attribute::{row.name}", _described(row)) for row in attributes]),
    ]
    name = attribute_name(column.title)
    listed = {value for _title, options in groups for value, _word in options}
    if name and f"attribute::{name}" not in listed and name.lower() not in PLAIN:
        types = [
            (f"attribute:{key}:{name}", _("New attribute, %s") % str(word).lower())
            for key, word in TYPES_OF_ATTRIBUTES.items()
        ]
        groups.insert(1, (name, types))
        listed |= {value for value, _word in types}
    if column.target not in listed:  # an attribute that was new the last time, or a posted value
        *_kind, target = column.target.split(":")
        groups[0][1].append((column.target, target))
    return groups


def _described(row: Attribute) -> str:
    word = TYPES_OF_ATTRIBUTES.get(row.type, "")
    name = _("Attribute %s") % row.name
    return f"{name} ({str(word).lower()})" if word else name
