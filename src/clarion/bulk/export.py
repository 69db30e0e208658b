"""Contacts as CSV, streamed: any number of them in little memory."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, Final

from clarion.bulk.selection import Selection
from clarion.channels.models import Channel
from clarion.contacts.attribute_types import shown
from clarion.contacts.attributes import OWN_FIELDS, attribute_names
from clarion.contacts.identities import USER_ID
from clarion.contacts.models import Contact
from clarion.contacts.states import STATE
from clarion.kit import clock, db, sheets
from clarion.kit.numbers import BIGGEST

STEP: Final = 2_000  # contacts of one read
FIELDS: Final = ("contact id", "name", "language", "time zone", "added", "tags")


def export_csv(selection: Selection, *, zone: str = "UTC") -> Iterator[bytes]:
    """A CSV file of these contacts by id: fields, tags, user ids by channel, attributes.

    A column “on NAME” has the user ids on a channel, and their state where they are not active.
    Moments are ISO 8601 with the offset of the time zone ``zone``. Raises ValueError for an
    unknown zone, before the first piece.
    """
    write = sheets.moments(zone)
    channels = list(Channel.objects.order_by("name").values_list("pk", "name"))
    names = [name for name in attribute_names() if name not in OWN_FIELDS]
    header = [*FIELDS, *(f"on {name}" for _, name in channels), *names]
    # A title is a name that people chose, so it is made harmless as any cell.
    titles = [sheets.defused(title) for title in header]

    def lines() -> Iterator[str]:
        cursor = 0
        while ids := selection.after(cursor, BIGGEST, STEP):
            yield from _lines(ids, [key for key, _ in channels], names, write)
            cursor = ids[-1]

    return sheets.stream(titles, lines())


def _lines(
    ids: Sequence[int], channels: Sequence[int], names: Sequence[str], write: Any
) -> Iterator[str]:
    contacts = Contact.objects.in_bulk(ids)
    people, packed = db.json_table([("id", "int")]), db.json_param([key] for key in ids)
    tags: defaultdict[int, list[str]] = defaultdict(list)
    for contact, name in db.fetch(
        f"SELECT g.contact_id, t.name FROM {people} CROSS JOIN contacts_tagging g "
        "JOIN contacts_tag t ON t.id = g.tag_id WHERE g.contact_id = v.id ORDER BY t.name",
        [packed],
    ):
        tags[contact].append(name)
    reached: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for contact, channel, user_id, state in db.fetch(
        f"SELECT a.contact_id, a.channel_id, {USER_ID}, {STATE} FROM {people} "
        "CROSS JOIN contacts_address a WHERE a.contact_id = v.id AND a.alias_of_id IS NULL "
        "ORDER BY a.id",
        [packed],
    ):
        reached[contact, channel].append(user_id if state == "active" else f"{user_id} ({state})")
    for key in ids:
        contact = contacts.get(key)
        if contact is None:  # deleted meanwhile
            continue
        yield sheets.cells(
            [
                str(key),
                contact.name,
                contact.language,
                contact.time_zone,
                write(clock.to_us(contact.created_at)),
                ", ".join(tags[key]),
                *("; ".join(reached[key, channel]) for channel in channels),
                *(_text(contact.attributes.get(name)) for name in names),
            ]
        )


def _text(value: object) -> str | None:
    return None if value is None else shown(value)
