"""What is left of a broadcast on one channel: asked while no message could be made yet."""

from dataclasses import dataclass

from clarion.broadcasts.sending import accepts_gaps, expansion
from clarion.records import tallies
from clarion.records.deliveries.claim import first_holder
from clarion.records.states import DeliveryState as D

_REACHED = (D.SENT, D.DELIVERED, D.READ, D.FAILED, D.IN_DOUBT)  # a message could be made
_SENT = (D.SENT, D.DELIVERED, D.READ, D.IN_DOUBT)  # even where some fail as was known before


@dataclass(frozen=True, slots=True)
class Remaining:
    """How far a broadcast is on one channel, and on its others; numbers of deliveries."""

    queued: int
    sending: int  # by all workers
    reached: int  # for whom a message could be made
    elsewhere: int  # queued or being sent on other channels
    reached_elsewhere: int
    is_whole: bool  # whether all of its deliveries have been written
    comes_one_by_one: bool  # a trigger: its recipients are not known beforehand
    # Nothing is queued, nobody was reached on the channel, and an older worker holds some of it.
    # Who is kept back here is left to that one: what two workers keep apart proves nothing.
    is_anothers: bool


def remaining(broadcast_id: int, channel_id: int, worker_id: int) -> Remaining:
    """What is left of a broadcast on a channel, for a worker; all of nothing when it is gone."""
    # In this order: what is written in between is counted.
    is_whole, comes_one_by_one = expansion(broadcast_id)
    counts = tallies.counts_on(broadcast_id, channel_id)
    every = tallies.counts([broadcast_id])[broadcast_id]
    queued, sending = counts[D.QUEUED], counts[D.SENDING]
    states = _SENT if accepts_gaps(broadcast_id) else _REACHED
    reached = sum(counts[state] for state in states)
    is_last = is_whole and not (comes_one_by_one or reached or every[D.QUEUED])
    holder = first_holder(broadcast_id) if is_last else None
    return Remaining(
        queued,
        sending,
        reached=reached,
        elsewhere=every[D.QUEUED] + every[D.SENDING] - queued - sending,
        reached_elsewhere=sum(every[state] for state in states) - reached,
        is_whole=is_whole,
        comes_one_by_one=comes_one_by_one,
        is_anothers=holder is not None and holder < worker_id,
    )
