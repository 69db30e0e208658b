"""One contact, several user ids on a channel: found by any of them, joined, moved.

Every id is a row of contacts_address, so that the unique (channel, value) decides whose it is; a
row that is only another id names its address in ``alias_of``. Whoever looks somebody up by a user
id does it here.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from clarion.channels.contract import BadIdError
from clarion.channels.models import Channel
from clarion.channels.registry import id_rank, id_reader
from clarion.contacts.merging import lock_addresses, merge_addresses
from clarion.contacts.models import Address, AddressChange
from clarion.contacts.states import OUT_OF_REACH, AddressState
from clarion.contacts.suppressions import matching as suppressions
from clarion.kit import clock, db
from clarion.kit.text import clean

LONGEST = 320  # characters of a user id
_NEW = 718_203  # the space of the locks on user ids that nobody has yet
_LOCKS = 1_024  # as many user ids can be locked apart
USER_ID = "coalesce(nullif(a.written, ''), a.value)"  # SQL: as it is written, of an address “a”


class Match(NamedTuple):
    """Whose user id that is."""

    address: int  # the address that is sent to
    contact: int
    is_alias: bool


def matches(channel_id: int, values: Iterable[str]) -> dict[str, Match]:
    """Whose these user ids of a channel are, as far as they are known; some ten thousand at once.

    CROSS JOIN makes SQLite begin with the few ids; else it may go through all addresses for each.
    In order they are found a fifth faster, since neighbours stand in the same page of the index.
    """
    rows = db.fetch(
        "SELECT a.value, COALESCE(a.alias_of_id, a.id), a.contact_id, a.alias_of_id IS NOT NULL "
        f"FROM {db.json_table([('value', 'text')])} "
        "CROSS JOIN contacts_address a WHERE a.channel_id = %s AND a.value = v.value",
        [db.json_param([value] for value in sorted(values)), channel_id],
    )
    return {value: Match(address, contact, bool(alias)) for value, address, contact, alias in rows}


def lock(ids: Mapping[int, Iterable[str]]) -> None:
    """Let nobody else change or add the people with these user ids until the transaction ends.

    ``ids``: by channel. Two transactions that begin with this never wait for each other crosswise,
    in whatever order they write: those who are known are locked by their number, then the user ids
    that are new. Many of these may share one lock, so that a round holds no more than there are.
    """
    address_ids: set[int] = set()
    unknown: list[tuple[int, str]] = []
    for channel_id, named in ids.items():
        values = {clean(value, LONGEST) for value in named if value}
        owners = matches(channel_id, values) if values else {}
        address_ids |= {match.address for match in owners.values()}
        unknown += [(channel_id, value) for value in values - owners.keys()]
    if address_ids:
        db.fetch(
            f"SELECT id FROM contacts_address WHERE id {db.in_list()} ORDER BY id{db.for_update()}",
            [db.json_param([key] for key in sorted(address_ids))],
        )
    lock_new(unknown)


def lock_new(ids: Iterable[tuple[int, str]]) -> None:
    """Let nobody else add people with these user ids, each of a channel, who are not there yet.

    For whoever adds several in one transaction.
    """
    db.lock_numbers(
        _NEW, (zlib.crc32(f"{channel} {value}".encode()) % _LOCKS for channel, value in ids)
    )


def look_up(channel: Channel, texts: Iterable[str]) -> dict[str, Match]:
    """As ``matches``, by user ids as people write them; the keys are what was given.

    One that is exactly somebody's is theirs, also where it could be meant in another way.
    """
    check = id_reader(channel)
    values: dict[str, list[str]] = {}
    for text in texts:
        exact = text.strip()
        meant = values[text] = [exact] if clean(exact, LONGEST) == exact else []
        with suppress(BadIdError):  # can't be anybody's
            meant.append(check(text))
    by_value = matches(channel.pk, {value for meant in values.values() for value in meant})
    meanings = {
        text: [value for value in meant if value in by_value] for text, meant in values.items()
    }
    return {text: by_value[meant[0]] for text, meant in meanings.items() if meant}


def find(channel: Channel, value: str) -> Address | None:
    """The address with this user id, or with this as another id of it; None if nobody has it."""
    addresses = Address.objects.filter(channel=channel, value=clean(value, LONGEST))
    address = addresses.select_related("alias_of").first()
    return (address.alias_of or address) if address else None


def primary_id(address_id: int) -> int:
    """The address to send to for an id that was an address once; others are given back as is."""
    rows = db.fetch("SELECT alias_of_id FROM contacts_address WHERE id = %s", [address_id])
    return rows[0][0] or address_id if rows else address_id


def same_as(address_ids: Sequence[int]) -> list[int]:
    """These few addresses, those they were merged into, and all that are aliases of the same."""
    primary = [primary_id(address_id) for address_id in address_ids]
    rows = db.fetch(
        f"SELECT id FROM contacts_address WHERE alias_of_id {db.in_list()}",
        [db.json_param([key] for key in primary)],
    )
    return sorted({*address_ids, *primary, *(row[0] for row in rows)})


def join(channel: Channel, ids: Iterable[str]) -> Address | None:
    """Make these user ids those of one address, and return it; None where nobody has any of them.

    Addresses that are there already are merged, and their contacts with them.
    """
    values = list(dict.fromkeys(clean(value, LONGEST) for value in ids if value))
    with db.write():
        is_any_suppressed = suppressions.hold_still()
        address_ids = {match.address for match in matches(channel.pk, values).values()}
        if not address_ids:
            return None
        kept, *others = lock_addresses(address_ids)
        for other in others:
            merge_addresses(kept, other)
        for value in values:
            row, _ = Address.objects.get_or_create(
                channel=channel,
                value=value,
                defaults={
                    "contact_id": kept.contact_id,
                    "alias_of": kept,
                    "state": AddressState.ALIAS,
                },
            )
            if (row.alias_of_id or row.pk) != kept.pk:  # added by another process a moment ago
                kept, other = lock_addresses([kept.pk, row.alias_of_id or row.pk])
                merge_addresses(kept, other)
        _send_to_best(channel, kept)
        if is_any_suppressed and suppressions.check([kept.pk]):
            kept.refresh_from_db(fields=["suppression"])
    return kept


def _send_to_best(channel: Channel, address: Address) -> None:
    """Let the best of an address's user ids be the one that is sent to."""
    rank = id_rank(channel)
    if rank is None:
        return
    aliases = Address.objects.filter(alias_of=address).order_by("pk")
    best = min(aliases, key=lambda alias: rank(alias.value), default=None)
    if best is not None and rank(best.value) < rank(address.value):
        _swap(address, best)


def unjoined(channel: Channel, groups: Iterable[Sequence[str]]) -> list[tuple[str, ...]]:
    """Of these groups of user ids those that ``join`` would change. One query for all of them."""
    several = {tuple(dict.fromkeys(filter(None, ids))) for ids in groups}
    several = {ids for ids in several if len(ids) > 1}
    if not several:
        return []
    by_value = matches(channel.pk, {value for ids in several for value in ids})
    owners = {
        ids: {by_value[value].address if value in by_value else None for value in ids}
        for ids in several
    }
    return sorted(ids for ids, different in owners.items() if len(different) > 1)


def join_all(channel: Channel, groups: Iterable[Sequence[str]]) -> None:
    """``join`` each group of user ids. Those that belong together already cost one query in all."""
    for ids in unjoined(channel, groups):
        join(channel, ids)


def move(
    channel: Channel, old: str, new: str, *, keeps_old: bool, aliases: Sequence[str] = ()
) -> bool:
    """Send to the user id ``new`` what was sent to ``old``; return whether ``old`` was known.

    Whoever has ``new`` already is merged. ``keeps_old``: the old id goes on being one of theirs;
    else it is free for whoever gets it from the provider next. ``aliases``: their other user ids.
    """
    old, new = clean(old, LONGEST), clean(new, LONGEST)
    with db.write():
        join_all(channel, [(old, *aliases)])
        before = matches(channel.pk, [old, new])
        if old not in before or not new or old == new:
            return False
        address = join(channel, (old, new))
        assert address is not None
        if address.value == old:
            _swap(address, Address.objects.get(channel=channel, value=new))
        if not keeps_old:
            _free(channel, old, was_address=new in before)
        if address.state in OUT_OF_REACH:
            active, now = AddressState.ACTIVE, clock.now()
            Address.objects.filter(pk=address.pk).update(state=active, state_at=now)
            AddressChange.objects.create(address=address, state=active, at=now)
    return True


def _swap(address: Address, alias: Address) -> None:
    """Send to the other user id of an address from now on."""
    old, new = address.value, alias.value
    _rename(alias, f"{new[:300]} {alias.pk}")
    _rename(address, new)
    _rename(alias, old)


def _rename(address: Address, value: str) -> None:
    address.value, address.written = value, ""
    address.save(update_fields=["value", "written"])


def _free(channel: Channel, value: str, *, was_address: bool) -> None:
    """Give a user id up. What has happened to a former address can still be looked up."""
    alias = Address.objects.filter(channel=channel, value=value).exclude(alias_of=None)
    if not was_address:
        alias.delete()
    for address in alias:
        _rename(address, f"{value[:280]} until {clock.now():%Y-%m-%d} ({address.pk})")
