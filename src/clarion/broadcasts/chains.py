"""Chains: a broadcast, its restarts, and theirs. Nobody gets two of one chain."""

from collections.abc import Iterator, Sequence

from clarion.broadcasts.models import Broadcast
from clarion.kit import db
from clarion.records.deliveries.guards import in_state
from clarion.records.states import DeliveryState as D

# Who is in one of these states has got it, or is just being sent it.
_GOT = (D.SENT, D.DELIVERED, D.READ, D.SENDING)
# Nothing was sent to who is in one of these, unless a part of a story was.
_NEVER = (D.FAILED, D.SKIPPED, D.UNSENT)
_AT_ONCE = 5_000  # deliveries of one look


def root(broadcast: Broadcast) -> Broadcast:
    """The broadcast of its chain that was restarted first; most often itself."""
    first = broadcast
    while first.restart_of is not None:
        first = first.restart_of
    return first


def chain(broadcast: Broadcast) -> list[Broadcast]:
    """All links of its chain: the broadcast that was restarted first, its restarts, and theirs."""
    first = root(broadcast)
    links, level = [first], [first]
    while level:
        level = list(Broadcast.objects.filter(restart_of__in=level).order_by("pk"))
        links += level
    return links


def pick_the_rest(
    old: Broadcast, fresh: Broadcast, links: Sequence[int], in_doubt: bool, cause: int | None = None
) -> int:
    """Pick for ``fresh`` whom ``old`` did not reach, nor any other link; return how many.

    ``cause``: only those for this reason (its id).
    """
    states = (D.FAILED, D.UNSENT, D.IN_DOUBT) if in_doubt else (D.FAILED, D.UNSENT)
    where, params = _the_rest(old.pk, links, states, in_doubt, cause)
    return db.execute(
        "INSERT INTO broadcasts_pick (broadcast_id, address_id) "
        f"SELECT DISTINCT CAST(%s AS bigint), d.address_id {where}",
        [fresh.pk, *params],
    )


def count_the_rest(
    old: Broadcast,
    links: Sequence[int],
    states: Sequence[str],
    in_doubt: bool,
    cause: int | None = None,
) -> dict[str, int]:
    """How many contacts of ``old`` in each of these states no other link has reached."""
    where, params = _the_rest(old.pk, links, states, in_doubt, cause)
    return dict(
        db.fetch(f"SELECT d.state, count(DISTINCT d.address_id) {where} GROUP BY d.state", params)
    )


def _the_rest(
    old: int, links: Sequence[int], states: Sequence[str], in_doubt: bool, cause: int | None
) -> tuple[str, list[object]]:
    """SQL for the deliveries of ``old`` in these states whose people the chain has not reached."""
    # The states stand in the text: the partial index of trouble needs to see them.
    among = " OR ".join(in_state([D(state)], "d.") for state in states)
    where = f"FROM records_delivery d WHERE d.broadcast_id = %s AND ({among})"
    mine: list[object] = [old]
    if cause is not None:
        where, mine = f"{where} AND d.reason_id = %s", [old, cause]
    others = [link for link in links if link != old]
    if not others:
        return where, mine
    got_it = [*_GOT] + ([] if in_doubt else [D.IN_DOUBT])
    reached, params = _reached("d.address_id", others, got_it)
    return f"{where} AND NOT {reached}", [*mine, *params]


def forget_reached(restart: Broadcast) -> int:
    """Take those out of a restart's picks who have got it meanwhile; return how many.

    To be called when its sending begins: since it was made, a receipt may have proven that the
    message arrived after all.
    """
    links = [link.pk for link in chain(restart) if link.pk != restart.pk]
    if not links:
        return 0
    reached, params = _reached("broadcasts_pick.address_id", links, _GOT)
    return db.execute(
        f"DELETE FROM broadcasts_pick WHERE broadcast_id = %s AND {reached}", [restart.pk, *params]
    )


def _reached(address: str, links: Sequence[int], states: Sequence[str]) -> tuple[str, list[object]]:
    """SQL for "in one of these links this address is in one of these states"."""
    condition = (
        f"EXISTS (SELECT 1 FROM records_delivery x WHERE x.address_id = {address} "
        f"AND x.broadcast_id IN ({', '.join(['%s'] * len(links))}) "
        f"AND x.state IN ({', '.join(['%s'] * len(states))}){db.planner_fence()})"
    )
    return condition, [*links, *states]


def contacts_never_sent_to(broadcast: int, links: Sequence[int]) -> Iterator[list[int]]:
    """Contacts of a broadcast that is over to whom no link of its chain sent anything, for certain.

    Not who is in doubt, or got a part of a story; nor who waits in another link.
    """
    never = " OR ".join(f"d.state = '{state.value}'" for state in _NEVER)
    elsewhere = (
        "EXISTS (SELECT 1 FROM contacts_address b JOIN records_delivery x ON x.address_id = b.id "
        "WHERE b.contact_id = a.contact_id "
        f"AND x.broadcast_id IN ({', '.join(['%s'] * len(links))}) "
        f"AND (x.maybe_sent OR x.state NOT IN ({', '.join(['%s'] * len(_NEVER))}) "
        "OR EXISTS (SELECT 1 FROM records_record r WHERE r.delivery_id = x.id "
        f"AND r.responses > 0{db.planner_fence()})){db.planner_fence()})"
    )
    last = 0
    while True:
        rows = db.fetch(
            "SELECT d.id, a.contact_id FROM records_delivery d "
            "JOIN contacts_address a ON a.id = d.address_id "
            f"WHERE d.broadcast_id = %s AND ({never}) AND d.id > %s AND NOT {elsewhere} "
            "ORDER BY d.id LIMIT %s",
            [broadcast, last, *links, *(state.value for state in _NEVER), _AT_ONCE],
        )
        if not rows:
            return
        last = rows[-1][0]
        yield sorted({contact for _, contact in rows})
