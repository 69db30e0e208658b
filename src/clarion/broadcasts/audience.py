"""Who a broadcast is for: one query, used for the count beforehand and for the expansion.

The query gives one row per address with the reason why it drops out, if it does. So what the
summary says (A6) and what is written as deliveries can't differ.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from clarion.channels.models import Channel
from clarion.contacts.models import Tag
from clarion.kit import db

# The reasons why someone drops out, in plain words.
DROPPED = {
    "opted_out": "opted out",
    "blocked": "blocked us",
    "deactivated": "account deactivated",
    "unreachable": "can't be reached at this address",
    "open_chat": "in an open chat: held until it is closed",
    "excluded_tag": "excluded by tag",
    "no_address": "no address on the chosen channels",
}
SAMPLE = 5
Part = tuple[str, list[Any]]  # SQL and its parameters


class Audience(BaseModel):
    """How the audience was chosen; stored with the broadcast.

    ``picks``: person by person; the addresses stand in the broadcast's picks, and ``picked_from``
    says whether they were ticked by hand, read from a CSV of user ids, given as chat numbers, or
    taken over from a broadcast that is restarted. ``without_tags`` removes people from any kind.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["all", "tags", "picks"]
    tags: list[str] = []
    without_tags: list[str] = []
    picked_from: Literal["", "hand", "ids", "chats", "restart"] = ""


@dataclass(frozen=True, slots=True)
class AudienceSummary:
    """The numbers before sending (A6)."""

    total: int  # people who will get it
    by_channel: dict[int, int]
    dropped: dict[str, int]  # reason (see DROPPED) -> people
    sample: list[str]  # some names of those who will get it


@dataclass(frozen=True, slots=True)
class Query:
    """SQL that selects address_id, channel_id, contact_id, reason; and its parameters."""

    sql: str
    params: tuple[Any, ...]


def candidates(
    audience: Audience,
    channel_ids: Sequence[int],
    *,
    broadcast_id: int | None = None,
    span: tuple[int, int] | None = None,
) -> Query:
    """The one query. ``reason`` is empty for people who will get the broadcast.

    ``broadcast_id`` is needed for picks. ``span``: the first and last address id to look at.
    """
    source, key = "contacts_address a", "a.id"
    chosen: list[Part] = []
    if audience.kind == "picks":  # CROSS JOIN: SQLite shall begin with the picks
        source, key = "broadcasts_pick p CROSS JOIN contacts_address a", "p.address_id"
        chosen.append(("a.id = p.address_id AND p.broadcast_id = %s", [broadcast_id]))
    chosen.append((f"a.channel_id IN ({_marks(channel_ids)})", list(channel_ids)))
    if span:
        chosen.append((f"{key} BETWEEN %s AND %s", list(span)))
    if audience.kind == "tags":
        chosen.append(_has_tag(audience.tags))
    reason, reason_params = _reason(audience, span)
    where = " AND ".join(sql for sql, _ in chosen)
    return Query(
        f"SELECT a.id AS address_id, a.channel_id, a.contact_id, {reason} AS reason "
        f"FROM {source} WHERE {where}",
        (*reason_params, *(value for _, params in chosen for value in params)),
    )


def end_of_chunk(
    audience: Audience, channel_ids: Sequence[int], *, broadcast_id: int, after: int, size: int
) -> int | None:
    """The last of the next ``size`` address ids to look at; None when there are no more.

    Read from an index alone, so that every chunk costs the same, whoever drops out of it.
    """
    table, key, owner, owners = "contacts_address", "id", "channel_id", channel_ids
    if audience.kind == "picks":
        table, key, owner, owners = "broadcasts_pick", "address_id", "broadcast_id", [broadcast_id]
    branch = (
        f"SELECT id FROM (SELECT {key} AS id FROM {table} "
        f"WHERE {owner} = %s AND {key} > %s ORDER BY {key} LIMIT %s) b"
    )
    every = " UNION ALL ".join([branch] * len(owners))
    found = db.fetch(
        f"SELECT max(id) FROM (SELECT id FROM ({every}) u ORDER BY id LIMIT %s) q",
        [value for one in owners for value in (one, after, size)] + [size],
    )
    last: int | None = found[0][0]
    return last


def _reason(audience: Audience, span: tuple[int, int] | None) -> Part:
    """Why an address drops out: the first reason that applies."""
    cases: list[Part] = []
    if audience.without_tags:
        excluded, ids = _has_tag(audience.without_tags)
        cases.append((f"WHEN {excluded} THEN 'excluded_tag'", ids))
    cases.append(("WHEN a.state <> 'active' THEN a.state", []))
    # Open chats are few: they are read once, and not looked for with everybody.
    within = " AND c.address_id BETWEEN %s AND %s" if span else ""
    open_chats = f"SELECT c.address_id FROM chats_chat c WHERE c.state = 'open'{within}"
    cases.append((f"WHEN a.id IN ({open_chats}) THEN 'open_chat'", list(span or ())))
    sql = " ".join(case for case, _ in cases)
    return f"CASE {sql} ELSE '' END", [value for _, params in cases for value in params]


def _has_tag(names: Sequence[str]) -> Part:
    """SQL for "this contact has one of these tags".

    One EXISTS per tag: SQLite 3.51.1 counts a row twice for EXISTS with a list of tags.
    """
    ids = list(Tag.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True))
    has = (
        "EXISTS (SELECT 1 FROM contacts_tagging t "
        "WHERE t.tag_id = %s AND t.contact_id = a.contact_id)"
    )
    return f"({' OR '.join([has] * len(ids)) or '1 = 0'})", ids


def _marks(values: Sequence[Any]) -> str:
    return ", ".join(["%s"] * len(values))


def summary(
    audience: Audience, channels: Sequence[Channel], *, broadcast_id: int | None = None
) -> AudienceSummary:
    """Count the audience exactly, by channel and by reason of dropping out, with some names."""
    ids = [channel.pk for channel in channels]
    if not ids:
        return AudienceSummary(0, {}, {}, [])
    query = candidates(audience, ids, broadcast_id=broadcast_id)
    by_channel = dict.fromkeys(ids, 0)
    # Everybody is counted by the index alone; the few who drop out are counted by reason.
    by_channel |= dict(
        db.fetch(
            f"SELECT channel_id, count(*) FROM ({query.sql}) q GROUP BY channel_id", query.params
        )
    )
    dropped: dict[str, int] = {}
    for channel_id, reason, count in db.fetch(
        f"SELECT channel_id, reason, count(*) FROM ({query.sql}) q WHERE reason <> '' "
        "GROUP BY channel_id, reason",
        query.params,
    ):
        by_channel[channel_id] -= count
        dropped[reason] = dropped.get(reason, 0) + count
    if without := _without_address(audience, ids, broadcast_id):
        dropped["no_address"] = without
    return AudienceSummary(sum(by_channel.values()), by_channel, dropped, _sample(query))


def _sample(query: Query) -> list[str]:
    names = db.fetch(
        f"SELECT p.name, a.value FROM (SELECT * FROM ({query.sql}) r WHERE reason = '' "
        f"LIMIT {SAMPLE}) q JOIN contacts_contact p ON p.id = q.contact_id "
        "JOIN contacts_address a ON a.id = q.address_id ORDER BY q.address_id",
        query.params,
    )
    return [name or value for name, value in names]


def _without_address(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None
) -> int:
    """How many were chosen who have no address on these channels."""
    there = _marks(channel_ids)
    if audience.kind == "picks":
        return _count(
            "SELECT count(*) FROM broadcasts_pick p CROSS JOIN contacts_address a "
            f"WHERE p.broadcast_id = %s AND a.id = p.address_id AND a.channel_id NOT IN ({there})",
            [broadcast_id, *channel_ids],
        )
    tags = list(Tag.objects.filter(name__in=audience.tags).values_list("pk", flat=True))
    if audience.kind == "all" or not tags:
        return 0
    return _count(
        "SELECT count(*) FROM (SELECT contact_id FROM contacts_tagging "
        f"WHERE tag_id IN ({_marks(tags)}) EXCEPT "
        f"SELECT contact_id FROM contacts_address WHERE channel_id IN ({there})) q",
        [*tags, *channel_ids],
    )


def _count(sql: str, params: Sequence[Any]) -> int:
    return int(db.fetch(sql, params)[0][0])


def audience_problems(
    audience: Audience, channels: Sequence[Channel], *, broadcast_id: int | None = None
) -> list[str]:
    """Why this audience can't be sent to, one sentence each; empty when it can."""
    if audience.kind == "tags" and not audience.tags:
        return ["Choose at least one tag."]
    unused = _unused_tags([*audience.tags, *audience.without_tags])
    if unused:
        return [f"Nobody has the tag “{name}”. Choose another one." for name in unused]
    query = candidates(audience, [channel.pk for channel in channels], broadcast_id=broadcast_id)
    anyone = db.fetch(
        f"SELECT 1 FROM ({query.sql}) q WHERE reason <> 'excluded_tag' LIMIT 1", query.params
    )
    names = ", ".join(channel.name for channel in channels)
    return [] if anyone else [f"Nobody is in this audience on {names}. Choose another audience."]


def _unused_tags(names: Sequence[str]) -> list[str]:
    tagged = Tag.objects.filter(name__in=names, taggings__isnull=False).distinct()
    used = set(tagged.values_list("name", flat=True))
    return [name for name in dict.fromkeys(names) if name not in used]
