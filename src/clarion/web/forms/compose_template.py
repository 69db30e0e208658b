"""The fields of a template on the compose page: what the list of its channel says of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from clarion.broadcasts.template_fit import listed
from clarion.channels.models import Channel
from clarion.channels.templates import library
from clarion.channels.templates.parts import (
    BODY,
    BUTTON,
    HEADER,
    NAME,
    TemplateParts,
    names_in,
    parts_of,
    places_of,
)

MOST_NAMES = 500


@dataclass(frozen=True, slots=True)
class Row:
    """The field of one variable. ``label``: where the variable is; empty where nobody knows."""

    value: str
    label: str = ""


def rows_of(
    name: str, language: str, values: Sequence[str], channels: Sequence[Channel], most: int
) -> list[Row]:
    """A field for each variable; where no list has the template, and an empty one for another."""
    row = listed({"name": name, "language": language}, channels) if name and channels else None
    if row is None:
        more = [Row("")] if len(values) < most else []
        return [*(Row(value) for value in values), *more]
    parts = parts_of(row.components)
    labels = [
        _label(variable_place, parts, number)
        for variable_place, number in _numbered(places_of(parts))
    ]
    beyond = max(len(values) - len(labels), 0)
    padded = [*values, *[""] * (len(labels) - len(values))]
    labels += [_("not in the template")] * beyond
    return [Row(value, label) for value, label in zip(padded, labels, strict=True)]


def _numbered(places: Sequence[str]) -> list[tuple[str, int]]:
    """Each place with its number among those of its kind."""
    return [
        (variable_place, places[: index + 1].count(variable_place))
        for index, variable_place in enumerate(places)
    ]


def _label(variable_place: str, parts: TemplateParts, number: int) -> str:
    where, _sep, name = variable_place.partition(NAME)
    what, _sep, rest = where.partition(":")
    if what == HEADER and rest:
        media = {"image": _("picture"), "video": _("video"), "document": _("document")}
        return _("URL of the %s in the header") % media[rest]
    if what == HEADER:
        return _("Header: %s") % f"{{{{{name}}}}}" if name else _("Header")
    if what == BUTTON:
        button = parts.buttons[int(rest.partition(":")[0])]
        if button.kind == "copy_code":
            return _("Code to copy")
        if button.kind == "otp":
            return _("One-time code, as in the text")
        before = button.url
        for variable in names_in(button.url):
            before = before.replace(f"{{{{{variable}}}}}", "…")
        return _("End of the link “%(label)s”: %(url)s") % {"label": button.label, "url": before}
    assert what == BODY
    return f"{{{{{name or number}}}}}"


def choices(channels: Sequence[Channel]) -> list[dict[str, Any]]:
    """The approved templates of these channels, or of all: names and languages to choose from."""
    approved = library.templates_of(list(channels) or None).filter(status=library.APPROVED)
    pairs = approved.values_list("name", "language").distinct()[:MOST_NAMES]
    return [{"name": name, "language": language} for name, language in pairs]
