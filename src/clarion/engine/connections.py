"""Connections to providers that report over them: which worker keeps which one open.

A provider allows an account so many connections. Each is a row that belongs to one worker as long
as the worker lives, and only a worker with one sends on the channel. What arrives is stored like a
callback before it is acknowledged; what can't be stored in time is sent again by the provider.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import structlog
from django.db import DatabaseError

from clarion.channels.connecting import KeepsConnection
from clarion.channels.contract import ChannelKind, HookRequest, Refusal, Refused
from clarion.channels.models import Channel
from clarion.channels.registry import KINDS, adapter
from clarion.engine import stops
from clarion.engine.callbacks import Verified, store
from clarion.engine.group_commit import GroupCommit, Overloaded
from clarion.engine.inbox import lane_of
from clarion.engine.threads import DatabaseThreads
from clarion.kit import clock, db
from clarion.transport.messages import SmppAccount
from clarion.transport.smpp import SmppClient, Trouble
from clarion.transport.smpp_session import BindRefused

log = structlog.get_logger()
_KEEPING = [name for name, kind in KINDS.items() if issubclass(kind, KeepsConnection)]
RESTING = 60.0  # seconds in which a worker that can't connect leaves a channel to the others
SHARED = "Another channel uses the same account. Pause one of them, or use another account."


@dataclass(frozen=True, slots=True)
class Wanted:
    """A channel whose provider keeps a connection to us."""

    id: int
    name: str
    active: bool
    kind: ChannelKind
    account: SmppAccount
    most: int  # workers that may be connected


class Connections:
    """The connections that this worker keeps open."""

    def __init__(self, threads: DatabaseThreads, smpp: SmppClient) -> None:
        self._db = threads.run
        self._smpp = smpp
        self._stored: GroupCommit[Verified] = GroupCommit(store, threads)
        self._open: dict[int, SmppAccount] = {}
        # Channels whose account was refused: it is not tried again before something is changed.
        self._refused: dict[int, SmppAccount] = {}
        self._refusals: dict[int, str] = {}  # found out since the last round
        # The same: why a connection can't be opened, and seconds until it is tried again.
        self._waits: dict[int, tuple[str, float]] = {}
        # Channels that other workers send on while this one can't: until when, time.monotonic().
        self._resting: dict[int, float] = {}

    def room(self, channel_id: int, kind: ChannelKind, most: int) -> int:
        """How many messages of a channel this worker may send at a time: 0 where it is not
        connected, and at most ``most``."""
        if not isinstance(kind, KeepsConnection):
            return most
        account = kind.connection()
        return min(most, account.window) if self._open.get(channel_id) == account else 0

    async def refresh(self, worker_id: int) -> None:
        """Open what this worker may keep open, and close what it may not any longer."""
        refusals, self._refusals = self._refusals, {}
        for channel_id, reason in refusals.items():
            await self._db(stops.pause_on_channel, channel_id, reason)
        waits, self._waits = self._waits, {}
        for channel_id, (reason, seconds) in waits.items():
            if channel_id in refusals:
                continue
            if await self._db(_others_have, channel_id, worker_id):
                # Its own trouble, such as one connection more than the provider allows.
                self._resting[channel_id] = time.monotonic() + RESTING
            else:
                await self._db(_let_wait, channel_id, reason, seconds)
        wanted = {each.id: each for each in await self._db(wanted_now)}
        for channel_id, account in list(self._refused.items()):
            each = wanted.get(channel_id)
            if each is None or each.account != account or each.active:
                del self._refused[channel_id]
        now = time.monotonic()
        self._resting = {key: until for key, until in self._resting.items() if until > now}
        usable = {
            key: each
            for key, each in wanted.items()
            if key not in self._refused and key not in self._resting
        }
        held = await self._db(hold, worker_id, {key: each.most for key, each in usable.items()})
        for channel_id, account in list(self._open.items()):
            if channel_id not in held or usable[channel_id].account != account:
                del self._open[channel_id]
                await self._smpp.release(account)
        for channel_id in sorted(held - self._open.keys()):  # of two with one account, the older
            self._keep(usable[channel_id])

    async def close(self) -> None:
        """Close all of them; the next ``refresh`` may open them again."""
        while self._open:
            _, account = self._open.popitem()
            await self._smpp.release(account)

    def _keep(self, channel: Wanted) -> None:
        if channel.account in self._open.values():
            self._refuse(channel, SHARED)
            return
        self._open[channel.id] = channel.account
        self._smpp.keep(
            channel.account, partial(self._hear, channel), partial(self._troubled, channel)
        )

    async def _hear(self, channel: Wanted, packet: bytes) -> bool:
        """Store what the provider sends. False: it is not known to be stored."""
        hook = HookRequest({}, "", packet, clock.now())
        callback = Verified(channel.id, hook, lane_of(channel.kind, hook))
        try:
            await self._stored.add(callback, len(packet))
        except (DatabaseError, Overloaded):
            return False
        return True

    def _troubled(self, channel: Wanted, trouble: Trouble, wait: float) -> None:
        if isinstance(trouble, BindRefused):
            outcome = channel.kind.outcome(trouble.reply)
            reason = outcome.reason if isinstance(outcome, Refused) else ""
            if isinstance(outcome, Refused) and outcome.refusal is Refusal.MISCONFIGURED:
                self._refuse(channel, reason)
        else:
            reason = trouble.reason
        self._waits[channel.id] = reason, wait
        log.warning("connection_failed", channel=channel.name, reason=reason)

    def _refuse(self, channel: Wanted, reason: str) -> None:
        self._refused[channel.id] = channel.account
        self._refusals[channel.id] = reason


def _let_wait(channel_id: int, reason: str, seconds: float) -> None:
    """Show, also while there is nothing to send, that a provider can't be reached."""
    now = db.now_us()
    stops.wait_on_channel(channel_id, now, now + round(seconds * clock.SECOND), reason)


def wanted_now() -> list[Wanted]:
    """The channels whose providers keep a connection to us, paused ones too: receipts and opt-outs
    still arrive. None whose settings can't be used."""
    channels = []
    for channel in Channel.objects.filter(kind__in=_KEEPING).order_by("pk"):
        try:
            kind = adapter(channel)
        except ValueError:
            continue
        assert isinstance(kind, KeepsConnection)
        channels.append(
            Wanted(
                channel.pk, channel.name, channel.state == Channel.State.ACTIVE, kind,
                kind.connection(), kind.most_connections(),
            )
        )  # fmt: skip
    return channels


def hold(worker_id: int, wanted: Mapping[int, int]) -> set[int]:
    """The channels, of those wanted, whose connection belongs to this worker now.

    ``wanted``: by channel, how many workers may have one. One that nobody living has is taken; what
    this worker has and does not want is given back.
    """
    rows = _rows()
    if not rows and not wanted:
        return set()
    own = {channel: number for channel, number, worker, _ in rows if worker == worker_id}
    for channel, number in list(own.items()):
        if number >= wanted.get(channel, 0):
            _free(channel, number, worker_id)
            del own[channel]
    for channel, most in wanted.items():
        if channel not in own and _take(channel, most, worker_id, rows):
            own[channel] = most
    return set(own)


_Row = tuple[int, int, int, bool]  # channel, number, worker, whether that one lives


def _rows() -> list[_Row]:
    rows = db.fetch(
        "SELECT c.channel_id, c.number, c.worker_id, w.id IS NOT NULL FROM engine_connection c "
        "LEFT JOIN engine_worker w ON w.id = c.worker_id AND NOT w.dead AND w.lease_until > %s",
        [db.now_us()],
    )
    return [(channel, number, worker, bool(lives)) for channel, number, worker, lives in rows]


def _others_have(channel_id: int, worker_id: int) -> bool:
    """Whether another living worker may keep a connection of a channel open."""
    return any(
        channel == channel_id and worker != worker_id and lives
        for channel, _, worker, lives in _rows()
    )


def _take(channel: int, most: int, worker_id: int, rows: list[_Row]) -> bool:
    """Take a connection that nobody living has; False where there is none."""
    owners = {number: (worker, lives) for key, number, worker, lives in rows if key == channel}
    for number in range(most):
        worker, lives = owners.get(number, (0, False))
        if lives:
            continue
        with db.write():
            if worker:
                _free(channel, number, worker)
            if db.execute(
                "INSERT INTO engine_connection (channel_id, number, worker_id) VALUES (%s, %s, %s) "
                "ON CONFLICT (channel_id, number) DO NOTHING",
                [channel, number, worker_id],
            ):
                return True
    return False


def _free(channel: int, number: int, worker: int) -> None:
    db.execute(
        "DELETE FROM engine_connection WHERE channel_id = %s AND number = %s AND worker_id = %s",
        [channel, number, worker],
    )
