"""Two addresses turn out to be one contact's: each broadcast reaches them once."""

from collections.abc import Sequence

from clarion.kit import db
from clarion.records.deliveries.cancel import cancel_chosen
from clarion.records.deliveries.guards import still_in_state
from clarion.records.states import DeliveryState as D

_WAITING = (D.QUEUED, D.HELD)


def reassign(
    kept_id: int, gone_id: int, broadcast_ids: Sequence[int], reason: tuple[str, str]
) -> int:
    """Give an address what waits for another one in these broadcasts; return how many deliveries.

    Where both are in a broadcast, one delivery stays: the one that is on its way or sent, else that
    of ``kept_id``. The other one is skipped for ``reason``, its code and sentence.
    """
    marks = ", ".join(["%s"] * len(broadcast_ids)) or "NULL"
    twin = (
        "SELECT 1 FROM records_delivery AS o WHERE o.broadcast_id = d.broadcast_id "
        "AND o.address_id = %s AND o.occurrence = d.occurrence"
    )
    of_address = f"d.address_id = %s AND d.broadcast_id IN ({marks})"
    waiting = still_in_state(_WAITING, "d.state")
    began = still_in_state([D.SENDING, D.SENT, D.DELIVERED, D.READ, D.IN_DOUBT], "o.state")
    doubled = "SELECT d.id FROM records_delivery AS d WHERE " + " AND ".join([of_address, waiting])
    cancel_chosen(
        D.SKIPPED,
        reason,
        f"{doubled} AND EXISTS ({twin} AND {began})",
        [kept_id, *broadcast_ids, gone_id],
    )
    with db.write():
        moved = db.execute(
            f"UPDATE records_delivery AS d SET address_id = %s WHERE {of_address} AND {waiting} "
            f"AND NOT EXISTS ({twin})",
            [kept_id, gone_id, *broadcast_ids, kept_id],
        )
    cancel_chosen(D.SKIPPED, reason, doubled, [gone_id, *broadcast_ids])
    return moved
