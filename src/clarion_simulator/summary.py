"""What the log adds up to: totals, doubles, and the peak rate. Kept beside the hot path.

Nothing is counted while requests are served: a query first reads what came since the last one,
in steps that let traffic through.
"""

import asyncio
import json
from array import array
from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from clarion_simulator.log import SCAN, Channel, Log

SECOND = 1_000_000_000
FIRST = 20
PIECE = 1000


class ChannelTally:
    """What one channel received."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.times = array("q")  # messages only, not calls such as getMe
        self.accepted: dict[str, int] = {}  # recipient → acceptances
        self.key_of: dict[str, str] = {}  # recipient → its (first accepted) key
        self.owner_of: dict[str, str] = {}  # key → first recipient
        self.accepted_keys: set[str] = set()
        self.repeated_recipients: dict[str, None] = {}
        self.many_keys: dict[str, None] = {}
        self.shared_keys: dict[str, None] = {}
        self._peak = (0, 0)

    def add(self, recipient: str, key: str, accepted: bool) -> None:
        """Count one message."""
        if key:
            if self.key_of.setdefault(recipient, key) != key:
                self.many_keys[recipient] = None
            if self.owner_of.setdefault(key, recipient) != recipient:
                self.shared_keys[key] = None
        if not accepted:
            return
        count = self.accepted.get(recipient, 0) + 1
        self.accepted[recipient] = count
        if count == 2:
            self.repeated_recipients[recipient] = None
        if key:
            self.accepted_keys.add(key)
            if count == 1:
                self.key_of[recipient] = key

    def peak(self) -> int:
        """The most messages in any second."""
        if self._peak[0] != len(self.times):
            self._peak = (len(self.times), peak_per_second(self.times))
        return self._peak[1]


def peak_per_second(times: "array[int]") -> int:
    """The most of these times (ns) in any window of one second, its end not included."""
    ordered = sorted(times)
    best = 0
    # The count in the window that ends at a time grows by one at most from time to time.
    for index, time in enumerate(ordered):
        if time - ordered[index - best] < SECOND:
            best += 1
    return best


class Tally:
    """The sums over a log."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self.lock = asyncio.Lock()
        self.clear()

    def clear(self) -> None:
        """Forget all, together with the log; to be called holding `lock`."""
        self._read = 0
        self._totals: Counter[int] = Counter()
        self._channels: dict[Channel, ChannelTally] = {}
        self._all_times = array("q")
        self._peak = (0, 0)

    async def summary(self) -> dict[str, Any]:
        """All totals, as `GET /_/summary` answers them."""
        async with self.lock:
            await self._catch_up()
            channels = []
            for tally in self._channels.values():
                channels.append(self._channel(tally))
                await asyncio.sleep(0)
            return {**self._whole(), "channels": channels}

    async def accepted(self) -> AsyncIterator[bytes]:
        """Every accepted recipient as a JSON line: protocol, channel, recipient, key, count."""
        async with self.lock:
            await self._catch_up()
            people = [(tally, list(tally.accepted)) for tally in self._channels.values()]
        for tally, recipients in people:
            source = {"protocol": tally.channel.protocol, "channel": tally.channel.name}
            for start in range(0, len(recipients), PIECE):
                lines = [
                    json.dumps(
                        {
                            **source,
                            "recipient": recipient,
                            "key": tally.key_of.get(recipient, ""),
                            "count": tally.accepted[recipient],
                        }
                    )
                    for recipient in recipients[start : start + PIECE]
                ]
                yield "\n".join([*lines, ""]).encode()
                await asyncio.sleep(0)

    async def _catch_up(self) -> None:
        while self._read < len(self._log):
            end = min(self._read + SCAN // 5, len(self._log))
            self._count(self._read, end)
            self._read = end
            await asyncio.sleep(0)

    def _count(self, start: int, end: int) -> None:
        log = self._log
        kinds = log.kinds[start:end]
        self._totals.update(kinds)
        tallies: dict[int, tuple[ChannelTally, bool] | None] = {}
        for number in set(kinds):
            channel, outcome, _ = log.table[number]
            tally = self._channels.setdefault(channel, ChannelTally(channel))
            tallies[number] = None if outcome == "call" else (tally, outcome == "accepted")
        rows = zip(
            kinds, log.times[start:end], log.recipients[start:end], log.keys[start:end], strict=True
        )
        for number, time, recipient, key in rows:
            entry = tallies[number]
            if entry is not None:
                entry[0].times.append(time)
                self._all_times.append(time)
                if recipient:
                    entry[0].add(recipient, key, entry[1])

    def _channel(self, tally: ChannelTally) -> dict[str, Any]:
        outcomes: Counter[str] = Counter()
        for number, count in self._totals.items():
            kind = self._log.table[number]
            if kind.channel is tally.channel:
                outcomes[kind.outcome] += count
        return {
            "protocol": tally.channel.protocol,
            "channel": tally.channel.name,
            "total": outcomes.total(),
            "by_outcome": dict(outcomes),
            "peak_per_second": tally.peak(),
            **_people([tally]),
        }

    def _whole(self) -> dict[str, Any]:
        by_protocol: dict[str, Counter[str]] = {}
        by_outcome: Counter[str] = Counter()
        by_reply: Counter[str] = Counter()
        for number, count in self._totals.items():
            channel, outcome, reply = self._log.table[number]
            by_protocol.setdefault(channel.protocol, Counter())[outcome] += count
            by_outcome[outcome] += count
            by_reply[reply] += count
        if self._peak[0] != len(self._all_times):
            self._peak = (len(self._all_times), peak_per_second(self._all_times))
        times = self._log.times[: self._read]
        return {
            "total": self._read,
            "by_outcome": dict(by_outcome),
            "by_protocol": {name: dict(counts) for name, counts in by_protocol.items()},
            "by_reply": dict(by_reply),
            "first_received": self._wall(min(times)) if times else None,
            "last_received": self._wall(max(times)) if times else None,
            "peak_per_second": self._peak[1],
            **_people(list(self._channels.values())),
        }

    def _wall(self, time: int) -> str:
        return datetime.fromtimestamp((time + self._log.offset) / SECOND, UTC).isoformat()


def _people(tallies: list[ChannelTally]) -> dict[str, Any]:
    def some(sets: list[dict[str, None]]) -> dict[str, Any]:
        first = [name for names in sets for name in list(names)[:FIRST]][:FIRST]
        return {"count": sum(len(names) for names in sets), "first": first}

    return {
        "recipients_accepted": sum(len(tally.accepted) for tally in tallies),
        "keys_accepted": sum(len(tally.accepted_keys) for tally in tallies),
        "recipients_accepted_more_than_once": some([t.repeated_recipients for t in tallies]),
        "recipients_with_several_keys": some([t.many_keys for t in tallies]),
        "keys_for_several_recipients": some([t.shared_keys for t in tallies]),
    }
