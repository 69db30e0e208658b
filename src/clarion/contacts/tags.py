"""Tags: labels on contacts."""

from collections.abc import Iterable
from dataclasses import dataclass

from clarion.contacts.models import Tag
from clarion.kit import db
from clarion.kit.text import clean

LONGEST = 100  # characters


class TagError(ValueError):
    """A tag can't have that name."""


@dataclass(frozen=True, slots=True)
class TagCount:
    """A tag and how many contacts have it."""

    id: int
    name: str
    contacts: int


def tag_counts() -> list[TagCount]:
    """All tags by name, also those that nobody has."""
    return [
        TagCount(*row)
        for row in db.fetch(
            "SELECT t.id, t.name, "
            "(SELECT count(*) FROM contacts_tagging g WHERE g.tag_id = t.id) "
            "FROM contacts_tag t ORDER BY t.name"
        )
    ]


def ensure_tags(names: Iterable[str]) -> dict[str, int]:
    """The ids of these tags, which are made where they are missing. Raises TagError."""
    wanted = check_names(names)
    Tag.objects.bulk_create([Tag(name=name) for name in wanted], ignore_conflicts=True)
    return dict(Tag.objects.filter(name__in=wanted).values_list("name", "pk"))


def check_names(names: Iterable[str]) -> list[str]:
    """The names without spaces around them and without repeats. Raises TagError with a sentence."""
    wanted = sorted({name.strip() for name in names})
    for name in wanted:
        if not name or "," in name or clean(name, LONGEST) != name:
            raise TagError(
                f"“{clean(name, 40)}” can't be a tag. Use 1 to {LONGEST} characters, no comma."
            )
    return wanted
