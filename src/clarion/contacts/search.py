"""The list of contacts: newest first, found by name, user id or contact id."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.channels.models import Channel
from clarion.contacts.attribute_filters import AttributeFilter
from clarion.contacts.identities import USER_ID
from clarion.contacts.models import Tag
from clarion.contacts.states import STATE, AddressState
from clarion.kit import clock, db
from clarion.kit.db.matching import begins, contains
from clarion.kit.numbers import BIGGEST, parse_id
from clarion.kit.text import search_words


@dataclass(frozen=True, slots=True)
class Reached:
    """One address in the list."""

    id: int  # also the chat number
    channel: str
    value: str
    state: str


@dataclass(frozen=True, slots=True)
class ContactRow:
    """One person in the list."""

    id: int
    name: str
    created_at: datetime
    addresses: list[Reached]
    tags: list[str]


@dataclass(frozen=True, slots=True)
class ContactPage:
    """Some contacts; ``next`` is the ``after_id`` of the following page, None at the end."""

    rows: list[ContactRow]
    next: int | None = None


def contact_list(
    q: str = "",
    channel: Channel | None = None,
    tag: Tag | None = None,
    state: str = "",
    after_id: int | None = None,
    limit: int = 50,
    channels: Sequence[Channel] = (),
    attributes: Sequence[AttributeFilter] = (),
) -> ContactPage:
    """People whose name contains ``q``, or whose user id begins with it, or whose number it is.

    ``channel`` and ``state`` (an AddressState) are of one and the same address; ``channels``: on
    any of these. All of ``attributes`` must hold.
    """
    where, params = _conditions(channel, tag, state)
    _add_attributes(where, params, attributes)
    if channels:
        on_one = "EXISTS (SELECT 1 FROM contacts_address a WHERE a.contact_id = c.id "
        every = [f"{on_one} AND a.channel_id = %s)" for _ in channels]
        where.append(f"({' OR '.join(every)})")
        params += [wanted.pk for wanted in channels]
    before = BIGGEST if after_id is None else after_id
    if words := search_words(q):
        # With nothing else asked for, each half of the search may stop at a page.
        sql, values = _matches(words, before, None if where else limit + 1)
        where.append(sql)
        params += values
    source, key = _source(tag)
    rows = db.fetch(
        f"SELECT c.id, c.name, c.created_at FROM {source} "
        f"WHERE {' AND '.join([*where, f'{key} < %s'])} ORDER BY {key} DESC LIMIT %s",
        [*params, before, limit + 1],
    )
    page = rows[:limit]
    return ContactPage(_rows(page), page[-1][0] if len(rows) > limit else None)


def everyone_found(
    q: str = "",
    channel: Channel | None = None,
    tag: Tag | None = None,
    attributes: Sequence[AttributeFilter] = (),
    *,
    after: int = 0,
    last: int = BIGGEST,
) -> tuple[str, str, list[Any]]:
    """SQL for all whom ``contact_list`` finds with an id above ``after``, up to ``last``.

    The column of their ids, what follows “SELECT … FROM”, and its parameters; in no order.
    """
    where, params = _conditions(channel, tag, "")
    _add_attributes(where, params, attributes)
    if words := search_words(q):
        sql, values = _matches(words, min(last, BIGGEST - 1) + 1, None, after)
        where.append(sql)
        params += values
    source, key = _source(tag)
    where += [f"{key} > %s", f"{key} <= %s"]
    return key, f"{source} WHERE {' AND '.join(where)}", [*params, after, last]


def addresses_found(q: str, tag: Tag | None, channels: Sequence[Channel]) -> tuple[str, list[Any]]:
    """SQL, and its parameters, for the addresses on these channels of those ``contact_list`` finds.

    Its one column is ``id``, in no order.
    """
    where = [f"a.channel_id IN ({', '.join(['%s'] * len(channels)) or 'NULL'})"]
    where.append("a.alias_of_id IS NULL")
    params: list[Any] = [channel.pk for channel in channels]
    if tag:
        where.append(
            "EXISTS (SELECT 1 FROM contacts_tagging g "
            "WHERE g.tag_id = %s AND g.contact_id = a.contact_id)"
        )
        params.append(tag.pk)
    source = "contacts_address a"
    if words := search_words(q):
        source = "contacts_contact c JOIN contacts_address a ON a.contact_id = c.id"
        sql, values = _matches(words, BIGGEST, None)
        where.append(sql)
        params += values
    return f"SELECT a.id FROM {source} WHERE {' AND '.join(where)}", params


def _source(tag: Tag | None) -> tuple[str, str]:
    """The tables of the list, and its key.

    With a tag the list is led by the taggings, so that a rare tag costs no look at everybody.
    """
    if tag:
        return "contacts_tagging g JOIN contacts_contact c ON c.id = g.contact_id", "g.contact_id"
    return "contacts_contact c", "c.id"


def _add_attributes(
    where: list[str], params: list[Any], attributes: Sequence[AttributeFilter]
) -> None:
    for sql, values in (each.sql("c") for each in attributes):
        where.append(sql)
        params += values


def _conditions(
    channel: Channel | None, tag: Tag | None, state: str
) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    if tag:
        where.append("g.tag_id = %s")
        params.append(tag.pk)
    on_channel = " AND a.channel_id = %s" if channel else ""
    in_state = f" AND {STATE} = %s" if state else ""
    if state and state != "active":  # few: found by their index, in the words of its condition
        are_suppressed = state == AddressState.SUPPRESSED
        few = "a.suppression_id IS NOT NULL" if are_suppressed else "NOT (a.state = 'active')"
        where.append(
            "c.id IN (SELECT a.contact_id FROM contacts_address a "
            f"WHERE {few}{on_channel}{in_state})"
        )
    elif channel or state:
        where.append(
            "EXISTS (SELECT 1 FROM contacts_address a "
            f"WHERE a.contact_id = c.id{on_channel}{in_state})"
        )
    params += [channel.pk] if channel else []
    params += [state] if state else []
    return where, params


def _matches(q: str, before: int, limit: int | None, after: int = 0) -> tuple[str, list[Any]]:
    """SQL for "this is whom they mean". Each half walks one narrow index, whatever it finds."""
    by_name, name_params = contains("n.name", q)
    by_value, prefix = begins("a.value", q)
    floor = [after] if after else []
    names_above, ids_above = (
        f" AND {key} > %s" if after else "" for key in ("n.id", "a.contact_id")
    )
    names = f"SELECT n.id FROM contacts_contact n WHERE {by_name} AND n.id < %s{names_above}"
    ids = (
        "SELECT a.contact_id AS id FROM contacts_address a WHERE a.channel_id IN "
        f"(SELECT id FROM channels_channel) AND {by_value} AND a.contact_id < %s{ids_above}"
    )
    halves = [
        (names, "n.id", [*name_params, before, *floor]),
        (ids, "a.contact_id", [prefix, before, *floor]),
    ]
    if (number := parse_id(q)) and after < number < before:
        halves.append(("SELECT n.id FROM contacts_contact n WHERE n.id = %s", "n.id", [number]))
    if limit:
        # The order by itself would lead SQLite through the wide table.
        halves = [
            (
                f"SELECT id FROM ({sql} ORDER BY {db.hide_from_sqlite(key)} DESC LIMIT %s) h",
                key,
                [*values, limit],
            )
            for sql, key, values in halves
        ]
    sql = " UNION ALL ".join(sql for sql, _, _ in halves)
    return f"c.id IN ({sql})", [value for _, _, values in halves for value in values]


def _rows(contacts: Sequence[tuple[Any, ...]]) -> list[ContactRow]:
    addresses: defaultdict[int, list[Reached]] = defaultdict(list)
    tags: defaultdict[int, list[str]] = defaultdict(list)
    ids = db.json_param([row[0]] for row in contacts)
    people = db.json_table([("id", "int")])
    for contact, *reached in db.fetch(
        f"SELECT a.contact_id, a.id, ch.name, {USER_ID}, {STATE} FROM {people} "
        "CROSS JOIN contacts_address a JOIN channels_channel ch ON ch.id = a.channel_id "
        "WHERE a.contact_id = v.id AND a.alias_of_id IS NULL ORDER BY a.id",
        [ids],
    ):
        addresses[contact].append(Reached(*reached))
    for contact, name in db.fetch(
        f"SELECT g.contact_id, t.name FROM {people} "
        "CROSS JOIN contacts_tagging g JOIN contacts_tag t ON t.id = g.tag_id "
        "WHERE g.contact_id = v.id ORDER BY t.name",
        [ids],
    ):
        tags[contact].append(name)
    return [
        ContactRow(key, name, clock.from_us(created_at), addresses[key], tags[key])
        for key, name, created_at in contacts
    ]
