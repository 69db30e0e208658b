"""People ticked by hand (A2): looked for, ticked one by one or all that were found, and taken back.

A tick is saved at once. What is ticked is an address: somebody who is reached on two of the chosen
channels stands there twice.
"""

from array import array
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection, transaction

from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.picks import CHUNK, add_picks
from clarion.broadcasts.states import BroadcastState
from clarion.channels.models import Channel
from clarion.contacts.models import Address, Tag
from clarion.contacts.search import addresses_found, contact_list
from clarion.kit import db

PAGE = 20  # people on a page
ASKS = 1_000  # ticking or clearing more asks first


@dataclass(frozen=True, slots=True)
class Person:
    """One address that can be ticked."""

    address_id: int
    contact_id: int
    name: str
    channel: str
    value: str  # the user id
    state: str  # an AddressState: only active ones will get it
    tags: list[str]
    picked: bool


@dataclass(frozen=True, slots=True)
class PeoplePage:
    """Some people; ``next`` is the ``after`` of the following page, None at the end."""

    rows: list[Person]
    next: int | None = None


def search_contacts(
    broadcast: Broadcast, q: str = "", tag: Tag | None = None, after: int | None = None
) -> PeoplePage:
    """People on the chosen channels, newest first, found by name, user id or contact number."""
    channels = list(broadcast.channels.order_by("name"))
    if not channels:
        return PeoplePage([])
    page = contact_list(q=q, tag=tag, channels=channels, after_id=after, limit=PAGE)
    names = {channel.name for channel in channels}
    reached = [
        (row, address) for row in page.rows for address in row.addresses if address.channel in names
    ]
    ids = [address.id for _, address in reached]
    picked = set(broadcast.picks.filter(address__in=ids).values_list("address_id", flat=True))
    rows = [
        Person(a.id, row.id, row.name, a.channel, a.value, a.state, row.tags, a.id in picked)
        for row, a in reached
    ]
    return PeoplePage(rows, page.next)


def picked_contacts(broadcast: Broadcast, after: int | None = None) -> PeoplePage:
    """Those who are ticked, in the order of their chat numbers; tags are left out."""
    addresses = (
        Address.objects.filter(
            pk__in=broadcast.picks.filter(address__gt=after or 0)
            .order_by("address_id")
            .values("address_id")[: PAGE + 1]
        )
        .select_related("contact", "channel")
        .order_by("pk")
    )
    rows = [
        Person(
            a.pk,
            a.contact_id,
            a.contact.name,
            a.channel.name,
            a.user_id,
            a.effective_state,
            [],
            True,
        )
        for a in addresses
    ]
    more = len(rows) > PAGE
    return PeoplePage(rows[:PAGE], rows[PAGE - 1].address_id if more else None)


def tick(broadcast: Broadcast, address_ids: Sequence[int]) -> int:
    """Tick addresses; return how many were not ticked yet. Those that don't exist are left out.

    Raises PicksError when the broadcast is no draft any more.
    """
    with _draft(broadcast):
        addresses = Address.objects.filter(pk__in=address_ids, alias_of=None)
        return add_picks(broadcast, list(addresses.values_list("pk", flat=True)))


def untick(broadcast: Broadcast, address_ids: Sequence[int]) -> int:
    """Take ticks back; return how many. Raises PicksError when it is no draft any more."""
    with _draft(broadcast):
        return broadcast.picks.filter(address__in=address_ids).delete()[0]


def count_found(
    broadcast: Broadcast, q: str = "", tag: Tag | None = None, most: int | None = None
) -> int:
    """How many addresses a search finds on the chosen channels; counting ends after ``most``."""
    sql, params = addresses_found(q, tag, _channels(broadcast))
    limit = "" if most is None else f" LIMIT {most}"
    return int(db.fetch(f"SELECT count(*) FROM ({sql}{limit}) f", params)[0][0])


def tick_found(broadcast: Broadcast, q: str = "", tag: Tag | None = None) -> int:
    """Tick everybody whom a search finds; return how many were not ticked yet.

    A million is noted in steps, so that nothing else waits long. Raises PicksError when the
    broadcast is no draft, or becomes none meanwhile.
    """
    sql, params = addresses_found(q, tag, _channels(broadcast))
    address_ids = array("q")  # 8 bytes each
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        while rows := cursor.fetchmany(CHUNK):
            address_ids.extend(row[0] for row in rows)
    added = 0
    for start in range(0, len(address_ids), CHUNK):
        with _draft(broadcast):
            added += add_picks(broadcast, address_ids[start : start + CHUNK])
    return added


def clear(broadcast: Broadcast) -> list[int]:
    """Take all ticks back; return the addresses of up to ``ASKS`` of them, to tick them again.

    Of more the answer is empty: whoever clears those has been asked. A million is cleared in steps,
    so that nothing else waits long. Raises PicksError when it is no draft any more.
    """
    ids: list[int] = []
    while True:
        with _draft(broadcast):
            chunk = list(broadcast.picks.order_by("pk").values_list("pk", "address_id")[:CHUNK])
            broadcast.picks.filter(pk__in=[pick for pick, _ in chunk]).delete()
        if len(ids) <= ASKS:
            ids += [address for _, address in chunk]
        if len(chunk) < CHUNK:
            return ids if len(ids) <= ASKS else []


@contextmanager
def _draft(broadcast: Broadcast) -> Iterator[None]:
    """A transaction in which the broadcast stays a draft."""
    with transaction.atomic():
        draft = Broadcast.objects.select_for_update().filter(
            pk=broadcast.pk, state=BroadcastState.DRAFT
        )
        if not draft.exists():
            raise PicksError("This broadcast is no draft any more. Undo it first, then edit.")
        yield


def _channels(broadcast: Broadcast) -> list[Channel]:
    return list(broadcast.channels.order_by("name"))
