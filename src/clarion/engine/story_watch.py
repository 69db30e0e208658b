"""A story's webhook that does not answer: its own trouble, or about the person it was asked for.

A webhook that answers others is up, so a failure is about its person and uses up an attempt. One
that answers nobody uses up nobody's: the broadcast waits, and is tried again with one person after
a while. So failures are kept back until an answer arrives to a question that was asked after them,
or no such question is open any more. Who has failed before is attempted after all others, so that
nothing is asked later: their failure counts if the webhook has answered others just now.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from clarion.engine.claim import Claimed
from clarion.engine.remaining import Remaining
from clarion.kit import clock
from clarion.records.deliveries.settle import Settlement

RECENT = 60.0  # seconds since an answer: the webhook is up
KEPT = 1.0  # seconds, for another question to be asked
MOST_KEPT = 20  # failures: more of them say nothing new
PATIENCE = 600 * clock.SECOND  # a wait after which a few that are left are no longer waited for
FEW = 20


@dataclass(slots=True)
class _Failure:
    claimed: Claimed
    settlement: Settlement  # that uses up an attempt
    at: float  # by time.monotonic()


@dataclass(slots=True)
class _Failures:
    reason: str
    until: float  # by time.monotonic(): when the broadcast has to wait, if nothing is open
    kept: list[_Failure] = field(default_factory=list)


class StoryWatch:
    """The questions to webhooks that failed on one channel, by broadcast.

    ``put`` has a settlement written.
    """

    def __init__(self, put: Callable[[Settlement], None]) -> None:
        self._put = put
        self._failures: dict[int, _Failures] = {}
        self._answers: dict[int, float] = {}  # broadcast -> when the webhook answered last
        self._open: dict[int, dict[int, float]] = {}  # broadcast -> delivery -> since when

    @property
    def empty(self) -> bool:
        """Whether nothing is kept back."""
        return not self._failures

    def begin(self, claimed: Claimed, began: float) -> None:
        """A delivery of a story is being attempted."""
        self._open.setdefault(claimed.broadcast, {})[claimed.delivery] = began

    def end(self, claimed: Claimed) -> None:
        """It is attempted no longer."""
        opened = self._open[claimed.broadcast]
        del opened[claimed.delivery]
        if not opened:
            del self._open[claimed.broadcast]

    def answered(self, broadcast: int, began: float) -> None:
        """It has answered what was asked at ``began``: who failed before that failed alone."""
        self._answers[broadcast] = time.monotonic()
        if failures := self._failures.get(broadcast):
            alone = [one for one in failures.kept if one.at < began]
            failures.kept = [one for one in failures.kept if one.at >= began]
            for one in alone:
                self._put(one.settlement)
            if not failures.kept:
                del self._failures[broadcast]

    def failed(self, claimed: Claimed, settlement: Settlement, reason: str) -> None:
        """Keep a failure back, see above."""
        now = time.monotonic()
        last = self._answers.get(claimed.broadcast)
        if claimed.attempts and last is not None and now - last < RECENT:
            self._put(settlement)
            return
        failures = self._failures.setdefault(claimed.broadcast, _Failures(reason, now + KEPT))
        failures.kept.append(_Failure(claimed, settlement, now))

    def down(self) -> list[tuple[int, str]]:
        """The broadcasts whose webhooks answer nobody, each with the reason."""
        found = self._failures.items()
        return [(one, failures.reason) for one, failures in found if self._is_down(one, failures)]

    def _is_down(self, broadcast: int, failures: _Failures) -> bool:
        if len(failures.kept) >= MOST_KEPT:
            return True
        first = failures.kept[0].at
        opened = self._open.get(broadcast, {}).values()
        return failures.until <= time.monotonic() and not any(began > first for began in opened)

    def give_up(self, broadcast: int | None = None) -> list[Claimed]:
        """Everybody of the broadcast, or of all, who is the caller's to queue again."""
        every = list(self._failures) if broadcast is None else [broadcast]
        gone = [self._failures.pop(one) for one in every if one in self._failures]
        return [one.claimed for failures in gone for one in failures.kept]

    def charge(self, broadcast: int) -> None:
        """Settle who is kept back as attempts that failed."""
        for one in self._failures.pop(broadcast).kept:
            self._put(one.settlement)


def are_about_people(waited: int, left: Remaining) -> bool:
    """Whether a webhook that answered others fails for the few who are left, or else is down.

    ``waited``: for how long it answered nobody, in microseconds.
    """
    few = left.is_whole and left.queued + left.sending <= FEW
    return waited > PATIENCE and few and left.reached > 0
