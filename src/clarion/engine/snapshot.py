"""What a worker knows of channels and broadcasts while it sends, read afresh every 200 ms."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from clarion.broadcasts.models import Broadcast
from clarion.channels.contract import ChannelKind
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.content.rendering import Text, compile_text
from clarion.engine.retry import Policy
from clarion.kit import clock, db


@dataclass(frozen=True, slots=True)
class ChannelFacts:
    """An active channel that has something to send."""

    id: int
    name: str
    kind: ChannelKind
    policy: Policy
    rate: float | None
    version: str  # changes whenever its settings are saved


@dataclass(frozen=True, slots=True)
class Job:
    """What a broadcast sends; it does not change once it is being sent."""

    id: int
    key: str
    title: str
    text: Text
    scheduled_at: int  # microseconds


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Who may send at this moment."""

    channels: dict[int, ChannelFacts]
    broken: dict[int, str]  # channels whose stored settings can't be used, and why
    broadcasts: frozenset[int]


NOTHING = Snapshot({}, {}, frozenset())


def take(before: Snapshot = NOTHING) -> Snapshot:
    """Read which channels and broadcasts may send; adapters of unchanged channels are kept."""
    sending = db.fetch(
        "SELECT DISTINCT b.id, bc.channel_id FROM broadcasts_broadcast b "
        "JOIN broadcasts_broadcast_channels bc ON bc.broadcast_id = b.id WHERE b.state = 'sending'"
    )
    if not sending:
        return NOTHING
    channels: dict[int, ChannelFacts] = {}
    broken: dict[int, str] = {}
    for row in _rows({channel_id for _, channel_id in sending}):
        version = repr(row)
        known = before.channels.get(row[0])
        if known is not None and known.version == version:
            channels[known.id] = known
            continue
        try:
            channels[row[0]] = _facts(row[0], version)
        except ValueError as error:
            broken[row[0]] = str(error)
    return Snapshot(channels, broken, frozenset(row[0] for row in sending))


def _rows(channel_ids: Iterable[int]) -> list[tuple[int, tuple[Any, ...]]]:
    return [
        (row[0], row[1:])
        for row in db.fetch(
            "SELECT c.id, c.kind, c.config, c.retries, c.backoff, c.rate FROM channels_channel c "
            f"JOIN {db.rows([('id', 'int')])} ON v.id = c.id WHERE c.state = 'active'",
            [db.pack([key] for key in channel_ids)],
        )
    ]


def _facts(channel_id: int, version: str) -> ChannelFacts:
    channel = Channel.objects.get(pk=channel_id)
    kind = adapter(channel)
    policy = Policy(channel.retries, channel.backoff, kind.idempotent)
    return ChannelFacts(channel.pk, channel.name, kind, policy, channel.rate, version)


@lru_cache(maxsize=1_000)
def job(broadcast_id: int) -> Job:
    """What this broadcast sends. Raises ContentError when its text does not compile."""
    broadcast = Broadcast.objects.get(pk=broadcast_id)
    scheduled = broadcast.scheduled_at or broadcast.created_at
    text = compile_text(broadcast.text)
    return Job(broadcast.pk, broadcast.key, broadcast.title, text, clock.to_us(scheduled))
