"""Content that fails for the first people of a broadcast: it is broken for everybody, or it isn't.

A text that can't be rendered for one person fails that person alone. One that can be rendered for
nobody must not fail its whole audience one by one: failures are kept back until somebody's message
could be made. When there are FIRST of them before that, or all recipients on the channel were tried
and fail for one reason, the broadcast pauses with it and these people are queued again. So nobody
has used up an attempt.

An audience of one proves nothing, and neither does a live broadcast, whose people come one by one:
there, failures are settled after a while.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from clarion.engine.attempt import START_ANEW
from clarion.engine.claim import Claimed
from clarion.engine.remaining import Remaining
from clarion.records.deliveries.settle import Settlement

FIRST = 20  # failures before any success
KEPT = 1.0  # seconds before the others are looked at, and the time that FIRST slots take
MOST_KEPT = 10.0
OTHERS = 60.0  # seconds after which what other workers are sending at is no longer waited for
CORRECT_WEBHOOK = "Correct the webhook, then resume the broadcast."
# A broadcast, how many of its messages a person has had, and whether its webhook was asked.
Place = tuple[int, int, bool]


@dataclass(frozen=True, slots=True)
class Broken:
    """A broadcast whose content fails for everybody; ``people`` are to be queued again."""

    reason: str  # the one that most of them have
    people: list[Claimed]
    all: bool  # whether there is nobody else on the channel
    advice: str

    @property
    def sentence(self) -> str:
        """Why the broadcast is paused, and what to do."""
        whom = (
            f"any of the {len(self.people)} recipients"
            if self.all
            else f"the first {FIRST} recipients"
        )
        return f"No message could be made for {whom}: {self.reason} {self.advice}"


@dataclass(slots=True)
class _Failures:
    began: float  # by time.monotonic()
    until: float  # when the others are looked at
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
        self._works: set[Place] = set()  # where somebody's message could be made
        self._failures: dict[Place, _Failures] = {}

    @property
    def empty(self) -> bool:
        """Whether nothing is kept back."""
        return not any(failures.kept for failures in self._failures.values())

    def works(self, claimed: Claimed, *, asking: bool = False) -> None:
        """This person's message could be made: from now on a failure is about its person.

        ``asking``: the story's webhook gave an answer that can be used.
        """
        self._prove(_place(claimed, asking))

    def failed(
        self, claimed: Claimed, settlement: Settlement, *, asking: bool = False
    ) -> Broken | None:
        """Settle a failure now or later. Broken when it proves that the content fails for all."""
        key = _place(claimed, asking)
        if key in self._works:
            self._put(settlement)
            return None
        now = time.monotonic()
        failures = self._failures.setdefault(key, _Failures(now, 0.0))
        if not failures.kept:
            failures.began, failures.until = now, now + self._keep_for
        failures.kept.append((claimed, settlement))
        failures.reasons[settlement.reason] += 1
        if failures.reasons.total() < FIRST:
            return None
        return self._broken(key, all_=False)

    def kept(self) -> list[tuple[Place, bool]]:
        """Where people are kept back, and whether it is time to look at the others."""
        now = time.monotonic()
        kept = [(key, failures) for key, failures in self._failures.items() if failures.kept]
        return [(key, failures.until <= now) for key, failures in kept]

    def judge(self, key: Place, remaining: Remaining) -> Broken | None:
        """Settle who is kept back there, keep them on, or find that the content fails for all."""
        failures = self._failures[key]
        if remaining.reached:
            self._prove(key)
        elif remaining.comes_one_by_one:
            self._settle(failures)  # they are still counted
        elif self._others_come(failures, remaining):
            failures.until = time.monotonic() + self._keep_for
        elif len(failures.kept) > 1 and len(failures.reasons) == 1:
            return self._broken(key, all_=True)
        else:
            self._settle(self._failures.pop(key))
        return None

    def give_up(self, key: Place | None = None) -> Iterator[Claimed]:
        """Everybody who is kept back there or anywhere, who then is the caller's to queue again."""
        for each in [key] if key else list(self._failures):
            yield from (person for person, _ in self._failures.pop(each).kept)

    def _others_come(self, failures: _Failures, remaining: Remaining) -> bool:
        others = remaining.sending > len(failures.kept)
        is_long = time.monotonic() - failures.began > OTHERS
        return remaining.queued > 0 or not remaining.is_whole or (others and not is_long)

    def _broken(self, key: Place, *, all_: bool) -> Broken:
        failures = self._failures.pop(key)
        reason = failures.reasons.most_common(1)[0][0]
        advice = CORRECT_WEBHOOK if key[2] else START_ANEW
        return Broken(reason, [person for person, _ in failures.kept], all_, advice)

    def _prove(self, key: Place) -> None:
        if key not in self._works:
            self._works.add(key)
            if failures := self._failures.pop(key, None):
                self._settle(failures)

    def _settle(self, failures: _Failures) -> None:
        for _, settlement in failures.kept:
            self._put(settlement)
        failures.kept.clear()


def _place(claimed: Claimed, asking: bool) -> Place:
    return claimed.broadcast, claimed.progress.sent, asking
