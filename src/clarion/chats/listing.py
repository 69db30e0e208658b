"""The list of chats, the latest first: filtered, found by number, name or user id."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clarion.contacts.identities import USER_ID
from clarion.kit import clock, db
from clarion.kit.db.matching import contains
from clarion.kit.numbers import parse_id
from clarion.kit.paging import Cursor, Key, Page, cut
from clarion.kit.text import search_words


@dataclass(frozen=True, slots=True)
class ChatFilter:
    """Which chats to list; None and empty mean any."""

    state: str = ""  # of Chat.State
    agent: int | None = None  # who has it open
    channel: int | None = None
    q: str = ""  # a chat number, or a part of a name or user id


@dataclass(frozen=True, slots=True)
class ChatRow:
    """One chat in a list."""

    last_message_at: datetime
    wrote_at: datetime | None  # when they wrote last
    number: int
    contact_id: int
    name: str
    user_id: str
    channel: str
    state: str
    agent: str  # who has it open, else empty
    text: str  # what they wrote last; empty where that was no text, or nothing yet
    media: str  # what that was instead, such as “photo”


def chat_list(wanted: ChatFilter, cursor: str | None = None, limit: int = 50) -> Page[ChatRow]:
    """The page of chats at a cursor that another page gave, or the first one.

    Raises CursorError for a cursor that is not ours.
    """
    position = Cursor.parse(cursor, values=2) if cursor else None
    where, params = _conditions(wanted)
    backward = position is not None and position.backward
    way, beyond = ("ASC", ">") if backward else ("DESC", "<")
    if position:
        where.append(f"(c.last_message_at, c.address_id) {beyond} (%s, %s)")
        params += position.key
    keys: list[Key] = db.fetch(
        "SELECT c.last_message_at, c.address_id FROM chats_chat AS c "
        f"WHERE {' AND '.join(where) or '1 = 1'} "
        f"ORDER BY c.last_message_at {way}, c.address_id {way} LIMIT %s",
        [*params, limit + 1],
    )
    page = cut(keys, limit, position, lambda key: key)
    return Page(load([number for _, number in page.rows]), page.next_cursor, page.previous_cursor)


def _conditions(wanted: ChatFilter) -> tuple[list[str], list[Any]]:
    where: list[str] = []
    params: list[Any] = []
    if wanted.state:
        where.append("c.state = %s")
        params.append(wanted.state)
    if wanted.agent is not None:
        where.append("c.agent_id = %s")
        params.append(wanted.agent)
    if wanted.channel is not None:
        where.append(
            "EXISTS (SELECT 1 FROM contacts_address AS a "
            "WHERE a.id = c.address_id AND a.channel_id = %s)"
        )
        params.append(wanted.channel)
    if words := search_words(wanted.q).lstrip("#№ "):
        sql, values = _matches(words)
        where.append(f"c.address_id IN ({sql})")
        params += values
    return where, params


def _matches(words: str) -> tuple[str, list[Any]]:
    """SQL for the addresses that they mean; each part walks one narrow index."""
    by_name, name = contains("n.name", words)
    by_value, value = contains("a.value", words)
    address = "SELECT coalesce(a.alias_of_id, a.id) FROM contacts_address AS a"
    named = f"{address} JOIN contacts_contact AS n ON n.id = a.contact_id WHERE {by_name}"
    valued = f"{address} WHERE a.channel_id IN (SELECT id FROM channels_channel) AND {by_value}"
    parts = [named, valued]
    params: list[Any] = [*name, *value]
    if number := parse_id(words):
        parts.append(f"{address} WHERE a.id = %s")
        params.append(number)
    return " UNION ALL ".join(parts), params


def load(numbers: Sequence[int]) -> list[ChatRow]:
    """The chats with these numbers, in this order; without those that are gone."""
    newest = (
        "SELECT m.id FROM chats_message AS m WHERE m.chat_id = c.address_id AND m.inbound "
        "ORDER BY m.at DESC, m.id DESC LIMIT 1"
    )
    by_number = {
        row[2]: ChatRow(clock.from_us(row[0]), _moment(row[1]), *row[2:])
        for row in db.fetch(
            f"SELECT c.last_message_at, w.at, c.address_id, p.id, p.name, {USER_ID}, h.name, "
            "c.state, "
            "coalesce(g.name, ''), coalesce(w.text, ''), coalesce(w.payload->>'media', '') "
            f"FROM {db.json_table([('id', 'int')])} JOIN chats_chat AS c ON c.address_id = v.id "
            "JOIN contacts_address AS a ON a.id = c.address_id "
            "JOIN contacts_contact AS p ON p.id = a.contact_id "
            "JOIN channels_channel AS h ON h.id = a.channel_id "
            "LEFT JOIN accounts_agent AS g ON g.id = c.agent_id "
            f"LEFT JOIN chats_message AS w ON w.id = ({newest})",
            [db.json_param([number] for number in numbers)],
        )
    }
    return [by_number[number] for number in numbers if number in by_number]


def _moment(value: int | None) -> datetime | None:
    return None if value is None else clock.from_us(value)
