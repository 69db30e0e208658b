"""People picked one by one: from a list of user ids (A3), or by their chat numbers (A5).

Those ticked by hand (A2) are in ``broadcasts.picker``.
"""

import re
from collections.abc import Iterable, Sequence

from django.db import transaction

from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.models import Broadcast
from clarion.channels.models import Channel
from clarion.contacts import identities
from clarion.contacts.models import Address
from clarion.kit import db
from clarion.kit.batches import batches
from clarion.kit.names import some
from clarion.kit.numbers import is_id

CHUNK = 10_000
MOST_NUMBERS = 10_000  # chat numbers that one writes by hand
NAMED = 20  # unknown numbers that are named


def add_picks(broadcast: Broadcast, address_ids: Iterable[int]) -> int:
    """Add addresses to the picks; returns how many were not there yet. Ids may be a long stream."""
    added = 0
    with transaction.atomic():
        for chunk in batches(address_ids, CHUNK):
            added += db.execute(
                "INSERT INTO broadcasts_pick (broadcast_id, address_id) "
                f"SELECT %s, v.id FROM {db.json_table([('id', 'int')])} WHERE true "
                "ON CONFLICT (broadcast_id, address_id) DO NOTHING",
                [broadcast.pk, db.json_param([key] for key in chunk)],
            )
    return added


def copy_picks(source: Broadcast, to: Broadcast) -> None:
    """Give a broadcast that has none the people who were chosen one by one for another."""
    db.execute(
        "INSERT INTO broadcasts_pick (broadcast_id, address_id) "
        "SELECT %s, address_id FROM broadcasts_pick WHERE broadcast_id = %s",
        [to.pk, source.pk],
    )


def find_chats(
    numbers: str | Sequence[int], channels: Sequence[Channel] | None = None
) -> list[Address]:
    """The addresses behind chat numbers, given as numbers or as typed: ``1, 2, 3``.

    A chat number is the id of an address, on whichever channel; ``channels``: on one of these.
    Raises PicksError that names what is no number or no chat there.
    """
    wanted = _parse(numbers) if isinstance(numbers, str) else list(dict.fromkeys(numbers))
    if len(wanted) > MOST_NUMBERS:
        raise PicksError(f"At most {MOST_NUMBERS:,} chat numbers. Use a CSV file of user ids.")
    storable = [number for number in wanted if is_id(number)]
    addresses = Address.objects.filter(pk__in=storable)
    where = ""
    if channels:
        addresses = addresses.filter(channel__in=channels)
        where = f" on {', '.join(channel.name for channel in channels)}"
    by_number = {
        address.pk: address.alias_of or address for address in addresses.select_related("alias_of")
    }
    unknown = [str(number) for number in wanted if number not in by_number]
    if unknown:
        raise PicksError(
            f"There is no chat{where} with the number {some(unknown, NAMED)}. Correct it.",
            [by_number[number] for number in wanted if number in by_number],
        )
    return list({by_number[number].pk: by_number[number] for number in wanted}.values())


def find_users(values: Sequence[str], channels: Sequence[Channel]) -> list[Address]:
    """The addresses of these user ids on these channels, one or several for each.

    Raises PicksError that names the user ids that none of the channels knows.
    """
    wanted = dict.fromkeys(value.strip() for value in values)
    known_values: set[str] = set()
    address_ids: set[int] = set()
    for channel in channels:
        matches = identities.look_up(channel, wanted)
        known_values |= matches.keys()
        address_ids |= {match.address for match in matches.values()}
    unknown = [value for value in wanted if value not in known_values]
    if unknown:
        where = " or ".join(channel.name for channel in channels)
        raise PicksError(
            f"No contact on {where} has the user id {some(unknown, NAMED)}. Correct it."
        )
    return list(Address.objects.filter(pk__in=address_ids).order_by("pk"))


def _parse(text: str) -> list[int]:
    parts = [part for part in re.split(r"[\s,;]+", text) if part]
    if not parts:
        raise PicksError("Write chat numbers, separated by commas.")
    for part in parts:
        if not (part.isascii() and part.isdigit()):
            raise PicksError(f"“{part[:40]}” is no chat number. Separate numbers by commas.")
    return list(dict.fromkeys(int(part[:30]) for part in parts))
