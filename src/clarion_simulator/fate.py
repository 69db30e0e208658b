"""What happens to one attempt: limits, explicit instructions, then the dice.

The dice are a hash of seed, recipient and attempt number, not a stream of random numbers: so a
run can be repeated although requests arrive in another order over other connections.
"""

import re
from bisect import bisect_right
from collections import deque
from hashlib import blake2b
from itertools import accumulate
from struct import unpack
from typing import NamedTuple

from clarion_simulator.behaviour import FAULTS, Behaviour, Span
from clarion_simulator.log import Channel

SECOND = 1_000_000_000
BROKEN = ("html502", "empty", "cut", "cut-json", "garbage")

# What is done → (outcome in the log, how the reply goes).
DOINGS: dict[str, tuple[str, str]] = {
    "ok": ("accepted", "ok"),
    "failed": ("accepted", "ok"),
    "slow": ("accepted", "slow"),
    "hang": ("accepted", "hang"),
    "reset-after": ("accepted", "reset"),
    "empty": ("accepted", "empty"),
    "cut": ("accepted", "cut"),
    "cut-json": ("accepted", "cut-json"),
    "garbage": ("accepted", "garbage"),
    "500": ("refused:500", "ok"),
    "400": ("refused:400", "ok"),
    "blocked": ("refused:403", "ok"),
    "deactivated": ("refused:403", "ok"),
    "429": ("refused:429", "ok"),
    "rate_limit": ("refused:rate_limit", "ok"),
    "html502": ("refused:html502", "html502"),
    "reset-before": ("reset_before", "reset"),
}
INSTRUCTIONS = tuple(do for do in DOINGS if do != "rate_limit")

_FAULT_DOES = {
    "error_500": "500",
    "error_400": "400",
    "error_403": "blocked",
    "throttle": "429",
    "reset_before": "reset-before",
    "reset_after": "reset-after",
}
_MARK = re.compile(r"!([a-z0-9-]+)$|\+([a-z0-9-]+)@[^@]*$", re.IGNORECASE)
_TIMES = re.compile(r"(.+)x([0-9]{1,9})")
_RECENT_MAX = 50_000


class Fate(NamedTuple):
    """What to do with one attempt (a key of DOINGS), and after how many seconds to reply."""

    do: str
    delay: float = 0.0


class Receipt(NamedTuple):
    """One receipt to post: `message.…` type, and seconds from now."""

    kind: str
    delay: float


FINE = Fate("ok")


def instruction(recipient: str) -> tuple[str, int | None] | None:
    """The instruction written into a recipient: (doing, first N attempts or None for always)."""
    match = _MARK.search(recipient)
    if match is None:
        return None
    word = (match[1] or match[2]).lower()
    if word in INSTRUCTIONS:
        return word, None
    counted = _TIMES.fullmatch(word)
    if counted and counted[1] in INSTRUCTIONS:
        return counted[1], int(counted[2])
    return None


class Judge:
    """Decides the fate of every attempt under one behaviour."""

    def __init__(self, behaviour: Behaviour) -> None:
        self.orders: dict[str, tuple[str, int | None]] = {}
        self._arrivals = 0
        self.use(behaviour)

    def use(self, behaviour: Behaviour) -> None:
        """Take on another behaviour; orders stay."""
        self.behaviour = behaviour
        self._latency = Span.parse(behaviour.latency)
        self._callback_delay = Span.parse(behaviour.callback_delay)
        self._thresholds = list(accumulate(getattr(behaviour, name) for name in FAULTS))
        self._faulty = self._thresholds[-1] > 0
        self._dicey = self._faulty or not self._latency.fixed
        self._limited = bool(behaviour.rate_limit or behaviour.per_chat_limit)
        self._plain = not self._dicey and not self._limited and self._latency.high == 0
        self.resets_on_arrival = behaviour.reset_before > 0

    def order(self, recipient: str, do: str | None, times: int | None) -> None:
        """Force `do` for a recipient, for its next `times` attempts or always; None lifts it."""
        if do is None:
            self.orders.pop(recipient, None)
        else:
            self.orders[recipient] = (do, times)

    def forget(self) -> None:
        """Drop the orders and start the dice again."""
        self.orders.clear()
        self._arrivals = 0

    def decide(
        self,
        channel: Channel,
        recipient: str,
        now: int,
        spared: bool = False,
        *,
        counted: bool = True,
    ) -> Fate:
        """The fate of an attempt received at `now` (monotonic ns).

        `spared`: the chance of a reset was already drawn when its first bytes came. `counted`:
        whether the limits count it; of one request to several recipients they count the request.
        """
        if self._plain and not self.orders and "!" not in recipient and "+" not in recipient:
            return FINE
        if counted and self._limited and self._over_limit(channel, recipient, now):
            return Fate("rate_limit", self._latency.draw(0.5))
        marked = instruction(recipient) if "!" in recipient or "+" in recipient else None
        attempt = 0
        if self._dicey or marked:
            attempt = channel.attempts.get(recipient, 0) + 1
            channel.attempts[recipient] = attempt
        if self._dicey:
            fault, kind, time = self._dice(f"{recipient}\0{attempt}")
        else:
            fault, kind, time = 1.0, 0.5, 0.5
        delay = self._latency.draw(time)
        do = self._ordered(recipient)
        if do is None and marked and (marked[1] is None or attempt <= marked[1]):
            do = marked[0]
        if do is None and self._faulty:
            do = self._fault(fault, kind)
            if spared and do == "reset-before":
                do = None
        return Fate(do or "ok", delay)

    def reset_on_arrival(self) -> bool:
        """Draw `reset_before` for a request of which only the first bytes are here."""
        self._arrivals += 1
        chance, _, _ = self._dice(f"\0arrival\0{self._arrivals}")
        return chance * 100 < self.behaviour.reset_before

    def receipts(self, recipient: str, message: str, do: str) -> list[Receipt]:
        """The receipts for an accepted message, in posting order."""
        settings = self.behaviour
        fate, was_read, delay = self._dice(f"{recipient}\0{message}\0receipts")
        double, shuffle, delay2 = self._dice(f"{recipient}\0{message}\0more")
        first = self._callback_delay.draw(delay)
        later = first + self._callback_delay.draw(delay2)
        if do == "failed" or fate * 100 < settings.failed:
            receipts = [Receipt("message.failed", first)]
        elif fate * 100 >= settings.failed + (100 - settings.failed) * settings.delivered / 100:
            return []
        elif was_read * 100 >= settings.read:
            receipts = [Receipt("message.delivered", first)]
        elif shuffle * 100 < settings.callback_shuffle:
            receipts = [Receipt("message.read", first), Receipt("message.delivered", later)]
        else:
            receipts = [Receipt("message.delivered", first), Receipt("message.read", later)]
        if double * 100 < settings.callback_double:
            again = self._callback_delay.draw(was_read)
            receipts += [Receipt(kind, seconds + again) for kind, seconds in receipts]
        return receipts

    def _ordered(self, recipient: str) -> str | None:
        order = self.orders.get(recipient)
        if order is None:
            return None
        do, times = order
        if times is not None:
            if times <= 1:
                del self.orders[recipient]
            else:
                self.orders[recipient] = (do, times - 1)
        return do

    def _fault(self, chance: float, kind: float) -> str | None:
        index = bisect_right(self._thresholds, chance * 100)
        if index == len(FAULTS):
            return None
        name = FAULTS[index]
        if name == "broken":
            return BROKEN[int(kind * len(BROKEN))]
        return _FAULT_DOES.get(name, name)

    def _dice(self, what: str) -> tuple[float, float, float]:
        text = f"{self.behaviour.seed}\0{what}".encode("utf-8", "surrogatepass")
        a, b, c = unpack("<3Q", blake2b(text, digest_size=24).digest())
        # 52 bits and a half: never exactly 0 or 1, which the log-normal draw could not take.
        return (
            ((a >> 12) + 0.5) / 4503599627370496,
            ((b >> 12) + 0.5) / 4503599627370496,
            ((c >> 12) + 0.5) / 4503599627370496,
        )

    def _over_limit(self, channel: Channel, recipient: str, now: int) -> bool:
        settings = self.behaviour
        if settings.per_chat_limit:
            recent = channel.recent
            if len(recent) > _RECENT_MAX:
                for name in [name for name, times in recent.items() if times[-1] <= now - SECOND]:
                    del recent[name]
            chat = recent.get(recipient)
            if chat and _full(chat, now, settings.per_chat_limit):
                return True
        if settings.rate_limit:
            if _full(channel.window, now, settings.rate_limit):
                return True
            channel.window.append(now)
        if settings.per_chat_limit:
            channel.recent.setdefault(recipient, deque()).append(now)
        return False


def _full(window: deque[int], now: int, limit: int) -> bool:
    while window and window[0] <= now - SECOND:
        window.popleft()
    return len(window) >= limit
