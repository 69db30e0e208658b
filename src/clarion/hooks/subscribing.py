"""Where websites get the scripts of a channel, and where their visitors subscribe and end that."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.conf import settings
from django.db import DatabaseError

from clarion.channels.subscriptions import PREFIX as PREFIX
from clarion.channels.subscriptions import (
    Subscription,
    SubscriptionRefused,
    TakesSubscriptions,
    places,
)
from clarion.consents import subscribing
from clarion.consents.proof import Proof
from clarion.engine.group_commit import GroupCommit, Overloaded, Runs
from clarion.hooks.channels import ChannelDirectory
from clarion.hooks.preferences import proof_of
from clarion.hooks.wire import Answer, Request, busy, not_allowed, sentence
from clarion.kit import clock

MOST_A_MINUTE: Final = 20  # requests of one IP address, in one process
_PATH: Final = re.compile(r"([^/]+)/([^/]*)")
_FRESH: Final = 300  # seconds for which browsers may keep a script
# Any website may ask: there is no cookie, and whose website it is proves the profile.
_CORS: Final = ((b"access-control-allow-origin", b"*"),)
_PREFLIGHT: Final = (
    *_CORS,
    (b"access-control-allow-methods", b"GET, POST"),
    (b"access-control-allow-headers", b"content-type"),
    (b"access-control-max-age", b"86400"),
)


@dataclass(frozen=True, slots=True)
class _Posted:
    channel: int
    wanted: Subscription
    proof: Proof
    at: datetime


class Subscribing:
    """The scripts of channels, and the subscriptions of visitors."""

    def __init__(self, reads: Runs, writes: Runs) -> None:
        """`reads`, `writes`: where the database is asked, and where it is written."""
        self._channels = ChannelDirectory(reads)
        self._stored: GroupCommit[_Posted] = GroupCommit(_store, writes)
        self._minute = 0
        self._requests: dict[str, int] = {}  # within this minute, by IP address

    async def answer(self, request: Request, path: str) -> Answer:
        """A script to GET, 204 to a POST once the subscription is written; JSON is not asked for.

        400 with a sentence for what can't be taken, 404 for a channel without subscriptions, 429
        for too many of one visitor, 503 while the database is away.
        """
        if request.method == "OPTIONS":
            return Answer(204, b"", headers=_PREFLIGHT)
        match = _PATH.fullmatch(path)
        if match is None:
            return _refused(404, "There is no such channel.")
        try:
            channel = await self._channels.find(match[1])
            number, kind = channel or (0, None)
            if not isinstance(kind, TakesSubscriptions):
                return _refused(404, "There is no such channel.")
            if request.method in ("GET", "HEAD"):
                return _file(kind, match[2], number)
            if request.method != "POST" or match[2]:
                return not_allowed(b"GET", b"HEAD", b"POST")
            return await self._take(request, kind, number)
        except (DatabaseError, Overloaded):
            return busy("The subscription could not be saved just now. Try again in a minute.")

    async def _take(self, request: Request, kind: TakesSubscriptions, number: int) -> Answer:
        if self._is_too_often(request.client):
            return _refused(429, "Too many requests. Try again in a minute.")
        now = clock.now()
        try:
            wanted = kind.subscription(request.body, now)
            await self._stored.add(_Posted(number, wanted, proof_of(request), now))
        except SubscriptionRefused as refused:
            return _refused(400, str(refused))
        return Answer(204, b"", headers=_CORS)

    def _is_too_often(self, client: str) -> bool:
        minute = clock.now_us() // (60 * clock.SECOND)
        if minute != self._minute:
            self._minute = minute
            self._requests.clear()
        self._requests[client] = self._requests.get(client, 0) + 1
        return self._requests[client] > MOST_A_MINUTE


def _file(kind: TakesSubscriptions, name: str, number: int) -> Answer:
    public_url = settings.CLARION.public_url
    if not public_url:
        return _refused(
            404, "Set CLARION_PUBLIC_URL to the URL at which browsers reach this server."
        )
    file = kind.public_file(name, places(number, public_url))
    if file is None:
        return _refused(404, "There is no such file.")
    cached = (b"cache-control", b"public, max-age=%d" % _FRESH)
    return Answer(200, file.content, file.content_type.encode(), (*_CORS, cached))


def _refused(status: int, words: str) -> Answer:
    return sentence(status, words, *_CORS)


def _store(posted: Sequence[_Posted]) -> None:
    for each in posted:
        _writer(each.wanted)(each.channel, each.wanted, each.proof, each.at)


def _writer(wanted: Subscription) -> Callable[..., None]:
    if not wanted.is_wanted:
        return subscribing.unsubscribe
    if wanted.replaces:
        return subscribing.renew
    return subscribing.update if wanted.is_update else subscribing.subscribe
