"""Content that fails for the first people of a broadcast: it is broken for everybody, or it isn't.

A text that can't be rendered for one person fails that person alone. One that can be rendered for
nobody must not fail its whole audience one by one: the first failures are kept back, and when
there are FIRST of them and no success, the broadcast pauses with the reason and these people are
queued again. So nobody has used up an attempt.
"""

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from clarion.engine.claim import Claimed
from clarion.records.deliveries.settle import Settlement

FIRST = 20  # failures before any success
KEPT = 1.0  # seconds for which failures are kept back, and the time that FIRST slots take
MOST_KEPT = 10.0
_Place = tuple[int, int]  # a broadcast, and how many of its messages a person has had


@dataclass(frozen=True, slots=True)
class Broken:
    """A broadcast whose content fails for everybody; ``people`` are to be queued again."""

    reason: str  # the one that most of them have
    people: list[Claimed]


@dataclass(slots=True)
class _Failures:
    until: float  # by time.monotonic(): when those who are kept back are settled
    kept: list[tuple[Claimed, Settlement]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of all failures


class ContentWatch:
    """The first content failures of the broadcasts on one channel.

    ``put`` has a settlement written; ``rate`` is the channel's, in messages a second. Each message
    of a story is watched for itself: the second may be broken where the first is not.
    """

    def __init__(self, put: Callable[[Settlement], None], rate: float | None) -> None:
        self._put = put
        self._keep_for = min(KEPT + (FIRST / rate if rate else 0), MOST_KEPT)
        self._works: set[_Place] = set()  # where somebody's message could be made
        self._failures: dict[_Place, _Failures] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing is kept back."""
        return not any(failures.kept for failures in self._failures.values())

    def works(self, claimed: Claimed) -> None:
        """This person's message could be made: from now on a failure is about its person."""
        place = _place(claimed)
        if place not in self._works:
            self._works.add(place)
            if failures := self._failures.pop(place, None):
                self._settle(failures)

    def failed(self, claimed: Claimed, settlement: Settlement) -> Broken | None:
        """Settle a failure now or later. Broken when it proves that the content fails for all."""
        place = _place(claimed)
        if place in self._works:
            self._put(settlement)
            return None
        failures = self._failures.setdefault(place, _Failures(0.0))
        if not failures.kept:
            failures.until = time.monotonic() + self._keep_for
        failures.kept.append((claimed, settlement))
        failures.reasons[settlement.reason] += 1
        if failures.reasons.total() < FIRST:
            return None
        del self._failures[place]
        reason = failures.reasons.most_common(1)[0][0]
        return Broken(reason, [person for person, _ in failures.kept])

    def release_old(self) -> None:
        """Settle what has been kept back long enough; it is still counted."""
        now = time.monotonic()
        for failures in self._failures.values():
            if failures.until <= now:
                self._settle(failures)

    def give_up(self) -> list[Claimed]:
        """Everybody who is kept back, who then is the caller's to queue again."""
        kept = [person for each in self._failures.values() for person, _ in each.kept]
        self._failures.clear()
        return kept

    def _settle(self, failures: _Failures) -> None:
        for _, settlement in failures.kept:
            self._put(settlement)
        failures.kept.clear()


def _place(claimed: Claimed) -> _Place:
    return claimed.broadcast, len(claimed.progress.sent)
