"""The channels as callbacks need them: configured once, looked at again every second."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from clarion.channels.contract import ChannelKind
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.engine.group_commit import Runs

FRESH: Final = 1.0  # seconds for which what was read is believed
AT_ONCE: Final = 0.1  # seconds for which it is believed before a caller is refused


@dataclass(slots=True)
class _Read:
    """What one look at the database gave."""

    numbers: Mapping[str, int] = field(default_factory=dict)  # number or name -> number
    kinds: Mapping[int, ChannelKind | Exception] = field(default_factory=dict)


class ChannelDirectory:
    """Finds channels without a query for each callback.

    Strangers who try one address after the other cause ten queries a second at most, and none for
    each address.
    """

    def __init__(self, threads: Runs) -> None:
        self._threads = threads
        self._read = _Read()
        self._read_at = -FRESH
        self._used: set[int] = set()
        self._reading: asyncio.Future[None] | None = None

    async def find(
        self, number_or_name: str, *, within: float = FRESH
    ) -> tuple[int, ChannelKind] | None:
        """The number and the kind of a channel; None for an unknown one.

        `within`: seconds for which an earlier look is good enough. Raises ValueError
        for a channel whose settings can't be used, and what the database raises.
        """
        await self._refresh(within)
        number = self._read.numbers.get(number_or_name)
        if number is None and within > AT_ONCE:
            await self._refresh(AT_ONCE)
            number = self._read.numbers.get(number_or_name)
        if number is None:
            return None
        kind = self._read.kinds.get(number)
        if kind is None:
            self._used.add(number)
            await self._refresh(0.0)
            kind = self._read.kinds.get(number)
        if isinstance(kind, Exception):
            raise kind
        return None if kind is None else (number, kind)

    async def _refresh(self, within: float) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._read_at < within:
            return
        while self._reading is not None:  # somebody is looking: what they began to see may be older
            await asyncio.wait([self._reading])
            if loop.time() - self._read_at < within:
                return
        began = loop.time()
        self._reading = loop.create_future()
        try:
            self._read = await self._threads.run(_look, frozenset(self._used))
            self._read_at = began
        finally:
            self._reading.set_result(None)
            self._reading = None


def _look(used: frozenset[int]) -> _Read:
    names = dict(Channel.objects.values_list("pk", "name"))
    numbers = {name: number for number, name in names.items()}
    numbers |= {str(number): number for number in names}
    return _Read(numbers, {number: _kind(number) for number in used & names.keys()})


def _kind(number: int) -> ChannelKind | Exception:
    """The configured kind, or why there is none: the other channels are not to suffer from it."""
    try:
        return adapter(Channel.objects.get(pk=number))
    except ValueError as error:
        return error
