"""Settling a batch: deliveries move, and addresses out of reach are marked."""

from collections.abc import Sequence

from clarion.contacts import addresses
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement, settle_rows


def settle(worker_id: int, batch: Sequence[Settlement], *, again: bool = False) -> int:
    """Write a batch, see ``settle_rows``. Returns how many deliveries moved."""
    moved = settle_rows(worker_id, batch, again=again)
    for settlement in batch:
        if settlement.mark:
            addresses.mark(settlement.address, settlement.mark, clock.from_us(settlement.at))
    return moved
