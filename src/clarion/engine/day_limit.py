"""The part of a claim that keeps to the people a provider lets a channel message in 24 hours."""

from collections.abc import Iterable, Sequence

from clarion.channels import day_limits
from clarion.channels.limits import WINDOW
from clarion.contacts.addresses import wrote_at
from clarion.kit import clock, db
from clarion.records.deliveries.claim import ClaimedRow


class DayLimit:
    """What is left of the limit of one channel at the moment of a claim."""

    def __init__(self, channel_id: int, most: int, broadcasts: Iterable[int], now: int) -> None:
        """``most``: people in 24 hours. ``broadcasts``: those that may be claimed."""
        self._channel = channel_id
        self._now = now
        self._templates = _templates(broadcasts)
        self._left = day_limits.left(channel_id, most, now) if self._templates else 0

    def room(self, broadcast_id: int, wanted: int) -> int:
        """How many messages of a broadcast may be claimed, at most ``wanted``; they are used up."""
        if broadcast_id not in self._templates:
            return wanted
        granted = min(wanted, self._left)
        self._left -= granted
        return granted

    def note(self, rows: Sequence[ClaimedRow]) -> None:
        """Count the people of what was claimed, but for those who wrote lately."""
        people = {row.address for row in rows if row.broadcast in self._templates}
        if not people:
            return
        moments = wrote_at(people)
        since = self._now - WINDOW * clock.SECOND
        outside = [address for address in people if moments.get(address, 0) <= since]
        day_limits.note_begun(self._channel, outside, self._now)


def _templates(broadcasts: Iterable[int]) -> frozenset[int]:
    ids = db.json_param([key] for key in set(broadcasts))
    rows = db.fetch(
        f"SELECT id FROM broadcasts_broadcast WHERE id {db.in_list()} AND data_type = 'template'",
        [ids],
    )
    return frozenset(row[0] for row in rows)
