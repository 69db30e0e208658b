"""Everything the simulator received, in memory by columns, and on request in a JSON-lines file.

Columns instead of one object per entry keep a million entries small and out of the garbage
collector's way. The file is read back at the next start, so the log outlives the process.
"""

import json
import os
import time
from array import array
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

SCAN = 50_000
PARTS = ("media", "buttons", "template")  # what a message may carry beside its text
FILES = "files"  # of an e-mail
_encode = json.JSONEncoder(separators=(",", ":")).encode


class Channel:
    """One sending account as the simulator sees it, and what it remembers about it."""

    __slots__ = ("accepted", "attempts", "kinds", "name", "protocol", "recent", "window")

    def __init__(self, protocol: str, name: str) -> None:
        self.protocol = protocol
        self.name = name
        self.kinds: dict[tuple[str, str], int] = {}
        self.accepted: dict[str, int] = {}  # idempotency key → number of its first acceptance
        self.attempts: dict[str, int] = {}  # recipient → attempts, counted only when dice need it
        self.window: deque[int] = deque()
        self.recent: dict[str, deque[int]] = {}

    def forget(self) -> None:
        """Back to the first day; its place in the log's tables stays."""
        for memory in (self.accepted, self.attempts, self.window, self.recent):
            memory.clear()


class Kind(NamedTuple):
    """What many entries have in common."""

    channel: Channel
    outcome: str
    reply: str


class Log:
    """The entries, numbered from 1 in the order in which requests were complete.

    Times are monotonic nanoseconds of the first byte of a request; wall times are derived from
    them by an offset taken once, so a step of the wall clock cannot disorder the log.
    """

    def __init__(self, keep_text: int = 100) -> None:
        self.keep_text = keep_text
        self.offset = time.time_ns() - time.monotonic_ns()
        self.channels: dict[tuple[str, str], Channel] = {}
        self.table: list[Kind] = []
        self.clear()

    def clear(self) -> None:
        """Forget all entries. Channels and kinds keep their places: others hold on to them."""
        self.times = array("q")
        self.kinds = array("I")
        self.recipients: list[str] = []
        self.keys: list[str] = []
        self.texts: list[str] = []
        self.parts: dict[int, dict[str, Any]] = {}  # number → what it carried beside its text
        self._last_text = ""
        self._last_parts: dict[str, Any] = {}
        for channel in self.channels.values():
            channel.forget()

    def __len__(self) -> int:
        return len(self.times)

    def channel(self, protocol: str, name: str) -> Channel:
        """The channel of this name, made when new."""
        channel = self.channels.get((protocol, name))
        if channel is None:
            channel = self.channels[protocol, name] = Channel(protocol, name)
        return channel

    def add(
        self,
        channel: Channel,
        doing: tuple[str, str],
        received: int,
        recipient: str,
        key: str = "",
        text: str = "",
        parts: dict[str, Any] | None = None,
    ) -> int:
        """Append one entry and return its number. `doing` is (outcome, reply).

        `parts` are those of PARTS that the message has beside its text: `media` {"kind", "url",
        "name", "content_type", "size", "sha256"}, `buttons` [{"kind", "label", "value"}, …];
        `files` of an e-mail [{"name", "size", "disposition"}, …].
        """
        kind = channel.kinds.get(doing)
        if kind is None:
            kind = channel.kinds[doing] = len(self.table)
            self.table.append(Kind(channel, *doing))
        text = text[: self.keep_text]
        if text == self._last_text:
            text = self._last_text
        else:
            self._last_text = text
        self.times.append(received)
        self.kinds.append(kind)
        self.recipients.append(recipient)
        self.keys.append(key)
        self.texts.append(text)
        number = len(self.times)
        if parts:
            # Mostly everybody gets the same: then one object serves a million entries.
            if parts != self._last_parts:
                self._last_parts = parts
            self.parts[number] = self._last_parts
        if key and doing[0] == "accepted":
            channel.accepted.setdefault(key, number)
        return number

    def entry(self, number: int) -> dict[str, Any]:
        """One entry as it is shown and written."""
        index = number - 1
        kind = self.table[self.kinds[index]]
        received = self.times[index]
        return {
            "number": number,
            "received_ns": received + self.offset,
            "monotonic_ns": received,
            "protocol": kind.channel.protocol,
            "channel": kind.channel.name,
            "recipient": self.recipients[index],
            "key": self.keys[index],
            "outcome": kind.outcome,
            "reply": kind.reply,
            "text": self.texts[index],
            **self.parts.get(number, {}),
        }

    def search(
        self,
        *,
        recipient: str | None = None,
        key: str | None = None,
        outcome: str | None = None,
        channel: str | None = None,
        after: int = 0,
        limit: int = 100,
    ) -> list[dict[str, Any]]:
        """Entries that match all that is given, from number `after` + 1; `refused` matches all."""
        wanted = {
            number
            for number, kind in enumerate(self.table)
            if (channel is None or kind.channel.name == channel)
            and (outcome is None or outcome in (kind.outcome, kind.outcome.partition(":")[0]))
        }
        entries: list[dict[str, Any]] = []
        for index in self._places(recipient, key, max(after, 0)):
            if len(entries) >= limit:
                break
            if (
                self.kinds[index] in wanted
                and (recipient is None or self.recipients[index] == recipient)
                and (key is None or self.keys[index] == key)
            ):
                entries.append(self.entry(index + 1))
        return entries

    def _places(self, recipient: str | None, key: str | None, start: int) -> Iterator[int]:
        if recipient is None and key is None:
            yield from range(start, len(self))
            return
        # list.index walks at C speed; a Python loop over a million entries would stall traffic.
        column, value = (self.recipients, recipient) if recipient is not None else (self.keys, key)
        while True:
            try:
                index = column.index(value or "", start)
            except ValueError:
                return
            yield index
            start = index + 1


class LogFile:
    """Appends the log to a file of JSON lines, and reads it back."""

    def __init__(self, log: Log, path: Path) -> None:
        self.log = log
        self.path = path
        self.error: str | None = None
        self._written = 0
        if path.exists() and not path.is_file():
            raise ValueError(f"{path} is no file, so the log cannot be kept there.")
        try:
            self._file = path.open("a+b")
        except OSError as error:
            sentence = f"The log file {path} cannot be opened: {error.strerror}."
            raise OSError(error.errno, sentence) from error
        self._load()

    def _load(self) -> None:
        self._file.seek(0)
        good = 0
        for line in self._file:
            # A last line without an end was cut off when the process before died.
            if not line.endswith(b"\n"):
                break
            try:
                entry = json.loads(line)
                self.log.add(
                    self.log.channel(entry["protocol"], entry["channel"]),
                    (entry["outcome"], entry["reply"]),
                    entry["received_ns"] - self.log.offset,
                    entry["recipient"],
                    entry["key"],
                    entry["text"],
                    {name: entry[name] for name in (*PARTS, FILES) if name in entry},
                )
            except (ValueError, KeyError, TypeError) as error:
                self._file.close()
                raise ValueError(
                    f"{self.path} is not a log of the simulator: line {len(self.log) + 1} "
                    "cannot be read. Name another file."
                ) from error
            good += len(line)
        self._file.truncate(good)
        self._written = len(self.log)

    def write(self) -> None:
        """Append what is new. A full disk is kept in `error`; memory still has everything."""
        if self._written == len(self.log) or self.error:
            return
        end = min(len(self.log), self._written + SCAN)
        lines = [_encode(self.log.entry(number)) for number in range(self._written + 1, end + 1)]
        try:
            self._file.write("\n".join([*lines, ""]).encode())
            self._file.flush()
        except OSError as error:
            self.error = f"The log file {self.path} cannot be written: {error.strerror}."
        self._written = end

    def clear(self) -> None:
        """Empty the file; to be called together with `Log.clear`."""
        os.ftruncate(self._file.fileno(), 0)
        self._written = 0

    def close(self) -> None:
        """Write the rest and close."""
        while self._written < len(self.log) and not self.error:
            self.write()
        with suppress(OSError):
            self._file.close()
