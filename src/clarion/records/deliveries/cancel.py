"""Cancelling what has not left: of a stopped broadcast, or of a contact who can't be sent to.

A delivery of which an earlier attempt may have got through is not called unsent but in doubt.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from clarion.kit import clock, db
from clarion.records import tallies
from clarion.records.deliveries.guards import in_state, still_in_state
from clarion.records.reasons import reason_ids
from clarion.records.states import DeliveryState as D
from clarion.records.states import sources

CHUNK = 10_000
STOPPED = ("stopped", "The broadcast was stopped before this message was sent.")
_NOT_CLAIMED = {D.QUEUED, D.HELD}
# One state at a time, by its own index: asked for both, a database walks through all deliveries of
# the broadcast. The sum says that held ones are not found by their broadcast.
_OF_BROADCAST: dict[str, str] = {
    D.QUEUED: "broadcast_id = %s",
    D.HELD: "address_id > 0 AND broadcast_id + 0 = %s",
}


def cancel_remaining(broadcast_id: int, chunk: int = CHUNK) -> int:
    """Make up to ``chunk`` queued and held deliveries of a broadcast unsent; return how many.

    Call it until it returns 0, and only when the broadcast is stopped for good.
    """
    cancelled = 0
    for state in _before(D.UNSENT):
        if cancelled < chunk:
            cancelled += cancel_chosen(
                D.UNSENT,
                STOPPED,
                f"SELECT id FROM records_delivery WHERE {_OF_BROADCAST[state]} "
                f"AND {in_state([state])} LIMIT %s{db.skip_locked()}",
                [broadcast_id, chunk - cancelled],
            )
    return cancelled


def skip_address(address_id: int, broadcast_ids: Sequence[int], reason: tuple[str, str]) -> int:
    """Skip what is queued or held for an address in these broadcasts; return how many.

    ``reason`` is its code and sentence. What is being sent at this moment is not touched.
    """
    return skip_addresses([address_id], broadcast_ids, reason)


def skip_addresses(
    address_ids: Iterable[int], broadcast_ids: Sequence[int], reason: tuple[str, str]
) -> int:
    """As ``skip_address``, for some thousand addresses in one transaction."""
    if not broadcast_ids:
        return 0
    marks = ", ".join(["%s"] * len(broadcast_ids))
    of_addresses = (
        f"d.address_id = v.id AND d.broadcast_id IN ({marks}) "
        f"AND {still_in_state(_before(D.SKIPPED), 'd.state')}"
    )
    return cancel_chosen(
        D.SKIPPED,
        reason,
        f"SELECT d.id FROM {db.json_table([('id', 'int')])} "
        + db.lateral_join("records_delivery", "d", of_addresses),
        [db.json_param([key] for key in address_ids), *broadcast_ids],
    )


def _before(after: D) -> list[str]:
    return sources(after, D.IN_DOUBT, among=_NOT_CLAIMED)


def cancel_chosen(
    after: D, reason: tuple[str, str], chosen: str, params: Iterable[int | str]
) -> int:
    """Cancel the deliveries whose ids a SELECT gives, if their state allows it; return how many."""
    reason_id = reason_ids([reason])[reason]
    with db.write():
        # Locked in one order, so that two at a time do not wait for each other.
        before: dict[int, str] = dict(
            db.fetch(
                f"SELECT id, state FROM records_delivery WHERE id {db.in_subquery(chosen)} "
                f"ORDER BY id{db.for_update()}",
                list(params),
            )
        )
        rows = db.fetch(
            "UPDATE records_delivery SET "
            "state = CASE WHEN maybe_sent THEN 'in_doubt' ELSE %s END, "
            f"reason_id = %s, moved_at = %s WHERE id {db.in_list()} "
            f"AND {still_in_state(_before(after))} RETURNING id, broadcast_id, channel_id, state",
            [after, reason_id, clock.now_us(), db.json_param([key] for key in before)],
        )
        tallies.shift(
            Counter((broadcast, channel, before[key], now) for key, broadcast, channel, now in rows)
        )
    return len(rows)
