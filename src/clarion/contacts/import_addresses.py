"""Lines with addresses on several channels: whose they are, and adding those that are new."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from clarion.contacts.identities import lock_new, matches
from clarion.contacts.import_lines import Person, Place
from clarion.contacts.suppressions import matching as suppressions
from clarion.kit import db

MERGE_FIRST: Final = "merge these first"  # how the reason of such a line ends
_ADDRESS = [("contact", "int"), ("value", "text"), ("written", "text")]


@dataclass(slots=True)
class Owners:
    """Whose the addresses of some lines are, by the place of the line among them."""

    contacts: dict[int, int] = field(default_factory=dict)  # of lines of somebody known
    conflicts: dict[int, str] = field(default_factory=dict)  # why a line can't be stored


def find_owners(people: Sequence[Person]) -> Owners:
    """Look up all addresses of these people, all of whose addresses are different."""
    matches_by_channel = {
        channel: matches(channel, values) for channel, values in _by_channel(people).items()
    }
    owners = Owners()
    if not any(matches_by_channel.values()):  # all are new, as in most files
        return owners
    for index, person in enumerate(people):
        if not person.others:
            if match := matches_by_channel[person.channel].get(person.value):
                owners.contacts[index] = match.contact
            continue
        contacts = {
            match.contact
            for channel, value, _ in _places(person)
            if (match := matches_by_channel[channel].get(value))
        }
        if len(contacts) > 1:
            first, second, *_ = sorted(contacts)
            owners.conflicts[index] = (
                f"its addresses belong to contacts {first} and {second}; {MERGE_FIRST}"
            )
        elif contacts:
            owners.contacts[index] = contacts.pop()
    return owners


def add_addresses(people: Iterable[tuple[int, Person]], now: int) -> set[int]:
    """Give contacts the addresses of their lines that nobody has yet; return whom.

    In the caller's transaction, after the suppression list was held still.
    """
    by_channel: defaultdict[int, list[tuple[int, str, str]]] = defaultdict(list)
    for contact, person in people:
        for channel, value, written in _places(person):
            by_channel[channel].append((contact, value, written))
    changed: set[int] = set()
    for channel in sorted(by_channel):
        rows = sorted(by_channel[channel], key=lambda row: row[1])
        lock_new((channel, row[1]) for row in rows)
        added = db.fetch(
            "INSERT INTO contacts_address "
            "(contact_id, channel_id, value, written, has_written, state, created_at) "
            "SELECT v.contact, %s, v.value, v.written, %s, 'active', %s "
            f"FROM {db.json_table(_ADDRESS)} WHERE true "
            "ON CONFLICT (channel_id, value) DO NOTHING RETURNING id, contact_id",
            [channel, False, now, db.json_param(rows)],
        )
        suppressions.check(row[0] for row in added)
        changed |= {row[1] for row in added}
    return changed


def _by_channel(people: Iterable[Person]) -> Mapping[int, list[str]]:
    values: defaultdict[int, list[str]] = defaultdict(list)
    for person in people:
        values[person.channel].append(person.value)
        for channel, value, _ in person.others:
            values[channel].append(value)
    return values


def _places(person: Person) -> list[Place]:
    return [(person.channel, person.value, person.written), *person.others]
