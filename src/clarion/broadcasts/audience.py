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


class Audience(BaseModel):
    """How the audience was chosen; stored with the broadcast.

    ``picks``: person by person; the addresses stand in the broadcast's picks, and ``picked_from``
    says whether they were ticked by hand, read from a CSV of user ids, given as chat numbers, or
    taken over from a broadcast that is restarted.
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
    audience: Audience, channel_ids: Sequence[int], *, broadcast_id: int | None
) -> Query:
    """The one query. ``reason`` is empty for people who will get the broadcast.

    ``broadcast_id`` is needed for picks.
    """
    params: list[Any] = []
    excluded = ""
    if audience.kind == "tags" and audience.without_tags:
        clause, ids = _has_tag(audience.without_tags)
        excluded = f"WHEN {clause} THEN 'excluded_tag' "
        params += ids
    source = "contacts_address a"
    if audience.kind == "picks":
        source = (
            "broadcasts_pick p JOIN contacts_address a "
            "ON a.id = p.address_id AND p.broadcast_id = %s"
        )
        params.append(broadcast_id)
    where = f"a.channel_id IN ({_marks(channel_ids)})"
    params += channel_ids
    if audience.kind == "tags":
        clause, ids = _has_tag(audience.tags)
        where += f" AND {clause}"
        params += ids
    sql = (
        "SELECT a.id AS address_id, a.channel_id, a.contact_id, "
        f"CASE {excluded}WHEN a.state <> 'active' THEN a.state "
        "WHEN c.state = 'open' THEN 'open_chat' ELSE '' END AS reason "
        f"FROM {source} LEFT JOIN chats_chat c ON c.address_id = a.id WHERE {where}"
    )
    return Query(sql, tuple(params))


def _has_tag(names: Sequence[str]) -> tuple[str, list[int]]:
    ids = list(Tag.objects.filter(name__in=names).values_list("pk", flat=True))
    if not ids:
        return "1 = 0", []
    clause = (
        "EXISTS (SELECT 1 FROM contacts_tagging t WHERE t.contact_id = a.contact_id "
        f"AND t.tag_id IN ({_marks(ids)}))"
    )
    return clause, ids


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
    dropped: dict[str, int] = {}
    for channel_id, reason, count in db.fetch(
        f"SELECT channel_id, reason, count(*) FROM ({query.sql}) q GROUP BY channel_id, reason",
        query.params,
    ):
        if reason:
            dropped[reason] = dropped.get(reason, 0) + count
        else:
            by_channel[channel_id] = count
    if audience.kind == "tags":
        without = _without_address(audience, ids)
        if without:
            dropped["no_address"] = without
    names = db.fetch(
        f"SELECT p.name, a.value FROM (SELECT * FROM ({query.sql}) r WHERE reason = '' "
        f"LIMIT {SAMPLE}) q JOIN contacts_contact p ON p.id = q.contact_id "
        "JOIN contacts_address a ON a.id = q.address_id",
        query.params,
    )
    return AudienceSummary(
        sum(by_channel.values()), by_channel, dropped, [name or value for name, value in names]
    )


def _without_address(audience: Audience, channel_ids: Sequence[int]) -> int:
    tags = list(Tag.objects.filter(name__in=audience.tags).values_list("pk", flat=True))
    if not tags:
        return 0
    sql = (
        "SELECT count(DISTINCT t.contact_id) FROM contacts_tagging t "
        f"WHERE t.tag_id IN ({_marks(tags)}) AND NOT EXISTS (SELECT 1 FROM contacts_address a "
        f"WHERE a.contact_id = t.contact_id AND a.channel_id IN ({_marks(channel_ids)}))"
    )
    return int(db.fetch(sql, [*tags, *channel_ids])[0][0])


def audience_problems(
    audience: Audience, channels: Sequence[Channel], *, broadcast_id: int | None = None
) -> list[str]:
    """Why this audience can't be sent to, one sentence each; empty when it can."""
    if audience.kind == "tags":
        if not audience.tags:
            return ["Choose at least one tag."]
        known = set(
            Tag.objects.filter(name__in=[*audience.tags, *audience.without_tags])
            .filter(taggings__isnull=False)
            .values_list("name", flat=True)
        )
        unused = [name for name in [*audience.tags, *audience.without_tags] if name not in known]
        if unused:
            return [f"Nobody has the tag “{name}”. Choose another one." for name in unused]
    query = candidates(audience, [channel.pk for channel in channels], broadcast_id=broadcast_id)
    anyone = db.fetch(
        f"SELECT 1 FROM ({query.sql}) q WHERE reason <> 'excluded_tag' LIMIT 1", query.params
    )
    names = ", ".join(channel.name for channel in channels)
    return [] if anyone else [f"Nobody is in this audience on {names}. Choose another audience."]
