"""Tags: labels on contacts."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.contacts.models import Tag
from clarion.contacts.signals import tagged
from clarion.kit import clock, db
from clarion.kit.batches import batches
from clarion.kit.text import clean

LONGEST = 100  # characters
CHUNK = 2_000  # contacts of one transaction


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


def find_tag(name: str) -> Tag:
    """The tag of that name. Raises TagError when there is none."""
    tag = Tag.objects.filter(name=name.strip()).first()
    if tag is None:
        raise TagError(f"There is no tag called “{clean(name, 40)}”. See all: clarion tags list")
    return tag


def ensure_tags(names: Iterable[str]) -> dict[str, int]:
    """The ids of these tags, which are made where they are missing. Raises TagError."""
    wanted = check_names(names)
    Tag.objects.bulk_create([Tag(name=name) for name in wanted], ignore_conflicts=True)
    return dict(Tag.objects.filter(name__in=wanted).values_list("name", "pk"))


def assign(names: Iterable[str], contact_ids: Iterable[int], *, by: Agent | str) -> int:
    """Give contacts these tags; returns how many taggings are new. Raises TagError.

    Contacts that don't exist are left out; the ids may be a long stream. Sends
    ``contacts.signals.tagged`` for those who had not had a tag.
    """
    tag_ids = ensure_tags(names)
    new = 0
    for chunk in batches(contact_ids, CHUNK):
        with db.write():
            rows = db.fetch(
                f"SELECT c.id FROM {db.json_table([('id', 'int')])} "
                "CROSS JOIN contacts_contact c WHERE c.id = v.id",
                [db.json_param([key] for key in chunk)],
            )
            new += len(attach(list(tag_ids.values()), [row[0] for row in rows], clock.now_us()))
    audit.note("contacts.tag", ", ".join(tag_ids), by, new=new)
    return new


def attach(
    tag_ids: Sequence[int], contact_ids: Sequence[int], now: int, *, fresh: bool = False
) -> list[tuple[int, int]]:
    """As ``assign``, for contacts that exist, in the caller's transaction; ``now`` in µs.

    Returns the tag and the contact of each tagging that is new.

    ``fresh``: contacts that the same transaction has made, so they can't have a tag yet.
    """
    if not tag_ids or not contact_ids:
        return []
    if fresh:
        pairs = [(tag_id, contact_id) for tag_id in tag_ids for contact_id in contact_ids]
        columns = [("tag_id", "int"), ("contact_id", "int")]
        db.copy_or_insert("contacts_tagging", columns, pairs, {"created_at": now})
    else:
        pairs = _attach(tag_ids, contact_ids, now)
    new_ids: dict[int, list[int]] = defaultdict(list)
    for tag_id, contact_id in pairs:
        new_ids[tag_id].append(contact_id)
    for tag_id in sorted(new_ids):
        tagged.send(Tag, tag_id=tag_id, contact_ids=new_ids[tag_id])
    return pairs


def _attach(tag_ids: Sequence[int], contact_ids: Sequence[int], now: int) -> list[tuple[int, int]]:
    """Write the taggings that are missing; returns their tags and contacts."""
    people, tags = db.json_table([("id", "int")], "p"), db.json_table([("id", "int")], "t")
    return db.fetch(
        "INSERT INTO contacts_tagging (tag_id, contact_id, created_at) "
        f"SELECT t.id, p.id, %s FROM {people} CROSS JOIN {tags} WHERE true "
        "ON CONFLICT DO NOTHING RETURNING tag_id, contact_id",
        [
            now,
            db.json_param([key] for key in sorted(contact_ids)),
            db.json_param([key] for key in sorted(tag_ids)),
        ],
    )


def remove(names: Iterable[str], contact_ids: Iterable[int], *, by: Agent | str) -> int:
    """Take these tags from contacts; returns how many taggings are gone. Raises TagError."""
    wanted = check_names(names)
    tag_ids = list(Tag.objects.filter(name__in=wanted).values_list("pk", flat=True))
    removed = sum(len(detach(tag_ids, chunk)) for chunk in batches(contact_ids, CHUNK))
    audit.note("contacts.untag", ", ".join(wanted), by, gone=removed)
    return removed


def detach(tag_ids: Sequence[int], contact_ids: Sequence[int]) -> list[int]:
    """As ``remove``, for one chunk; returns the contact of each tagging that is gone."""
    rows = db.fetch(
        f"DELETE FROM contacts_tagging WHERE tag_id {db.in_list()} "
        f"AND contact_id {db.in_list()} RETURNING contact_id",
        [db.json_param([key] for key in tag_ids), db.json_param([key] for key in contact_ids)],
    )
    return [row[0] for row in rows]


def check_names(names: Iterable[str]) -> list[str]:
    """The names without spaces around them and without repeats. Raises TagError with a sentence."""
    wanted = sorted({name.strip() for name in names})
    for name in wanted:
        if not name or "," in name or clean(name, LONGEST) != name:
            raise TagError(
                f"“{clean(name, 40)}” can't be a tag. Use 1 to {LONGEST} characters, no comma."
            )
    return wanted
