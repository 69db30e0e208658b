"""Content that fails for the first people of a broadcast: it is broken for everybody, or it isn't.

A text that can't be rendered for one person fails that person alone. One that can be rendered for
nobody must not fail its whole audience one by one: failures are kept back until somebody's message
could be made. When there are FIRST of them before that, or all recipients on the channel were tried
and fail for one reason, the broadcast pauses with it and these people are queued again. So nobody
has used up an attempt. A single recipient on a channel waits for those on the other channels.

What two workers keep back comes to the older one, which can judge it: when nothing is queued any
more, the younger one queues its people again.

An audience of one proves nothing, and neither does a live broadcast, whose people come one by one:
there, failures are settled after a while.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from clarion.engine.attempt import START_ANEW, requeued
from clarion.engine.claim import Claimed
from clarion.engine.remaining import Remaining
from clarion.records.deliveries.settle import Settlement

FIRST = 20  # failures before any success
KEPT = 1.0  # seconds before the others are looked at, and the time that FIRST slots take
MOST_KEPT = 10.0
OTHERS = 60.0  # seconds after which what other workers are sending at is no longer waited for
CORRECT_WEBHOOK = "Correct the webhook, then resume the broadcast."
# Channel, broadcast, how many of its messages a person has had, and whether its webhook was asked.
Place = tuple[int, int, int, bool]


@dataclass(frozen=True, slots=True)
class Broken:
    """A broadcast whose content fails for everybody; ``people`` queue them again."""

    reason: str  # the one that most of them have
    people: list[Settlement]
    all: bool  # whether there is nobody else
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
    keep_for: float  # seconds before the others are looked at
    began: float = 0.0  # by time.monotonic()
    until: float = 0.0  # when the others are looked at
    kept: list[tuple[Claimed, Settlement]] = field(default_factory=list)
    reasons: Counter[str] = field(default_factory=Counter)  # of all failures


class ContentWatch:
    """The first content failures of the broadcasts that a worker sends.

    ``put`` has a settlement written. Each message of a story is watched for itself: the second may
    be broken where the first is not. So is each channel: what one takes, another may refuse.
    """

    def __init__(self, put: Callable[[Settlement], None]) -> None:
        self._put = put
        self._works: dict[int, set[Place]] = {}  # channel -> where somebody's message could be made
        self._failures: dict[Place, _Failures] = {}

    def is_empty(self, channel_id: int) -> bool:
        """Whether nobody on this channel is kept back."""
        return not any(
            failures.kept for key, failures in self._failures.items() if key[0] == channel_id
        )

    def works(self, channel_id: int, claimed: Claimed, *, asking: bool = False) -> None:
        """This person's message could be made: from now on a failure is about its person.

        ``asking``: the story's webhook gave an answer that can be used.
        """
        self._prove(_place(channel_id, claimed, asking))

    def failed(
        self,
        claimed: Claimed,
        settlement: Settlement,
        rate: float | None,
        *,
        asking: bool = False,
    ) -> Broken | None:
        """Settle a failure now or later. Broken when it proves that the content fails for all.

        ``rate``: the channel's, in messages a second.
        """
        key = _place(settlement.channel, claimed, asking)
        if key in self._works.get(settlement.channel, ()):
            self._put(settlement)
            return None
        now = time.monotonic()
        keep_for = min(KEPT + (FIRST / rate if rate else 0), MOST_KEPT)
        failures = self._failures.setdefault(key, _Failures(keep_for))
        if not failures.kept:
            failures.began, failures.until = now, now + keep_for
        failures.kept.append((claimed, settlement))
        failures.reasons[settlement.reason] += 1
        if failures.reasons.total() < FIRST:
            return None
        return self._broken([key], all_=False)

    def kept(self, channel_id: int) -> list[tuple[Place, bool]]:
        """Where people are kept back, and whether it is time to look at the others."""
        now = time.monotonic()
        return [
            (key, failures.until <= now)
            for key, failures in self._failures.items()
            if key[0] == channel_id and failures.kept
        ]

    def judge(self, key: Place, remaining: Remaining) -> Broken | None:
        """Settle who is kept back there, keep them on, or find that the content fails for all."""
        failures = self._failures.get(key)
        if failures is None:  # decided together with another channel
            return None
        if remaining.reached:
            self._prove(key)
        elif remaining.comes_one_by_one:
            self._settle(failures)  # they are still counted
        elif self._others_come(failures, remaining):
            failures.until = time.monotonic() + failures.keep_for
        elif len(failures.reasons) > 1 or remaining.reached_elsewhere:
            self._settle(self._failures.pop(key))
        elif len(failures.kept) > 1:
            return self._broken([key], all_=True)
        else:
            return self._judge_with_others(key, failures, remaining)
        return None

    def give_up(self, channel_id: int, key: Place | None = None) -> Iterator[Claimed]:
        """Everybody who is kept back there or on this channel, who then is the caller's."""
        if key is None:
            self._works.pop(channel_id, None)
        for each in [key] if key else [key for key in self._failures if key[0] == channel_id]:
            if each in self._failures:
                yield from (person for person, _ in self._failures.pop(each).kept)

    def _judge_with_others(
        self, key: Place, failures: _Failures, remaining: Remaining
    ) -> Broken | None:
        """Decide on a channel's only recipient by those on the broadcast's other channels."""
        together = [
            other for other, those in self._failures.items() if other[1:] == key[1:] and those.kept
        ]
        people = sum(len(self._failures[other].kept) for other in together)
        reasons = {reason for other in together for reason in self._failures[other].reasons}
        if len(reasons) == 1 and remaining.elsewhere > people - 1:
            if time.monotonic() - failures.began <= OTHERS:
                failures.until = time.monotonic() + failures.keep_for
                return None
        elif len(reasons) == 1 and people > 1:
            return self._broken(together, all_=True)
        self._settle(self._failures.pop(key))
        return None

    def _others_come(self, failures: _Failures, remaining: Remaining) -> bool:
        others = remaining.sending > len(failures.kept)
        is_long = time.monotonic() - failures.began > OTHERS
        return remaining.queued > 0 or not remaining.is_whole or (others and not is_long)

    def _broken(self, keys: list[Place], *, all_: bool) -> Broken:
        reasons: Counter[str] = Counter()
        people: list[Settlement] = []
        for key in keys:
            failures = self._failures.pop(key)
            reasons += failures.reasons
            people += [requeued(person, settled.channel) for person, settled in failures.kept]
        advice = CORRECT_WEBHOOK if keys[0][3] else START_ANEW
        return Broken(reasons.most_common(1)[0][0], people, all_, advice)

    def _prove(self, key: Place) -> None:
        works = self._works.setdefault(key[0], set())
        if key not in works:
            works.add(key)
            if failures := self._failures.pop(key, None):
                self._settle(failures)

    def _settle(self, failures: _Failures) -> None:
        for _, settlement in failures.kept:
            self._put(settlement)
        failures.kept.clear()


def _place(channel_id: int, claimed: Claimed, asking: bool) -> Place:
    return channel_id, claimed.broadcast, claimed.progress.sent, asking
