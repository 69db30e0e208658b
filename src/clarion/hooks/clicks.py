"""Tracked links and opened e-mails: verified, written in groups, and answered."""

from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from typing import Final

import structlog
from django.conf import settings
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils import translation

from clarion.clicks import scanners
from clarion.clicks.links import target_of
from clarion.clicks.models import OPENED
from clarion.clicks.spool import Spool
from clarion.clicks.store import Visit, store
from clarion.clicks.tokens import IMAGE, read_token
from clarion.clicks.tokens import PREFIX as PREFIX
from clarion.content.links import location
from clarion.engine.group_commit import Bounds, GroupCommit, Overloaded, Runs
from clarion.hooks.unsubscribe import PAGE_HEADERS, language_of
from clarion.hooks.wire import Answer, Request, busy, not_allowed
from clarion.kit import clock

log = structlog.get_logger()
_PATIENCE: Final = 2.0  # seconds that somebody who clicks waits for the database at most
_DRAIN_EVERY: Final = 5.0  # seconds
_TARGETS: Final = 10_000  # links whose targets are remembered
MOST_A_MINUTE: Final = 30  # clicks of one person on one link that are kept
_HEADERS: Final = ((b"x-robots-tag", b"noindex"),)
# A transparent GIF of one pixel.
_PIXEL: Final = Answer(
    200,
    b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00"
    b"\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;",
    b"image/gif",
    _HEADERS,
)


class Clicking:
    """The tracked links, and the images of e-mails that are opened."""

    def __init__(self, reads: Runs, writes: Runs) -> None:
        """`reads`, `writes`: where the database is asked, and where it is written."""
        self._reads = reads
        self._writes = writes
        self._stored: GroupCommit[Visit] = GroupCommit(_store, writes, Bounds(patience=_PATIENCE))
        self._targets: dict[int, str] = {}
        self._kept: dict[tuple[int, int], int] = {}  # clicks on a link within this minute
        self._minute = 0
        self._spool = Spool(settings.CLARION.data)
        self._drain_at = 0  # microseconds

    async def answer(self, request: Request, token: str) -> Answer:
        """302 to the target, once the click is kept: in the database, else in a file; the image
        for what names one.

        404 with a page for a link that is not ours; nothing leads to a place that was not written
        in a message. 503 where the database is away and the target is not remembered.
        """
        if request.method not in ("GET", "HEAD"):
            return not_allowed(b"GET", b"HEAD")
        headers = request.headers()
        try:
            named = read_token(token)
            if named.link == IMAGE:
                return await self._opened(request.method, headers, named.delivery)
            target = await self._target(named.link)
            if target is None:
                raise ValueError("There is no such link.")
            to = location(target, named.values)
        except DatabaseError:
            return busy("This link can't be opened just now. Try again in a minute.")
        except ValueError:
            return _unknown_page(language_of(headers.get("accept-language", "")))
        visit = Visit(
            named.delivery, named.link, clock.now_us(), scanners.sign_of(request.method, headers)
        )
        if self._is_worth_keeping(visit):
            await self._keep(visit)
        return Answer(302, b"", headers=((b"location", to.encode("ascii")), *_HEADERS))

    async def _opened(self, method: str, headers: Mapping[str, str], delivery: int) -> Answer:
        sign = scanners.sign_of_image(method, headers)
        visit = Visit(delivery, OPENED, clock.now_us(), sign)
        if self._is_worth_keeping(visit):
            await self._keep(visit)
        return _PIXEL

    async def _target(self, link: int) -> str | None:
        if link in self._targets:
            return self._targets[link]
        target: str | None = await self._reads.run(target_of, link)
        if target is not None:
            if len(self._targets) >= _TARGETS:
                self._targets.clear()
            self._targets[link] = target
        return target

    def _is_worth_keeping(self, visit: Visit) -> bool:
        """Whether it is not the umpteenth within a minute: a loop must not fill the database."""
        minute = visit.at // (60 * clock.SECOND)
        if minute != self._minute:
            self._minute = minute
            self._kept.clear()
        key = (visit.delivery, visit.link)
        self._kept[key] = self._kept.get(key, 0) + 1
        return self._kept[key] <= MOST_A_MINUTE

    async def _keep(self, visit: Visit) -> None:
        """Write it to the database, else to the file. A person is led on in any case."""
        try:
            await self._stored.add(visit)
        except (DatabaseError, Overloaded):
            self._keep_in_file(visit)
            return
        if visit.at >= self._drain_at:
            # The database takes clicks: also those of a time, or a process, when it did not.
            self._drain_at = visit.at + round(_DRAIN_EVERY * clock.SECOND)
            try:
                await self._writes.run(self._spool.drain, partial(store, again=True))
            except (DatabaseError, OSError) as error:
                log.warning("clicks_not_drained", error=str(error))

    def _keep_in_file(self, visit: Visit) -> None:
        # On the event loop: while the database is away there is nothing else to do, and the disk
        # answers within milliseconds.
        self._drain_at = 0
        try:
            self._spool.append(visit)
        except OSError as error:
            log.error("click_lost", delivery=visit.delivery, link=visit.link, error=str(error))


def _store(visits: Sequence[Visit]) -> None:
    store(visits)


@lru_cache(maxsize=64)
def _unknown_page(language: str) -> Answer:
    with translation.override(language):
        html = render_to_string("hooks/link.html")
    return Answer(404, html.encode(), b"text/html; charset=utf-8", PAGE_HEADERS)
