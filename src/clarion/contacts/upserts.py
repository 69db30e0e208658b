"""Creating and updating contacts that a program sends, by the user ids of one channel.

The rules are those of an import: known user ids are updated, attributes are merged, an empty field
leaves what is there, and people who have opted out stay opted out.
"""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.contacts import tags as tagging
from clarion.contacts.attribute_types import WrongValueError, convert, types_of
from clarion.contacts.attributes import LONGEST, OWN_FIELDS, attribute_name, note_attributes
from clarion.contacts.identities import Match, matches
from clarion.contacts.import_lines import ATTRIBUTES_LIMIT, BadLineError, Layout, Person
from clarion.contacts.import_mapping import by_titles
from clarion.contacts.import_store import store
from clarion.contacts.tags import TagError
from clarion.kit import clock, db

MOST: Final = 10_000  # contacts at once
_COLUMNS: Final = ("user_id", *OWN_FIELDS, "has_written")
Value = str | int | float | bool | Sequence[str]


@dataclass(frozen=True, slots=True)
class Upsert:
    """One contact as it is sent; an empty field leaves what is stored."""

    user_id: str
    name: str = ""
    language: str = ""
    time_zone: str = ""
    attributes: Mapping[str, Value] = field(default_factory=dict)
    tags: Sequence[str] = ()
    has_written: bool = False


@dataclass(frozen=True, slots=True)
class Upserted:
    """What became of one: its contact and address, or which field is wrong and why."""

    contact: int = 0
    address: int = 0
    created: bool = False
    field: str = ""
    sentence: str = ""


class _WrongField(ValueError):  # noqa: N818 - the name is the fact
    def __init__(self, name: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = name


def upsert(channel: Channel, wanted: Sequence[Upsert], *, by: Agent | str) -> list[Upserted]:
    """Create or update contacts on a channel; the results are in the order of what was sent.

    One that is wrong does not stop the others. A user id that is sent twice is updated twice.
    """
    layout = Layout(by_titles(_COLUMNS, "user_id", channel))
    types = types_of({name for item in wanted for name in item.attributes})
    people: dict[int, Person] = {}
    results: dict[int, Upserted] = {}
    for index, item in enumerate(wanted):
        try:
            people[index] = _person(layout, item, types)
            tagging.check_names(item.tags)
        except _WrongField as error:
            results[index] = Upserted(field=error.field, sentence=str(error))
        except TagError as error:
            results[index] = Upserted(field="tags", sentence=str(error))
    people = {index: person for index, person in people.items() if index not in results}
    with db.write():
        results |= _store(channel, wanted, people)
        if people:
            created = sum(result.created for result in results.values())
            audit.note(
                "contacts.upsert",
                f"channel {channel.pk}",
                by,
                created=created,
                updated=len(people) - created,
            )
    return [results[index] for index in range(len(wanted))]


def _store(
    channel: Channel, wanted: Sequence[Upsert], people: Mapping[int, Person]
) -> dict[int, Upserted]:
    values = [person.value for person in people.values()]
    before = matches(channel.pk, values)
    now = clock.now_us()
    for rounds in _rounds(people):
        store([people[index] for index in rounds], (), now)
    after = matches(channel.pk, values)
    note_attributes({attribute_name(n) for index in people for n in wanted[index].attributes})
    _tag(wanted, people, after, now)
    seen: set[str] = set()
    results = {}
    for index, person in people.items():
        match = after[person.value]
        fresh = person.value not in before and person.value not in seen
        seen.add(person.value)
        results[index] = Upserted(match.contact, match.address, fresh)
    return results


def _rounds(people: Mapping[int, Person]) -> list[list[int]]:
    """The places in groups without a user id twice; nearly always one group."""
    times: defaultdict[str, int] = defaultdict(int)
    groups: defaultdict[int, list[int]] = defaultdict(list)
    for index, person in people.items():
        groups[times[person.value]].append(index)
        times[person.value] += 1
    return [groups[number] for number in sorted(groups)]


def _tag(
    wanted: Sequence[Upsert], people: Mapping[int, Person], owners: Mapping[str, Match], now: int
) -> None:
    by_tags: defaultdict[frozenset[str], set[int]] = defaultdict(set)
    for index, person in people.items():
        if wanted[index].tags:
            by_tags[frozenset(wanted[index].tags)].add(owners[person.value].contact)
    for names, contacts in by_tags.items():
        tag_ids = tagging.ensure_tags(names)
        tagging.attach(list(tag_ids.values()), sorted(contacts), now)


def _person(layout: Layout, item: Upsert, types: Mapping[str, str]) -> Person:
    """Raises _WrongField."""
    answer = "yes" if item.has_written else ""
    cells = [item.user_id, item.name, item.language, item.time_zone, answer]
    try:
        person = layout.person(cells)
    except BadIdError as error:
        raise _WrongField("user_id", f"This can't be a user id: {error}.") from None
    except BadLineError as error:
        sentence = str(error)
        name = next((own for own in (*OWN_FIELDS, "language") if own in sentence), "")
        name = "time_zone" if "time zone" in sentence else name
        raise _WrongField(name, f"{sentence[0].upper()}{sentence[1:]}.") from None
    return person._replace(attributes=_attributes(item.attributes, types))


def _attributes(given: Mapping[str, Value], types: Mapping[str, str]) -> str:
    named: dict[str, Value] = {}
    for title, value in given.items():
        name = attribute_name(title)
        if not name or name != title or name in OWN_FIELDS:
            raise _WrongField(
                f"attributes.{title[:LONGEST]}",
                "Use letters, digits and underscores for the name of an attribute, at most "
                f"{LONGEST}, and no field of the contact itself.",
            )
        try:
            # An empty value is no value, whatever the type.
            named[name] = convert(types.get(name, ""), value) if value != "" else value
        except WrongValueError as error:
            sentence = f"{str(error)[0].upper()}{str(error)[1:]}."
            raise _WrongField(f"attributes.{name}", sentence) from None
    text = json.dumps(named, ensure_ascii=False)
    if len(text) > ATTRIBUTES_LIMIT:
        raise _WrongField(
            "attributes", f"They have more than {ATTRIBUTES_LIMIT:,} characters together."
        )
    return text
