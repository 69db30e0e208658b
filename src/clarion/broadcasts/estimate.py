"""About how many people: the one query, run on a sample of a very large audience."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from clarion.broadcasts.query import Audience, Query, Span, candidates, marks
from clarion.broadcasts.reasons import HELD
from clarion.contacts.models import Address, Tag
from clarion.kit import db
from clarion.kit.sampling import rounded, spans

SAMPLE = 5  # names


@dataclass(frozen=True, slots=True)
class AudienceSummary:
    """The numbers before sending (A6)."""

    total: int  # recipients, those who are held included
    by_channel: dict[int, int]  # of the total
    dropped: dict[str, int]  # reason (see reasons.LEFT_OUT) -> people
    sample: list[str]  # some names of those who will get it
    about: bool = False  # the numbers come from a sample, rounded to three digits
    held: int = 0  # of the total: get it when their open chat is closed


def estimate(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None
) -> AudienceSummary:
    """The summary, from a sample where there are many people; the same at every look."""
    kept: dict[int, float] = dict.fromkeys(channel_ids, 0)
    dropped: dict[str, float] = {}
    about, names, held = False, list[int](), 0.0
    for crowd in _crowds(audience, channel_ids, broadcast_id):
        looked = _look(crowd, audience, broadcast_id)
        about |= looked.factor > 1
        names += looked.names
        for (channel_id, reason), count in looked.found.items():
            if reason and reason != HELD:
                dropped[reason] = dropped.get(reason, 0) + count * looked.factor
            else:
                kept[channel_id] += count * looked.factor
                held += count * looked.factor if reason else 0
        if audience.kind == "picks" and (missing := looked.size - sum(looked.found.values())):
            dropped["no_address"] = missing * looked.factor
    if audience.kind == "tags":
        without = _without_address(audience, channel_ids)
        dropped |= {"no_address": without} if without else {}
    return _rounded(kept, dropped, names, about, held)


def samples(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None
) -> Iterator[tuple[Query, float]]:
    """The audience query on parts of the audience, each with how many people one stands for."""
    for crowd in _crowds(audience, channel_ids, broadcast_id):
        size, first, last = crowd.span()
        ids = crowd.ids(spans(first, last, size))
        query = candidates(audience, crowd.channel_ids, broadcast_id=broadcast_id, addresses=ids)
        yield query, size / len(ids) if ids else 1.0


def _crowds(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None
) -> list["_Crowd"]:
    if audience.kind == "picks":
        picks = ("FROM broadcasts_pick", "address_id", "broadcast_id", broadcast_id)
        return [_Crowd(*picks, list(channel_ids))]
    addresses = ("FROM contacts_address", "id", "alias_of_id IS NULL AND channel_id")
    return [_Crowd(*addresses, key, [key]) for key in channel_ids]


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Rows that somebody stands in: addresses on a channel, picks of a broadcast, taggings."""

    rows: str
    key: str
    owner: str
    owner_id: int | None
    channel_ids: list[int]

    def span(self) -> tuple[int, int, int]:
        """How many rows, and the first and the last key."""
        rows = db.fetch(
            f"SELECT count(*), COALESCE(min({self.key}), 0), COALESCE(max({self.key}), 0) "
            f"{self.rows} WHERE {self.owner} = %s",
            [self.owner_id],
        )
        return rows[0][0], rows[0][1], rows[0][2]

    def ids(self, sample: Sequence[Span]) -> list[int]:
        """The keys in these spans. (A join with a table of spans PostgreSQL can't estimate.)"""
        query = f"SELECT {self.key} {self.rows} WHERE {self.owner} = %s AND {self.key}"
        rows = db.fetch(
            " UNION ALL ".join([f"{query} BETWEEN %s AND %s"] * len(sample)),
            [value for span in sample for value in (self.owner_id, *span)],
        )
        return [row[0] for row in rows]


@dataclass(frozen=True, slots=True)
class _Looked:
    size: int  # rows in the sample
    found: Counter[tuple[int, str]]  # (channel, reason) -> people in the sample
    names: list[int]  # addresses of some who get it
    factor: float  # how many people each of them stands for


def _look(crowd: _Crowd, audience: Audience, broadcast_id: int | None) -> _Looked:
    size, first, last = crowd.span()
    ids = crowd.ids(spans(first, last, size))
    query = candidates(audience, crowd.channel_ids, broadcast_id=broadcast_id, addresses=ids)
    rows = db.fetch(query.sql, query.params)
    by_reason = Counter((channel_id, reason) for _, channel_id, _, reason in rows)
    names = sorted(row[0] for row in rows if not row[3])[:SAMPLE]
    return _Looked(len(ids), by_reason, names, size / len(ids) if ids else 1)


def _without_address(audience: Audience, channel_ids: Sequence[int]) -> float:
    """How many have a tag but no address on these channels, from a sample of contacts."""
    first: int
    last: int
    first, last = db.fetch("SELECT min(id), max(id) FROM contacts_contact")[0]
    sample = spans(first, last, last - first + 1)
    tagged: set[int] = set()
    for tag in Tag.objects.filter(name__in=audience.tags):
        tagging = _Crowd("FROM contacts_tagging", "contact_id", "tag_id", tag.pk, [])
        tagged.update(tagging.ids(sample))
    looked = sum(end - start + 1 for start, end in sample)
    return (len(tagged) - reached(tagged, channel_ids)) * (last - first + 1) / looked


def reached(contact_ids: Collection[int], channel_ids: Sequence[int]) -> int:
    """How many of some ten thousand contacts have an address on one of these channels."""
    return _count(
        f"SELECT count(DISTINCT a.contact_id) FROM {db.json_table([('id', 'int')])} "
        "CROSS JOIN contacts_address a WHERE a.contact_id = v.id "
        f"AND a.channel_id IN ({marks(channel_ids)})",
        [db.json_param([key] for key in contact_ids), *channel_ids],
    )


def _rounded(
    kept: dict[int, float], dropped: dict[str, float], names: list[int], about: bool, held: float
) -> AudienceSummary:
    whole = rounded if about else round
    by_channel = {key: whole(value) for key, value in kept.items()}
    return AudienceSummary(
        total=sum(by_channel.values()),
        by_channel=by_channel,
        dropped={reason: whole(value) for reason, value in dropped.items()},
        sample=names_of(names),
        about=about,
        held=whole(held),
    )


def names_of(address_ids: Sequence[int]) -> list[str]:
    """What to call the people behind some addresses: at most five names, in the order of ids."""
    addresses = Address.objects.select_related("contact").filter(pk__in=address_ids)
    return [
        address.contact.name or address.user_id for address in addresses.order_by("pk")[:SAMPLE]
    ]


def _count(sql: str, params: Sequence[Any]) -> int:
    return int(db.fetch(sql, params)[0][0])
