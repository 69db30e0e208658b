"""Addresses, and their state: may it be sent to?

Providers report late, twice and out of order, so each event carries its moment, and one that is
older than what is known changes nothing. Leaving is stronger than anything else: only the person
can take it back, by START or by opting in (``active``).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import transaction

from clarion.accounts import audit
from clarion.accounts.models import Agent
from clarion.channels.models import Channel
from clarion.contacts import identities
from clarion.contacts.models import Address, AddressChange, Contact
from clarion.contacts.signals import address_stopped
from clarion.contacts.states import OUT_OF_REACH
from clarion.contacts.states import AddressState as S
from clarion.contacts.suppressions import matching as suppressions
from clarion.kit import clock, db
from clarion.kit.text import clean

# after -> the states that it follows whatever their moment, and those it follows if it is later
_ANY_TIME: dict[str, tuple[str, ...]] = {S.OPTED_OUT: OUT_OF_REACH}
_IF_LATER: dict[str, tuple[str, ...]] = {
    S.ACTIVE: (S.OPTED_OUT, *OUT_OF_REACH),
    S.OPTED_OUT: (S.ACTIVE,),
    S.BLOCKED: (S.ACTIVE, S.UNREACHABLE),
    S.DEACTIVATED: (S.ACTIVE, S.BLOCKED, S.UNREACHABLE),
    S.UNREACHABLE: (S.ACTIVE,),
}


REACHABLE = "reachable"  # no state: the provider lets us through again, see heard_from


def find_or_add(
    channel: Channel, value: str, *, name: str, language: str, aliases: Sequence[str] = ()
) -> Address:
    """The address of a provider's user id; of somebody unknown, with a new contact.

    ``aliases``: other user ids that the provider names for the same person.
    """
    value = clean(value, identities.LONGEST)
    address = identities.find(channel, value)
    if address is None and aliases:
        address = identities.join(channel, (value, *aliases))
    if address is None:
        address = _add(channel, value, Contact(name=clean(name, 200), language=clean(language, 35)))
    if aliases:
        identities.join_all(channel, [(value, *aliases)])
        address = identities.find(channel, value) or address
    return address


def _add(channel: Channel, value: str, contact: Contact) -> Address:
    with db.write():
        is_any_suppressed = suppressions.hold_still()
        contact.save()
        address, is_new = Address.objects.get_or_create(
            channel=channel, value=value, defaults={"contact": contact}
        )
        if not is_new:  # somebody was quicker
            contact.delete()
        elif is_any_suppressed and suppressions.check([address.pk]):
            address.refresh_from_db(fields=["suppression"])
    return address.alias_of or address


def owners(address_ids: Iterable[int]) -> dict[int, int]:
    """The contact of each of these addresses; those that are gone are left out."""
    rows = db.fetch(
        f"SELECT id, contact_id FROM contacts_address WHERE id {db.in_list()}",
        [db.json_param([key] for key in address_ids)],
    )
    return dict(rows)


def wrote_at(address_ids: Iterable[int]) -> dict[int, int]:
    """When the person of each of these addresses last wrote to its channel, in microseconds.

    Without those of whom that is not known.
    """
    rows = db.fetch(
        f"SELECT id, wrote_at FROM contacts_address WHERE id {db.in_list()} "
        "AND wrote_at IS NOT NULL",
        [db.json_param([key] for key in address_ids)],
    )
    return dict(rows)


def mark(address_id: int, state: str, at: datetime, by: Agent | str | None = None) -> bool:
    """Note what became of an address at that moment; return whether its state changed.

    ``active`` means that the person came back of their own will, which lifts everything. ``by``
    is given where somebody did it here; it goes to the audit log. Sends ``address_stopped``.
    The id of an address that is an alias now stands for the address that it is merged into.
    """
    address_id = identities.primary_id(address_id)
    with transaction.atomic():
        before = _before(address_id)
        if not _move(address_id, state, at, _ANY_TIME.get(state, ()), _IF_LATER[state]):
            return False
        if by is not None:
            audit.note("address.mark", f"address {address_id}", by, state=str(state))
        if before == S.ACTIVE:
            address_stopped.send(Address, address_id=address_id, state=str(state), at=at)
    return True


def mark_value(
    channel: Channel, value: str, state: str, at: datetime, aliases: Sequence[str] = ()
) -> bool:
    """As ``mark``, for a provider's user id. Of somebody unknown there is nothing to note.

    ``aliases``: other user ids that the provider names for the same person.
    """
    if aliases:
        identities.join_all(channel, [(value, *aliases)])
    address = identities.find(channel, value)
    if address is None:
        return False
    if state != REACHABLE:
        return mark(address.pk, state, at)
    # To let us through they have begun a chat with us.
    Address.objects.filter(pk=address.pk, has_written=False).update(has_written=True)
    return _move(address.pk, S.ACTIVE, at, (), OUT_OF_REACH)


def try_again(address_ids: Iterable[int], *, by: Agent | str) -> int:
    """Make addresses active that a provider could not reach; return how many. Others, such as one
    that has opted out meanwhile, stay as they are."""
    now = clock.now()
    count = 0
    with transaction.atomic():
        for address_id in sorted(address_ids):
            if _move(address_id, S.ACTIVE, now, (), (S.UNREACHABLE,)):
                audit.note("address.mark", f"address {address_id}", by, state=str(S.ACTIVE))
                count += 1
    return count


def complete(address_id: int, value: str, written: str) -> None:
    """Note how the user id of an address is written, where that was not known."""
    Address.objects.filter(pk=address_id, value=value, written="").update(written=written)


def heard_from(address_id: int, at: datetime) -> bool:
    """They wrote to us: noted, and they can be reached again. Who had opted out stays so."""
    address_id = identities.primary_id(address_id)
    moment = clock.to_us(at)
    db.execute(
        "UPDATE contacts_address SET has_written = %s, wrote_at = %s "
        "WHERE id = %s AND (wrote_at IS NULL OR wrote_at < %s)",
        [True, moment, address_id, moment],
    )
    return _move(address_id, S.ACTIVE, at, (), OUT_OF_REACH)


def _before(address_id: int) -> str | None:
    """The state of an address, which stays as it is until the transaction ends."""
    addresses = Address.objects.select_for_update().filter(pk=address_id)
    return addresses.values_list("state", flat=True).first()


def _move(
    address_id: int, state: str, at: datetime, whenever: tuple[str, ...], if_later: tuple[str, ...]
) -> bool:
    moment = clock.to_us(at)
    marks = ", ".join(["%s"] * len(if_later))
    always = f"state IN ({', '.join(['%s'] * len(whenever))}) OR " if whenever else ""
    with transaction.atomic(savepoint=False):
        touched = db.execute(
            "UPDATE contacts_address SET state = %s, state_at = %s WHERE id = %s AND "
            f"({always}(state IN ({marks}) AND (state_at IS NULL OR state_at <= %s)))",
            [state, moment, address_id, *whenever, *if_later, moment],
        )
        if touched:
            AddressChange.objects.create(address_id=address_id, state=state, at=at)
    return touched > 0
