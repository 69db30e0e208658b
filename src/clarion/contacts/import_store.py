"""Storing a chunk of imported people: each statement takes the whole chunk.

Any number of imports and inbound messages may bring the same person at once: the unique index on
(channel, user id) decides, and rows are locked in the order of user ids, then of contacts. New user
ids are locked first, as inbound messages do, which add people in the order in which they wrote.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from django.db import IntegrityError, transaction

from clarion.contacts.identities import lock_new, matches
from clarion.contacts.import_lines import Person
from clarion.contacts.models import Contact
from clarion.contacts.suppressions import matching as suppressions
from clarion.contacts.tags import attach
from clarion.kit import db

_PERSON = [("id", "int"), ("value", "text"), ("name", "text"), ("language", "text")]
_PERSON += [("time_zone", "text"), ("attributes", "text")]
_PERSON += [("written", "text"), ("has_written", "bool"), ("wrote_at", "int")]
_NewPerson = tuple[int, str, str, str, str, str, str, bool, int | None]  # the same
_Known = tuple[int, Person]  # a contact, and what a line says about it
_FIELDS = "name, attributes, language, time_zone"


def store(
    channel_id: int, people: Sequence[Person], tag_ids: Sequence[int], now: int
) -> tuple[int, int]:
    """Create or update these people, all different, in the caller's transaction.

    ``now`` is in microseconds. Returns how many were created and how many updated.
    """
    is_any_suppressed = suppressions.hold_still()
    by_value = {person.value: person for person in people}
    contact_ids = _contacts(channel_id, by_value)
    fresh = sorted(by_value.keys() - contact_ids.keys())
    lock_new((channel_id, value) for value in fresh)
    created = _create(channel_id, [by_value[value] for value in fresh], now)
    if len(created) < len(fresh):  # somebody else brought them a moment ago
        contact_ids |= _contacts(channel_id, set(fresh) - created.keys())
    for once in _apart(
        [(contact_ids[person.value], person) for person in people if person.value in contact_ids]
    ):
        _update(once)
    wrote = [person for person in people if person.has_written and person.value in contact_ids]
    _note_writing(channel_id, wrote)
    attach(tag_ids, list(created.values()), now, fresh=True)
    attach(tag_ids, sorted(set(contact_ids.values())), now)
    if is_any_suppressed and created:
        suppressions.check(match.address for match in matches(channel_id, created).values())
    return len(created), len(contact_ids)


def _contacts(channel_id: int, values: Iterable[str]) -> dict[str, int]:
    return {value: person.contact for value, person in matches(channel_id, values).items()}


def _apart(people: Sequence[_Known]) -> list[list[_Known]]:
    """The people in groups without anybody twice: a file may name one contact by several ids, and
    each line counts. Nearly always one group."""
    groups: list[list[_Known]] = []
    times: Counter[int] = Counter()
    for contact, person in people:
        if times[contact] == len(groups):
            groups.append([])
        groups[times[contact]].append((contact, person))
        times[contact] += 1
    return groups


def _create(channel_id: int, people: Sequence[Person], now: int) -> dict[str, int]:
    """Make contacts with addresses; returns contact ids by user id, without those beaten to it."""
    if not people:
        return {}
    # In the order of user ids, so that two imports that meet wait for each other, not in a circle.
    ids = db.reserve_ids("contacts_contact", len(people))
    rows = [(contact, *person) for contact, person in zip(ids, people, strict=True)]
    if _create_all(channel_id, rows, now):
        return {row[1]: row[0] for row in rows}
    packed = db.json_param(rows)
    db.execute(
        f"INSERT INTO contacts_contact (id, {_FIELDS}, created_at) "
        f"SELECT v.id, v.name, {db.json_cast('v.attributes')}, v.language, v.time_zone, %s "
        f"FROM {_table()}",
        [now, packed],
    )
    created = dict(
        db.fetch(
            "INSERT INTO contacts_address "
            "(contact_id, channel_id, value, written, has_written, wrote_at, state, created_at) "
            "SELECT v.id, %s, v.value, v.written, v.has_written, v.wrote_at, 'active', %s "
            f"FROM {_table()} WHERE true "
            "ON CONFLICT (channel_id, value) DO NOTHING "
            "RETURNING value, contact_id",
            [channel_id, now, packed],
        )
    )
    if len(created) < len(rows):
        unneeded = {row[0] for row in rows} - set(created.values())
        Contact.objects.filter(pk__in=unneeded).delete()
    return created


def _create_all(channel_id: int, rows: Sequence[_NewPerson], now: int) -> bool:
    """Make all of these people; none, and False, when somebody else brought one meanwhile."""
    addresses = [("contact_id", "int"), _PERSON[1], *_PERSON[6:]]
    places = [(row[0], row[1], *row[6:]) for row in rows]
    try:
        with transaction.atomic():
            db.copy_or_insert(
                "contacts_contact",
                [_PERSON[0], *_PERSON[2:6]],
                [(row[0], *row[2:6]) for row in rows],
                {"created_at": now},
            )
            db.copy_or_insert(
                "contacts_address",
                addresses,
                places,
                {"channel_id": channel_id, "state": "active", "created_at": now},
            )
    except IntegrityError:
        return False
    return True


def _update(people: Sequence[tuple[int, Person]]) -> None:
    """Merge what the file says into contacts; an empty cell leaves what is there."""
    if not people:
        return
    packed = db.json_param((contact, *person) for contact, person in people)
    db.lock_in_order(
        f"SELECT c.id FROM {_table()} JOIN contacts_contact c ON c.id = v.id ORDER BY c.id",
        [packed],
        of="c",
    )
    merged = db.json_merge("c.attributes", "v.attributes")
    own = ("name", "language", "time_zone")
    kept = ", ".join(f"{field} = COALESCE(NULLIF(v.{field}, ''), c.{field})" for field in own)
    differs = " OR ".join(f"(v.{field} <> '' AND v.{field} <> c.{field})" for field in own)
    db.execute(
        f"UPDATE contacts_contact AS c SET attributes = {merged}, {kept} FROM {_table()} "
        f"WHERE c.id = v.id AND ({merged} <> c.attributes OR {differs})",
        [packed],
    )


def _note_writing(channel_id: int, people: Sequence[Person]) -> None:
    """Note of people who were known already that they have written to the channel, and when."""
    if not people:
        return
    owners = matches(channel_id, [person.value for person in people])
    last: dict[int, int | None] = {}  # address -> when; a file may name one by several ids
    for person in people:
        if person.value in owners:
            address = owners[person.value].address
            last[address] = max(filter(None, (last.get(address), person.wrote_at)), default=None)
    table = db.json_table([("id", "int"), ("wrote_at", "int")])
    packed = db.json_param(sorted(last.items()))
    db.lock_in_order(
        f"SELECT a.id FROM {table} JOIN contacts_address a ON a.id = v.id ORDER BY a.id",
        [packed],
        of="a",
    )
    is_later = "v.wrote_at > COALESCE(a.wrote_at, 0)"
    db.execute(
        "UPDATE contacts_address AS a SET has_written = %s, "
        f"wrote_at = CASE WHEN {is_later} THEN v.wrote_at ELSE a.wrote_at END FROM {table} "
        f"WHERE a.id = v.id AND (NOT a.has_written OR {is_later})",
        [True, packed],
    )


def _table() -> str:
    return db.json_table(_PERSON)
