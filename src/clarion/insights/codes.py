"""Codes as contacts got them: who has which, from which broadcast, and when it was redeemed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from clarion.broadcasts import chains
from clarion.broadcasts.models import Broadcast
from clarion.codes.stock import Numbers, numbers_of_chains
from clarion.kit import clock, db
from clarion.kit.paging import Cursor, Page

SHOWN: Final = 50  # codes of a page
_CODES: Final = (
    "SELECT k.code, k.contact_id, c.name, p.id, p.name, k.issued_at, k.redeemed, "
    "(SELECT max(r.at) FROM codes_redemption r WHERE r.code_id = k.id AND r.undone_at IS NULL), "
    "b.id, coalesce(b.title, ''), k.occurrence "
    "FROM codes_code k JOIN codes_codepool p ON p.id = k.pool_id "
    "LEFT JOIN contacts_contact c ON c.id = k.contact_id "
    "LEFT JOIN broadcasts_broadcast b ON b.id = k.chain AND b.deleted_at IS NULL "
    "WHERE k.issued_at IS NOT NULL AND "
)


@dataclass(frozen=True, slots=True)
class HeldCode:
    """A code that was issued to a contact."""

    code: str
    contact_id: int
    contact: str  # their name
    pool_id: int
    pool: str
    issued_at: datetime
    redeemed: int  # times, without those undone
    redeemed_at: datetime | None  # the last time
    broadcast_id: int | None  # None where it has been deleted, or a program issued the code
    broadcast: str  # its title


def codes_of_contact(contact_id: int, limit: int = SHOWN) -> list[HeldCode]:
    """The codes of a contact, the last issued first."""
    rows = db.fetch(
        f"{_CODES} k.contact_id = %s ORDER BY k.issued_at DESC, k.id DESC LIMIT %s",
        [contact_id, limit],
    )
    return [_held(row) for row in rows]


def codes_of_broadcast(
    broadcast: Broadcast, cursor: str | None = None, *, redeemed: bool = False, limit: int = SHOWN
) -> Page[HeldCode]:
    """The codes that contacts got from a broadcast and its restarts, by contact.

    ``redeemed``: only those that were redeemed. Codes of deleted contacts are left out. Raises
    CursorError.
    """
    root = chains.chain(broadcast)[0].pk
    contact, occurrence = Cursor.parse(cursor, 2).key if cursor else (0, -1)
    only = "AND k.redeemed > 0 " if redeemed else ""
    rows = db.fetch(
        f"{_CODES} k.chain = %s AND k.contact_id IS NOT NULL {only}"
        "AND (k.contact_id, k.occurrence) > (%s, %s) "
        "ORDER BY k.contact_id, k.occurrence LIMIT %s",
        [root, contact, occurrence, limit + 1],
    )
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        following = str(Cursor((last[1], last[10])))
    return Page([_held(row) for row in rows[:limit]], following)


def numbers_of(broadcasts: Iterable[Broadcast]) -> dict[int, Numbers]:
    """How many codes each of these has issued with its restarts, and how many were redeemed.

    Without those that issue none themselves.
    """
    roots = {
        broadcast.pk: chains.root(broadcast).pk for broadcast in broadcasts if _issues(broadcast)
    }
    numbers = numbers_of_chains(roots.values())
    return {key: numbers[root] for key, root in roots.items()}


def _issues(broadcast: Broadcast) -> bool:
    """Whether it has a pool and was started; of live ones, only a trigger issues codes itself."""
    if broadcast.code_pool_id is None or broadcast.started_at is None:
        return False
    return not broadcast.is_live or broadcast.type == Broadcast.Type.TRIGGER


def _held(row: Sequence[Any]) -> HeldCode:
    code, contact, name, pool_id, pool, issued_at, redeemed, redeemed_at, number, title, _ = row
    return HeldCode(
        code=code,
        contact_id=contact,
        contact=name or "",
        pool_id=pool_id,
        pool=pool,
        issued_at=clock.from_us(issued_at),
        redeemed=redeemed,
        redeemed_at=None if redeemed_at is None else clock.from_us(redeemed_at),
        broadcast_id=number,
        broadcast=title,
    )
