"""Asking providers for what came in, where they don't call back.

One worker at a time asks for a channel: it holds a lease. What it got is stored in the inbox in the
same transaction as the place up to which it got it, and only then confirmed to the provider by the
next request. So nothing is lost or applied twice, whatever ends in between.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from secrets import token_hex
from typing import Any, Final

import structlog
from django.db import Error

from clarion.channels.abilities import Fetched, FetchesUpdates, FetchRefused
from clarion.channels.contract import ChannelKind, HookRequest, Reply, Request
from clarion.channels.manage import note_check
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS, adapter
from clarion.engine import callbacks
from clarion.engine.callbacks import Verified
from clarion.engine.inbox import lane_of
from clarion.engine.models import FetchPosition
from clarion.kit import clock, db
from clarion.transport.errors import TransportError, WrongSettings

log = structlog.get_logger()
LEASE: Final = 90 * clock.SECOND  # longer than a request that the provider holds open
PAUSE: Final = clock.SECOND  # after an answer without updates that did not take as long
LONG: Final = 300.0  # seconds without a connection, after which that is shown
REST: Final = 10 * clock.SECOND  # after a refusal, or where the provider can't be reached
WORKS: Final = "Messages can be fetched again."
_FETCHING = [name for name, kind in KINDS.items() if issubclass(kind, FetchesUpdates)]


@dataclass(frozen=True, slots=True)
class Turn:
    """That this worker asks for a channel, until somebody else may."""

    channel: int
    kind: ChannelKind
    token: str
    cursor: str  # up to where everything is stored

    def request(self) -> Request:
        """What asks for the rest."""
        assert isinstance(self.kind, FetchesUpdates)
        return self.kind.fetch(self.cursor)

    def read(self, reply: Reply) -> Fetched:
        """What the reply has. Raises ValueError with a sentence if it is a refusal."""
        assert isinstance(self.kind, FetchesUpdates)
        return self.kind.fetched(reply, self.cursor)


def to_serve() -> list[int]:
    """The channels that nobody asks for at the moment."""
    if not _FETCHING:
        return []
    served = FetchPosition.objects.filter(lease_until__gt=clock.from_us(db.now_us()))
    channels = Channel.objects.filter(kind__in=_FETCHING).exclude(
        pk__in=served.values("channel_id")
    )
    return [channel.pk for channel in channels.order_by("pk") if _fetching(channel)]


def _fetching(channel: Channel) -> ChannelKind | None:
    try:
        kind = adapter(channel)
    except ValueError:  # settings that can't be read
        return None
    return kind if isinstance(kind, FetchesUpdates) and kind.fetches() else None


def take(channel_id: int) -> Turn | None:
    """Take the lease of a channel; None where somebody was quicker, or it does not fetch."""
    channel = Channel.objects.filter(pk=channel_id).first()
    kind = _fetching(channel) if channel else None
    if channel is None or kind is None:
        return None
    token, now = token_hex(8), db.now_us()
    with db.write():
        FetchPosition.objects.get_or_create(
            channel=channel, defaults={"lease_until": clock.from_us(0)}
        )
        is_ours = FetchPosition.objects.filter(
            channel=channel, lease_until__lte=clock.from_us(now)
        ).update(token=token, lease_until=clock.from_us(now + LEASE))
        if not is_ours:
            return None
        cursor = FetchPosition.objects.values_list("cursor", flat=True).get(channel=channel)
    return Turn(channel_id, kind, token, cursor)


def keep(turn: Turn, fetched: Fetched) -> Turn | None:
    """Store what was fetched and how far that is, and renew the lease.

    None, with nothing stored, where somebody else has taken over or the channel does not fetch any
    longer: it is fetched again.
    """
    channel = Channel.objects.filter(pk=turn.channel).first()
    kind = _fetching(channel) if channel else None
    if channel is None or kind is None:
        return None
    now = db.now_us()
    hooks = [HookRequest({}, "", body, clock.from_us(now)) for body in fetched.bodies]
    verified = [Verified(channel.pk, hook, lane_of(kind, hook)) for hook in hooks]
    with db.write():
        row = FetchPosition.objects.select_for_update().filter(channel=channel, token=turn.token)
        position = row.first()
        if position is None:
            return None
        if position.problem:
            note_check(channel, WORKS, failed=False)
        row.update(cursor=fetched.cursor, lease_until=clock.from_us(now + LEASE), problem="")
        if verified:
            callbacks.store(verified)
    return replace(turn, kind=kind, cursor=fetched.cursor)


def give_back(turn: Turn, problem: str, rest: int) -> None:
    """End a turn; the next one begins after ``rest`` µs. ``problem``: a sentence for agents."""
    with db.write():
        row = FetchPosition.objects.select_for_update().filter(
            channel=turn.channel, token=turn.token
        )
        position = row.select_related("channel").first()
        if position is None:
            return
        if problem and position.problem != problem:
            note_check(position.channel, problem, failed=True)
        row.update(
            token="", lease_until=clock.from_us(db.now_us() + rest),
            problem=problem or position.problem,
        )  # fmt: skip


class Fetchers:
    """Asks for the channels that no other worker asks for: a task for each.

    ``run`` does database work in a thread, ``send`` sends a request.
    """

    def __init__(
        self,
        run: Callable[..., Awaitable[Any]],
        send: Callable[[Request], Awaitable[Reply]],
    ) -> None:
        self._run = run
        self._send = send
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._failing: dict[int, float] = {}  # channel -> since when it has had no connection

    async def serve_channels(self) -> None:
        """Begin with the channels that nobody asks for."""
        self._tasks = {key: task for key, task in self._tasks.items() if not task.done()}
        for channel_id in await self._run(to_serve):
            if channel_id not in self._tasks:
                self._tasks[channel_id] = asyncio.create_task(self._serve(channel_id))

    async def close(self) -> None:
        """Break off the requests that wait: what their answers had is fetched again."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _serve(self, channel_id: int) -> None:
        try:
            turn: Turn | None = await self._run(take, channel_id)
            if turn is not None:
                await self._fetch_on(turn)
        except Error as error:
            log.warning("database_away", error=str(error), work="fetching")
        except Exception:
            log.exception("failed", work="fetching", channel=channel_id)

    async def _fetch_on(self, first: Turn) -> None:
        turn: Turn | None = first
        problem, rest = "", 0
        try:
            while turn is not None:
                began = time.monotonic()
                reply = await self._send(turn.request())
                fetched = await asyncio.to_thread(turn.read, reply)  # it may be a megabyte of mail
                self._failing.pop(first.channel, None)
                turn = await self._run(keep, turn, fetched)
                if turn is not None:
                    await asyncio.gather(*(self._tell(each) for each in fetched.requests))
                pause = max(PAUSE, int(fetched.pause * clock.SECOND))
                if not fetched.bodies and time.monotonic() - began < pause / clock.SECOND:
                    rest = pause  # the server does not hold requests open
                    return
        except FetchRefused as refusal:
            problem, rest = str(refusal), max(REST, int(refusal.wait * clock.SECOND))
        except ValueError as refusal:
            problem, rest = str(refusal), REST
        except WrongSettings as error:
            log.warning("fetching_failed", channel=first.channel, error=error.named)
            problem, rest = error.reason, REST
        except TransportError as error:
            log.warning("fetching_failed", channel=first.channel, error=error.named)
            since = self._failing.setdefault(first.channel, time.monotonic())
            problem = error.reason if time.monotonic() - since >= LONG else ""
            rest = REST
        finally:
            await asyncio.shield(self._run(give_back, first, problem, rest))

    async def _tell(self, request: Request) -> None:
        try:
            await self._send(request)
        except TransportError as error:
            log.warning("follow_up_failed", error=error.named)
