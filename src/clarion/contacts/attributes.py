"""Which attributes contacts have, and so which variables texts may use."""

import re
from collections.abc import Iterable
from typing import Any

from clarion.contacts.models import Attribute
from clarion.kit import db

OWN_FIELDS = ("name", "language", "time_zone")  # fields of a contact, not attributes
_NOT_IN_NAMES = re.compile(r"\W")
LONGEST = 100  # characters of a name


def attribute_name(title: str) -> str:
    """A column title as it is written in a text: ``First name`` becomes ``First_name``.

    Empty for a title that has no letter or digit, or more than 100 characters.
    """
    name = _NOT_IN_NAMES.sub("_", title.strip())
    if not name.strip("_") or len(name) > LONGEST:
        return ""
    return f"_{name}" if name[0].isdigit() else name


def note_attributes(names: Iterable[str]) -> None:
    """Remember that contacts have attributes of these names."""
    # In order: two that add the same new names in another one can wait for each other.
    rows = [Attribute(name=name) for name in sorted(set(names))]
    Attribute.objects.bulk_create(rows, ignore_conflicts=True)


def lacks(path: str, alias: str) -> tuple[str, list[Any]]:
    """SQL for “the contact AS alias has no such value”, and its parameters.

    ``path`` is what a text names after “contact.”: name, city, order.total. Empty counts as none,
    as in ``content.rendering.contact_context``.
    """
    value, param = db.json_text(f"{alias}.attributes", path.split("."))
    sql = f"COALESCE({value}, '') = ''"
    return (f"({alias}.{path} = '' AND {sql})" if path in OWN_FIELDS else sql), [param]


def attribute_names() -> list[str]:
    """What conditions on contacts can be about: their own fields and all attributes, by name."""
    names = Attribute.objects.values_list("name", flat=True)
    return [*OWN_FIELDS, *sorted(set(names) - set(OWN_FIELDS), key=str.casefold)]


def known_variables() -> set[str]:
    """The dotted names of all variables that some contact can have, e.g. contact.city."""
    names = Attribute.objects.values_list("name", flat=True)
    return {f"contact.{name}" for name in (*names, *OWN_FIELDS, "id")}
