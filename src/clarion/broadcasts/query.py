"""The one query of who a broadcast is for: it counts beforehand, and it expands.

It gives one row per address with the reason why it drops out, if it does. So what the summary says
(A6) and what is written as deliveries can't differ.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reasons import OUTSIDE_WINDOW
from clarion.channels.limits import WINDOW
from clarion.channels.models import Channel
from clarion.channels.recipients import Content, has_window, only_written
from clarion.consents.models import Consent
from clarion.contacts.models import Tag
from clarion.kit import clock, db
from clarion.segments.members import in_any

MOST_EXISTS = 10  # tags that are looked up one by one; of 100, it would take seconds
Part = tuple[str, list[Any]]  # SQL and its parameters
Span = tuple[int, int]  # the first and the last id


class Audience(BaseModel):
    """How the audience was chosen; stored with the broadcast.

    ``picks``: person by person; the addresses stand in the broadcast's picks, and ``picked_from``
    says whether they were ticked by hand, read from a CSV of user ids, given as chat numbers, or
    taken over from a broadcast that is restarted. ``without_tags`` and ``without_segments``
    remove people from any kind.
    ``only_written``: those alone who have written to the channel, also where it does not demand
    that. ``content`` and ``at`` are not stored: see ``audience_of``.
    """

    model_config = ConfigDict(extra="forbid")

    kind: Literal["all", "tags", "segments", "picks"]
    tags: list[str] = []
    without_tags: list[str] = []
    segments: list[int] = []  # their ids
    without_segments: list[int] = []
    consents: list[str] = []
    only_written: bool = False
    picked_from: Literal["", "hand", "ids", "chats", "restart"] = ""
    content: Content = Field("message", exclude=True)
    at: int = Field(0, exclude=True)  # when it is sent, microseconds; 0 or in the past: now


def audience_of(broadcast: Broadcast) -> Audience:
    """The audience of a broadcast, which may be unsaved; everyone where none is chosen."""
    audience = Audience.model_validate(broadcast.audience or {"kind": "all"})
    at = clock.to_us(broadcast.scheduled_at) if broadcast.scheduled_at else 0
    return audience.model_copy(update={"content": content_of(broadcast), "at": at})


def content_of(broadcast: Broadcast) -> Content:
    """What a broadcast is to the channels that send to those who have written."""
    if broadcast.type == Broadcast.Type.SINGLE:
        return "reply"
    return "template" if broadcast.data_type == Broadcast.DataType.TEMPLATE else "message"


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
    span: Span | None = None,
    contacts: Collection[int] | None = None,
    addresses: Collection[int] | None = None,
) -> Query:
    """The one query. ``reason`` is empty for people who will get the broadcast.

    ``broadcast_id`` is needed for picks. ``span``: the first and last address id to look at.
    ``contacts`` or ``addresses``: look at these alone, at most some ten thousand.
    """
    # Of a part each person is looked up; for all it is better to read everything once.
    is_part = span is not None or contacts is not None or addresses is not None
    end = db.planner_fence() if is_part else ""
    source, key, params, chosen = _source(audience, broadcast_id, contacts, addresses)
    chosen.append((f"a.channel_id IN ({marks(channel_ids)})", list(channel_ids)))
    chosen.append(("a.alias_of_id IS NULL", []))
    if span:
        chosen.append((f"{key} BETWEEN %s AND %s", list(span)))
    if audience.kind == "tags":
        chosen.append(_has_tag(audience.tags, end))
    if audience.kind == "segments":
        chosen.append(in_any(audience.segments, "a.contact_id", end))
    reason, reason_params = _reason(audience, channel_ids, span, end)
    where = " AND ".join(sql for sql, _ in chosen)
    return Query(
        f"SELECT a.id AS address_id, a.channel_id, a.contact_id, {reason} AS reason "
        f"FROM {source} WHERE {where}",
        (*reason_params, *params, *(value for _, values in chosen for value in values)),
    )


def _source(
    audience: Audience,
    broadcast_id: int | None,
    contacts: Collection[int] | None,
    addresses: Collection[int] | None,
) -> tuple[str, str, list[Any], list[Part]]:
    """Where to read, what the address id is called there, its parameters, and what must hold."""
    alone, column = (contacts, "contact_id") if addresses is None else (addresses, "id")
    if alone is None:
        if audience.kind != "picks":
            return "contacts_address a", "a.id", [], []
        owners = db.lateral_join("contacts_address", "a", "a.id = p.address_id")
        return (
            f"broadcasts_pick p {owners}",
            "p.address_id",
            [],
            [("p.broadcast_id = %s", [broadcast_id])],
        )
    joined = db.lateral_join("contacts_address", "a", f"a.{column} = v.id")
    source = f"{db.json_table([('id', 'int')])} {joined}"
    ids = db.json_param([key] for key in dict.fromkeys(alone))
    if audience.kind != "picks":
        return source, "a.id", [ids], []
    picked = db.lateral_join("broadcasts_pick", "p", "p.address_id = a.id AND p.broadcast_id = %s")
    return f"{source} {picked}", "a.id", [ids, broadcast_id], []


def end_of_chunk(
    audience: Audience, channel_ids: Sequence[int], *, broadcast_id: int, after: int, size: int
) -> int | None:
    """The last of the next ``size`` address ids to look at; None when there are no more.

    Read from an index alone, so that every chunk costs the same, whoever drops out of it.
    """
    key, owners = "id", channel_ids
    ids = "SELECT id FROM contacts_address WHERE alias_of_id IS NULL AND channel_id = %s"
    if audience.kind == "picks":
        key, owners = "address_id", [broadcast_id]
        ids = "SELECT address_id AS id FROM broadcasts_pick WHERE broadcast_id = %s"
    branch = f"SELECT id FROM ({ids} AND {key} > %s ORDER BY {key} LIMIT %s) b"
    every = " UNION ALL ".join([branch] * len(owners))
    rows = db.fetch(
        f"SELECT max(id) FROM (SELECT id FROM ({every}) u ORDER BY id LIMIT %s) q",
        [value for owner in owners for value in (owner, after, size)] + [size],
    )
    last: int | None = rows[0][0]
    return last


def _reason(audience: Audience, channel_ids: Sequence[int], span: Span | None, end: str) -> Part:
    """Why an address drops out: the first reason that applies."""
    cases: list[Part] = []
    if audience.without_tags:
        excluded, ids = _has_tag(audience.without_tags, end)
        cases.append((f"WHEN {excluded} THEN 'excluded_tag'", ids))
    if audience.without_segments:
        excluded, params = in_any(audience.without_segments, "a.contact_id", end)
        cases.append((f"WHEN {excluded} THEN 'excluded_segment'", params))
    cases.append(("WHEN a.suppression_id IS NOT NULL THEN 'suppressed'", []))
    cases.append(("WHEN a.state <> 'active' THEN a.state", []))
    if audience.consents:
        lacking, ids = _lacks_consent(audience.consents, end)
        cases.append((f"WHEN {lacking} THEN 'no_consent'", ids))
    demanding, windowed = _demanding(audience, channel_ids)
    if demanding:
        never = f"NOT a.has_written AND a.channel_id IN ({marks(demanding)})"
        cases.append((f"WHEN {never} THEN 'not_written'", demanding))
    if windowed:
        ended = f"COALESCE(a.wrote_at, 0) <= %s AND a.channel_id IN ({marks(windowed)})"
        since = max(audience.at, db.now_us()) - WINDOW * clock.SECOND
        cases.append((f"WHEN {ended} THEN '{OUTSIDE_WINDOW}'", [since, *windowed]))
    # Open chats are few: they are read once, and not looked for with everybody.
    within = " AND c.address_id BETWEEN %s AND %s" if span else ""
    open_chats = f"SELECT c.address_id FROM chats_chat c WHERE c.state = 'open'{within}"
    cases.append((f"WHEN a.id IN ({open_chats}) THEN 'open_chat'", list(span or ())))
    sql = " ".join(case for case, _ in cases)
    return f"CASE {sql} ELSE '' END", [value for _, params in cases for value in params]


def _has_tag(names: Sequence[str], end: str) -> Part:
    """SQL for "this contact has one of these tags"; ``end`` stands at the end of each EXISTS.

    One EXISTS per tag: SQLite 3.51.1 counts a row twice for EXISTS with a list of tags. (Of many
    tags it can't: it takes expressions up to 1,000 levels deep.) PostgreSQL looks each person of a
    span up once, whatever the number of tags.
    """
    ids = list(Tag.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True))
    has = "EXISTS (SELECT 1 FROM contacts_tagging t WHERE t.contact_id = a.contact_id AND t.tag_id"
    if not ids:
        return "1 = 0", ids
    if end:
        return f"{has} IN ({marks(ids)}){end})", ids
    if len(ids) > MOST_EXISTS:
        # The + keeps SQLite from looking up each tag of the list: it reads the person's own tags.
        tags = f"t.contact_id = a.contact_id AND +t.tag_id IN ({marks(ids)})"
        return f"(SELECT count(*) FROM contacts_tagging t WHERE {tags}) > 0", ids
    return f"({' OR '.join([f'{has} = %s)'] * len(ids))})", ids


def _lacks_consent(names: Sequence[str], end: str) -> Part:
    """SQL for "this contact has not given all of these consents".

    One EXISTS per consent, as with tags. One that is gone was given by nobody.
    """
    ids = list(Consent.objects.filter(name__in=names).order_by("pk").values_list("pk", flat=True))
    if len(ids) < len(set(names)):
        return "1 = 1", []
    lacks = (
        "NOT EXISTS (SELECT 1 FROM consents_grant g "
        f"WHERE g.consent_id = %s AND g.contact_id = a.contact_id AND g.given{end})"
    )
    return f"({' OR '.join([lacks] * len(ids))})", ids


def _demanding(audience: Audience, channel_ids: Sequence[int]) -> tuple[list[int], list[int]]:
    """The channels that leave out those who have never written to them, or not lately."""
    of, content = Channel.objects.filter(pk__in=channel_ids), audience.content
    channels = list(of.only("kind", "only_written").order_by("pk"))
    demanding = [
        channel.pk
        for channel in channels
        if audience.only_written or only_written(channel, content)
    ]
    return demanding, [channel.pk for channel in channels if has_window(channel, content)]


def marks(values: Sequence[Any]) -> str:
    """``%s, %s``: one for each value."""
    return ", ".join(["%s"] * len(values))
