"""Sending a file once with its bytes, and then by the id under which the provider keeps it.

The first message with a file carries it, or it is uploaded before that; the others wait meanwhile
and are queued again, so that each of them leaves in a slot of its own. A worker knows of the ids
that others have noted, so that a file is sent at most once per worker.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from django.db import Error

from clarion.channels import kept_files
from clarion.channels.abilities import UploadsFirst
from clarion.channels.contract import Accepted, Outgoing, Refusal, Refused, Reply, Request
from clarion.engine.no_reply import without_reply
from clarion.engine.snapshot import ChannelFacts
from clarion.kit.parts import Media
from clarion.records.deliveries.settle import Settlement
from clarion.transport.errors import MaybeSent, NotSent

log = structlog.get_logger()
TRUSTED = 3_600.0  # seconds until an id is read again: it ends after a month, or with the settings
MOST_DROPPED = 3  # ids of one file that were unknown soon: then it is sent with its bytes
RunInThread = Callable[..., Awaitable[Any]]
Sent = tuple[Settlement, Any]  # what to settle, and what was found out


@dataclass(slots=True)
class _File:
    """What a worker knows of a file on a channel."""

    id: str = ""
    dropped: int = 0
    read_at: float | None = None  # when it was looked for in the database, by time.monotonic()
    uploading: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_read(self) -> bool:
        """Whether what is known of it can be trusted."""
        return self.read_at is not None and time.monotonic() - self.read_at < TRUSTED


@dataclass(frozen=True, slots=True)
class Ways:
    """What may become of a message with a file."""

    send: Callable[[], Awaitable[Sent]]
    queue_again: Callable[[], Settlement]  # it was certainly not sent
    send_request: Callable[[Request], Awaitable[Reply]]  # an upload
    refuse: Callable[[Refused], Sent]  # its file could not be uploaded


class KeptFiles:
    """The provider's ids of files, as a worker knows them."""

    def __init__(self, run: RunInThread) -> None:
        self._run = run
        # By the channel, the version of its settings, and the key of the file.
        self._files: defaultdict[tuple[int, str, str], _File] = defaultdict(_File)

    async def send(self, channel: ChannelFacts, outgoing: Outgoing, ways: Ways) -> Sent:
        """Send a message, by the id of its file where there is one.

        Where the file was brought by another message or an upload meanwhile, or the provider no
        longer knows its id, this one was certainly not sent, and no attempt is used up.
        """
        media = outgoing.media
        if media is None or not media.sha256 or not channel.kind.limits.keeps_files:
            return await ways.send()
        kind = channel.kind
        key = (channel.id, kept_files.key_of(media))
        file = self._files[channel.id, channel.version, key[1]]
        if file.dropped >= MOST_DROPPED:
            return await ways.send()
        if file.id and file.is_read:
            return await self._by_id(key, file, outgoing, media, ways)
        # The request has all of the file: none is kept while this waits for another upload.
        if isinstance(kind, UploadsFirst) and kind.upload(media) is None:
            return await ways.send()
        async with file.uploading:
            if file.id and file.is_read:
                return ways.queue_again(), None
            if not file.is_read:
                kept_id = await self._in_database(kept_files.kept_id, *key)
                file.id = file.id if kept_id is None else kept_id
                file.read_at = time.monotonic()
            if not file.id and isinstance(kind, UploadsFirst):
                uploaded = await _uploaded(kind, media, ways.send_request)
                if isinstance(uploaded, Refused):
                    return ways.refuse(uploaded)
                file.id = uploaded
                await self._in_database(kept_files.keep, *key, file.id)
                return ways.queue_again(), None
            if not file.id:
                sent, result = await ways.send()
                if (
                    isinstance(result, Accepted)
                    and 0 < len(result.kept_id) <= kept_files.LONGEST_ID
                ):
                    file.id = result.kept_id
                    await self._in_database(kept_files.keep, *key, file.id)
                return sent, result
        return await self._by_id(key, file, outgoing, media, ways)

    async def _by_id(
        self,
        key: tuple[int, str],
        file: _File,
        outgoing: Outgoing,
        media: Media,
        ways: Ways,
    ) -> Sent:
        used = file.id
        outgoing.media = replace(media, kept_id=used)
        sent, result = await ways.send()
        if isinstance(result, Accepted):
            file.dropped = 0
        if not isinstance(result, Refused) or not result.file_gone:
            return sent, result
        if file.id == used:
            file.id = ""
            file.dropped += 1
            await self._in_database(kept_files.drop, *key, used)
        return ways.queue_again(), None

    async def _in_database(self, work: Callable[..., Any], *args: Any) -> Any:
        """An id that can't be noted or read costs another upload, and no message."""
        try:
            return await self._run(work, *args)
        except Error as error:
            log.warning("database_away", error=str(error), work=work.__name__)
            return None


async def _uploaded(
    kind: UploadsFirst, media: Media, send_request: Callable[[Request], Awaitable[Reply]]
) -> str | Refused:
    """The id of an uploaded file. Whatever became of an upload, no message has been sent."""
    upload = kind.upload(media)
    assert upload is not None
    try:
        uploaded = kind.uploaded(await send_request(upload))
    except (NotSent, MaybeSent) as error:
        uploaded = without_reply(error)
    if isinstance(uploaded, Refused) and uploaded.refusal is Refusal.UNKNOWN:
        return replace(uploaded, refusal=Refusal.RETRY)
    return uploaded
