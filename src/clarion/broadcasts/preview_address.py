"""For whom a message is previewed: a recipient of this broadcast, not just anybody (B5)."""

from collections.abc import Sequence

from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.query import (
    Audience,
    Query,
    audience_of,
    candidates,
    end_of_chunk,
    marks,
)
from clarion.contacts.models import Address
from clarion.kit import db

CHUNKS = (100, 1_000, 10_000, 100_000)  # addresses that are looked at for a recipient
MOST_TAGGED = 10_000  # contacts with the tags that are looked at


def preview_address(
    broadcast: Broadcast,
    channel_ids: Sequence[int],
    *,
    chosen: int | None = None,
    shown: int | None = None,
    after: int | None = None,
    picks: Sequence[int] = (),
) -> Address | None:
    """Whom to preview for; None where there is no recipient.

    The address that was ``chosen``, whoever that is; else the one ``shown`` before, as long as it
    is a recipient; else the first recipient. ``after``: the one that follows this one instead, and
    the first after the last. ``picks``: addresses of an audience that is not saved yet.
    """
    if chosen is not None and (address := _address(chosen)):
        return address
    if broadcast.pk is None and picks:
        return _address(picks[0])
    if not channel_ids or not broadcast.audience:
        return None
    audience = audience_of(broadcast)
    if after is None and shown is not None:
        query = candidates(audience, channel_ids, broadcast_id=broadcast.pk, addresses=[shown])
        if (same := _first(query)) is not None:
            return _address(same)
    following = _next(audience, channel_ids, broadcast.pk, after or 0)
    if following is None and after:
        following = _next(audience, channel_ids, broadcast.pk, 0)
    return _address(following) if following is not None else None


def _address(pk: int) -> Address | None:
    return Address.objects.select_related("contact", "channel").filter(pk=pk).first()


def _next(
    audience: Audience, channel_ids: Sequence[int], broadcast_id: int | None, after: int
) -> int | None:
    """The first recipient with a higher address id. Of a large audience a part is looked at."""
    if audience.kind == "tags" and not audience.tags:
        return None
    if audience.kind == "tags":  # who has a rare tag is not found by walking over everybody
        contacts = _tagged(audience.tags)
        query = candidates(audience, channel_ids, broadcast_id=broadcast_id, contacts=contacts)
        return _first(query, after)
    for size in CHUNKS:
        last = end_of_chunk(
            audience, channel_ids, broadcast_id=broadcast_id or 0, after=after, size=size
        )
        if last is None:
            return None
        span = (after + 1, last)
        query = candidates(audience, channel_ids, broadcast_id=broadcast_id, span=span)
        if (following := _first(query)) is not None:
            return following
        after = last
    return None


def _tagged(names: Sequence[str]) -> list[int]:
    rows = db.fetch(
        "SELECT DISTINCT t.contact_id FROM contacts_tagging t "
        "JOIN contacts_tag g ON g.id = t.tag_id "
        f"WHERE g.name IN ({marks(names)}) ORDER BY t.contact_id LIMIT %s",
        [*names, MOST_TAGGED],
    )
    return [contact for (contact,) in rows]


def _first(query: Query, after: int = 0) -> int | None:
    rows = db.fetch(
        f"SELECT min(q.address_id) FROM ({query.sql}) q "
        "WHERE q.reason IN ('', 'open_chat') AND q.address_id > %s",
        [*query.params, after],
    )
    first: int | None = rows[0][0]
    return first
