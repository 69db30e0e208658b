"""Who a broadcast is for: the people it names, counted and looked at before it is sent."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings

from clarion.broadcasts.estimate import SAMPLE, AudienceSummary, estimate, names_of, reached
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import (
    Audience,
    Query,
    audience_of,
    candidates,
    marks,
)
from clarion.broadcasts.reasons import HELD
from clarion.channels.models import Channel
from clarion.consents.models import Consent
from clarion.contacts.models import Tag, Tagging
from clarion.kit import db
from clarion.segments.models import Segment

FEW = 20_000  # people with a tag who are looked up one by one, instead of asking everybody


def summary(
    audience: Audience,
    channels: Sequence[Channel],
    *,
    broadcast_id: int | None = None,
    quick: bool = False,
) -> AudienceSummary:
    """Count the audience by channel and by reason of dropping out, with some names (A6).

    Exactly; of a million people that may take some seconds. ``quick`` takes a fraction of one: of
    very many people it looks at a sample, and says so (``about``).
    """
    ids = [channel.pk for channel in channels]
    if not ids:
        return AudienceSummary(0, {}, {}, [])
    contacts = _tagged_few(audience)
    if quick and contacts is None:
        return estimate(audience, ids, broadcast_id)
    query = candidates(audience, ids, broadcast_id=broadcast_id, contacts=contacts)
    by_channel = dict.fromkeys(ids, 0)
    dropped: dict[str, int] = {}
    # For all of them the joins had better not be made person by person: that is what PostgreSQL
    # plans for a channel that it knows nothing of yet, and goes through everybody for everybody.
    ways = () if contacts is not None else ("nestloop",)
    with db.disable_plans(*ways):
        counted = _counted(query, of_all=audience.kind == "all")
    held = 0
    for channel_id, reason, count in counted:
        if reason and reason != HELD:
            dropped[reason] = dropped.get(reason, 0) + count
        else:
            by_channel[channel_id] += count
            held += count if reason else 0
    if contacts is not None:
        without = len(contacts) - reached(contacts, ids)
    else:
        missing = without_address(audience, ids, broadcast_id)
        without = (
            _count(f"SELECT count(*) FROM ({missing.sql}) q", missing.params) if missing else 0
        )
    if without:
        dropped["no_address"] = without
    total = sum(by_channel.values())
    return AudienceSummary(total, by_channel, dropped, _sample(query), held=held)


def to_confirm(broadcast: Broadcast) -> AudienceSummary | None:
    """The audience of a broadcast that is so large that Send asks first; None for any other.

    CLARION_CONFIRM_RECIPIENTS says how large. What starts for one contact, or by a call, names its
    recipients later.
    """
    timings = Broadcast.Timing
    least = settings.CLARION.confirm_recipients
    if not least or broadcast.timing in {timings.TRIGGER, timings.EXTERNAL}:
        return None
    counted = summary_of(broadcast)
    return counted if counted and counted.total >= least else None


def summary_of(broadcast: Broadcast) -> AudienceSummary | None:
    """The audience of a saved broadcast, counted quickly; None while it has none."""
    if not broadcast.audience:
        return None
    return summary(
        audience_of(broadcast),
        list(broadcast.channels.order_by("name")),
        broadcast_id=broadcast.pk,
        quick=True,
    )


def _tagged_few(audience: Audience) -> set[int] | None:
    """The contacts with one of the tags, when they are few: then the query begins with them."""
    if audience.kind != "tags":
        return None
    tags = list(Tag.objects.filter(name__in=audience.tags).values_list("pk", flat=True))
    tagged = Tagging.objects.filter(tag__in=tags).values_list("contact_id", flat=True)[: FEW + 1]
    contact_ids = list(tagged)
    return set(contact_ids) if len(contact_ids) <= FEW else None


def _counted(query: Query, *, of_all: bool) -> list[tuple[Any, ...]]:
    """Channel, reason (empty for those who get it), how many."""
    every = f"SELECT channel_id, reason, count(*) FROM ({query.sql}) q"
    if not (of_all and db.groups_by_sorting()):
        return db.fetch(f"{every} GROUP BY channel_id, reason", query.params)
    # Everybody is counted by the index alone, and only those who drop out are sorted by reason.
    total = f"SELECT channel_id, count(*) FROM ({query.sql}) q GROUP BY channel_id"
    lost = db.fetch(f"{every} WHERE reason <> '' GROUP BY channel_id, reason", query.params)
    left = dict(db.fetch(total, query.params))
    for channel_id, _, count in lost:
        left[channel_id] -= count
    return [*lost, *((channel_id, "", count) for channel_id, count in left.items())]


def _sample(query: Query) -> list[str]:
    rows = db.fetch(
        f"SELECT address_id FROM ({query.sql}) q WHERE reason = '' LIMIT {SAMPLE}", query.params
    )
    return names_of([row[0] for row in rows])


def without_address(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None
) -> Query | None:
    """SQL that selects the contact_id of those who were chosen and have no address there.

    None where there can't be anybody.
    """
    channel_marks = marks(channel_ids)
    if audience.kind == "picks":
        return Query(
            "SELECT a.contact_id FROM broadcasts_pick p "
            f"{db.lateral_join('contacts_address', 'a', 'a.id = p.address_id')} "
            f"WHERE p.broadcast_id = %s AND a.channel_id NOT IN ({channel_marks})",
            (broadcast_id, *channel_ids),
        )
    tags = list(Tag.objects.filter(name__in=audience.tags).values_list("pk", flat=True))
    if audience.kind == "all" or not tags:
        return None
    return Query(
        f"SELECT contact_id FROM contacts_tagging WHERE tag_id IN ({marks(tags)}) EXCEPT "
        f"SELECT contact_id FROM contacts_address WHERE channel_id IN ({channel_marks})",
        (*tags, *channel_ids),
    )


def _count(sql: str, params: Sequence[Any]) -> int:
    return int(db.fetch(sql, params)[0][0])


def audience_problems(
    audience: Audience,
    channels: Sequence[Channel],
    *,
    broadcast_id: int | None = None,
    may_be_empty: bool = False,
) -> list[str]:
    """Why this audience can't be sent to, one sentence each; empty when it can.

    ``may_be_empty``: nobody need be in it yet, as for a broadcast that waits for people to come.
    """
    if audience.kind == "tags" and not audience.tags:
        return ["Choose at least one tag."]
    if audience.kind == "segments" and not audience.segments:
        return ["Choose at least one segment."]
    if _unknown_segments([*audience.segments, *audience.without_segments]):
        return ["A segment of this audience has been deleted. Choose another one."]
    if unknown := _unknown_consents(audience.consents):
        return [f"There is no consent “{name}”. Choose another one." for name in unknown]
    unused = _unused_tags([*audience.tags, *audience.without_tags])
    if unused:
        return [f"No contact has the tag “{name}”. Choose another one." for name in unused]
    if may_be_empty:
        return []
    query = candidates(audience, [channel.pk for channel in channels], broadcast_id=broadcast_id)
    anyone = db.fetch(
        f"SELECT 1 FROM ({query.sql}) q "
        "WHERE reason NOT IN ('excluded_tag', 'excluded_segment') LIMIT 1",
        query.params,
    )
    names = ", ".join(channel.name for channel in channels)
    return [] if anyone else [f"This audience has no contacts on {names}. Choose another audience."]


def _unused_tags(names: Sequence[str]) -> list[str]:
    tagged = Tag.objects.filter(name__in=names, taggings__isnull=False).distinct()
    used = set(tagged.values_list("name", flat=True))
    return [name for name in dict.fromkeys(names) if name not in used]


def _unknown_segments(ids: Sequence[int]) -> set[int]:
    return set(ids) - set(Segment.objects.filter(pk__in=ids).values_list("pk", flat=True))


def _unknown_consents(names: Sequence[str]) -> list[str]:
    existing = set(Consent.objects.filter(name__in=names).values_list("name", flat=True))
    return [name for name in dict.fromkeys(names) if name not in existing]
