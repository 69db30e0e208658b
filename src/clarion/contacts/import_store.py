"""Storing a chunk of imported people: each statement takes the whole chunk.

Any number of imports and inbound messages may bring the same person at once: the unique index on
(channel, user id) decides, and rows are locked in the order of user ids, then of contacts. New user
ids are locked first, as inbound messages do, which add people in the order in which they wrote.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from django.db import IntegrityError, transaction

from clarion.contacts.identities import lock_new, matches
from clarion.contacts.import_addresses import add_addresses, find_owners
from clarion.contacts.import_changes import Change, Changes
from clarion.contacts.import_lines import Person
from clarion.contacts.models import Contact
from clarion.contacts.suppressions import matching as suppressions
from clarion.contacts.tags import attach, ensure_tags
from clarion.kit import db
from clarion.kit.db import values

_PERSON = [("id", "int"), ("value", "text"), ("name", "text"), ("language", "text")]
_PERSON += [("time_zone", "text"), ("attributes", "text")]
_PERSON += [("written", "text"), ("has_written", "bool"), ("wrote_at", "int")]
_NewPerson = tuple[int, str, str, str, str, str, str, bool, int | None]  # the same
_Known = tuple[int, Person]  # a contact, and what a line says about it
_STORED = len(_PERSON) - 1  # fields of a Person that are stored in its rows
NoteConsents = Callable[[Sequence[_Known]], set[int]]  # returns who has changed by it
_FIELDS = "name, attributes, language, time_zone"


@dataclass(frozen=True, slots=True)
class How:
    """What an import does with contacts that exist, and with those that do not."""

    mode: str = "both"  # of Import.Mode
    wins: str = "file"  # of Import.Wins: which value counts where both have one


EVERYTHING: Final = How()


@dataclass(slots=True)
class Stored:
    """What became of some people; the numbers and ``conflicts`` account for each of them."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    skipped: int = 0  # exists and only new ones are added, or the other way round
    conflicts: list[tuple[Person, str]] = field(default_factory=list)  # not stored, and why
    created_ids: list[int] = field(default_factory=list)  # of contacts
    changes: list[Change] = field(default_factory=list)  # of contacts that were there


def store(
    people: Sequence[Person],
    tag_ids: Sequence[int],
    now: int,
    how: How = EVERYTHING,
    note_consents: NoteConsents | None = None,
) -> Stored:
    """Create or update these people, whose addresses all differ, in the caller's transaction.

    ``tag_ids``: what all of them get, besides the tags of each. ``now`` is in microseconds.
    ``note_consents`` is called with the contacts of whom lines say something about consents.
    """
    is_any_suppressed = suppressions.hold_still()
    stored = Stored()
    owners = find_owners(people)
    new = [
        index for index in range(len(people))
        if index not in owners.contacts and index not in owners.conflicts
    ]  # fmt: skip
    stored.conflicts = [(people[index], why) for index, why in owners.conflicts.items()]
    if how.mode == "update":
        stored.skipped, new = len(new), []
    created = _create_on_channels([people[index] for index in new], now)
    if len(created) < len(new):  # somebody else brought them a moment ago
        late = [index for index in new if _key(people[index]) not in created]
        again = find_owners([people[index] for index in late]).contacts
        owners.contacts |= {late[position]: contact for position, contact in again.items()}
    existing = [(contact, people[index]) for index, contact in sorted(owners.contacts.items())]
    if how.mode == "add":
        stored.skipped, existing = len(existing), []
    changes = Changes()
    for once in _apart(existing):
        _update(once, how, changes)
    changed = set(changes.values)
    changed |= _note_writing([person for _, person in existing if person.has_written])
    if any(person.others for person in people):
        fresh = [(created[_key(people[i])], people[i]) for i in new if _key(people[i]) in created]
        changed |= add_addresses([*existing, *fresh], now)
    attach(tag_ids, list(created.values()), now, fresh=True)
    changes.note_tags(attach(tag_ids, sorted({c for c, _ in existing}), now))
    stored_people = [
        *existing,
        *((created[_key(each)], each) for each in people if _key(each) in created),
    ]
    for pairs in _tag_lines(stored_people, now):
        changes.note_tags(pairs)
    changed |= set(changes.tags)
    if note_consents is not None:
        changed |= note_consents([each for each in stored_people if each[1].consents])
    if is_any_suppressed and created:
        _check_suppressed(created)
    stored.created = len(created)
    stored.created_ids = sorted(created.values())
    stored.changes = changes.listed(set(stored.created_ids))
    stored.updated = sum(contact in changed for contact, _ in existing)
    stored.unchanged = len(existing) - stored.updated
    return stored


def expected(people: Sequence[Person], how: How) -> Stored:
    """What ``store`` would do; who exists counts as updated, whatever the file says."""
    owners = find_owners(people)
    stored = Stored(conflicts=[(people[index], why) for index, why in owners.conflicts.items()])
    existing = len(owners.contacts)
    new = len(people) - existing - len(owners.conflicts)
    stored.created = 0 if how.mode == "update" else new
    stored.updated = 0 if how.mode == "add" else existing
    stored.skipped = new + existing - stored.created - stored.updated
    return stored


def _key(person: Person) -> tuple[int, str]:
    return person.channel, person.value


def _create_on_channels(people: Sequence[Person], now: int) -> dict[tuple[int, str], int]:
    """Make contacts with the first of their addresses; contact ids by channel and user id."""
    created: dict[tuple[int, str], int] = {}
    for channel_id in sorted({person.channel for person in people}):
        fresh = sorted((each for each in people if each.channel == channel_id), key=_key)
        lock_new((channel_id, person.value) for person in fresh)
        for value, contact in _create(channel_id, fresh, now).items():
            created[channel_id, value] = contact
    return created


def _tag_lines(people: Sequence[_Known], now: int) -> Iterator[list[tuple[int, int]]]:
    """Give contacts the tags of their own lines; which tags and contacts are new together."""
    by_tags: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for contact, person in people:
        if person.tags:
            by_tags[person.tags].append(contact)
    ids = ensure_tags({name for names in by_tags for name in names}) if by_tags else {}
    for names in sorted(by_tags):
        yield attach(sorted(ids[name] for name in names), sorted(set(by_tags[names])), now)


def _check_suppressed(created: Mapping[tuple[int, str], int]) -> None:
    for channel_id in {channel for channel, _ in created}:
        user_ids = [value for channel, value in created if channel == channel_id]
        suppressions.check(match.address for match in matches(channel_id, user_ids).values())


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
    rows: list[_NewPerson] = [
        (
            contact, each.value, each.name, each.language, each.time_zone, each.attributes,
            each.written, each.has_written, each.wrote_at,
        )
        for contact, each in zip(ids, people, strict=True)
    ]  # fmt: skip
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


def _update(people: Sequence[_Known], how: How, changes: Changes) -> None:
    """Merge what the file says into contacts, and note what has changed. An empty cell leaves what
    is there, and so does another one where what is stored wins."""
    if not people:
        return
    packed = db.json_param((contact, *person[:_STORED]) for contact, person in people)
    db.lock_in_order(
        f"SELECT c.id FROM {_table()} JOIN contacts_contact c ON c.id = v.id ORDER BY c.id",
        [packed],
        of="c",
    )
    own = ("name", "language", "time_zone")
    text = values.as_text("c.attributes")
    before = db.fetch(
        f"SELECT c.id, c.name, c.language, c.time_zone, {text} FROM {_table()} "
        "CROSS JOIN contacts_contact c WHERE c.id = v.id",
        [packed],
    )
    if how.wins == "file":
        merged = db.json_merge("c.attributes", "v.attributes")
        columns = {field: f"COALESCE(NULLIF(v.{field}, ''), c.{field})" for field in own}
    else:
        merged = db.json_merge(db.json_cast("v.attributes"), "c.attributes")
        columns = {field: f"COALESCE(NULLIF(c.{field}, ''), v.{field})" for field in own}
    kept = ", ".join(f"{field} = {value}" for field, value in columns.items())
    differs = " OR ".join(f"{value} <> c.{field}" for field, value in columns.items())
    rows = db.fetch(
        f"UPDATE contacts_contact AS c SET attributes = {merged}, {kept} FROM {_table()} "
        f"WHERE c.id = v.id AND ({merged} <> c.attributes OR {differs}) "
        f"{db.returning('c', 'id', *own, 'attributes')}",
        [packed],
    )
    changes.note_values(before, rows)


def _note_writing(people: Sequence[Person]) -> set[int]:
    """Note of people who existed already that they have written to the channel, and when.

    Returns the contacts of whom that was not existing.
    """
    changed: set[int] = set()
    for channel_id in sorted({person.channel for person in people}):
        changed |= _note_on(channel_id, [each for each in people if each.channel == channel_id])
    return changed


def _note_on(channel_id: int, people: Sequence[Person]) -> set[int]:
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
    rows = db.fetch(
        "UPDATE contacts_address AS a SET has_written = %s, "
        f"wrote_at = CASE WHEN {is_later} THEN v.wrote_at ELSE a.wrote_at END FROM {table} "
        f"WHERE a.id = v.id AND (NOT a.has_written OR {is_later}) "
        f"{db.returning('a', 'contact_id')}",
        [True, packed],
    )
    return {row[0] for row in rows}


def _table() -> str:
    return db.json_table(_PERSON)
