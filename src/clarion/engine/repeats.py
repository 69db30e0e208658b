"""Until when a message that may have been sent can be repeated: as long as repeats are dropped."""

from collections.abc import Awaitable, Callable
from typing import Any

from clarion.engine.claim import Claimed
from clarion.engine.snapshot import ChannelFacts, Job
from clarion.kit import clock, db

# An attempt is recorded after its request left, by a clock that is not the provider's.
_MARGIN = 600 * clock.SECOND


class Repeats:
    """Tells for a worker whether a message may still be repeated."""

    def __init__(self, run: Callable[..., Awaitable[Any]]) -> None:
        self._run = run

    async def have_ended(self, claimed: Claimed, channel: ChannelFacts, job: Job) -> bool:
        """Whether a repeat could reach the person twice: the first attempt was too long ago.

        Where it is not known when that was, it is the earliest moment at which it could have been.
        """
        lasts = round(channel.kind.limits.repeats_for * clock.SECOND)
        if not claimed.maybe_sent or not lasts:
            return False
        oldest = clock.now_us() - lasts + _MARGIN
        if job.scheduled_at > oldest:
            return False
        first = await self._run(first_attempt, claimed.address, claimed.delivery)
        return first is None or first < oldest


def first_attempt(address_id: int, delivery_id: int) -> int | None:
    """When the first attempt of a delivery was recorded, microseconds; None after a crash."""
    rows = db.fetch(
        "SELECT min(r.recorded_at) FROM records_record r WHERE r.address_id = %s "
        "AND r.delivery_id = %s",
        [address_id, delivery_id],
    )
    first: int | None = rows[0][0]
    return first
