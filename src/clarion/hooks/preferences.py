"""The page of a contact's preferences: their consents, and unsubscribing from everything."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from urllib.parse import parse_qs

from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils import translation

from clarion.consents import preferences
from clarion.consents.preferences import PREFERENCES, Preferences
from clarion.consents.proof import Proof
from clarion.engine.group_commit import GroupCommit, Overloaded, Runs
from clarion.hooks.unsubscribe import PAGE_HEADERS, language_of
from clarion.hooks.wire import Answer, Request, busy, not_allowed
from clarion.kit import clock
from clarion.kit.numbers import parse_id

PREFIX: Final = "/preferences/"
_AWAY: Final = "Your choice could not be saved just now. Try again in a minute."


@dataclass(frozen=True, slots=True)
class _Posted:
    """What somebody chose."""

    address: int
    stops_all: bool
    shown: tuple[int, ...]
    chosen: tuple[int, ...]
    proof: Proof
    at: datetime


class Choosing:
    """The links to people's preferences."""

    def __init__(self, reads: Runs, writes: Runs) -> None:
        """`reads`, `writes`: where the database is asked, and where it is written."""
        self._reads = reads
        self._saved: GroupCommit[_Posted] = GroupCommit(_save, writes)

    async def answer(self, request: Request, token: str) -> Answer:
        """GET shows the page and changes nothing; POST saves, and shows it again.

        It needs no login, cookie or script: the signed link says whose preferences they are. 503
        while the database is away.
        """
        if request.method not in ("GET", "HEAD", "POST"):
            return not_allowed(b"GET", b"HEAD", b"POST")
        browser = language_of(request.headers().get("accept-language", ""))
        try:
            address = PREFERENCES.read(token)
        except ValueError:
            return _page(None, "", browser)
        saved = ""
        try:
            if request.method == "POST":
                posted = _posted(address, request)
                await self._saved.add(posted)
                saved = "all" if posted.stops_all else "some"
            shown: Preferences | None = await self._reads.run(preferences.preferences_of, address)
        except (DatabaseError, Overloaded):
            return busy(_AWAY)
        return _page(shown, saved, browser)


def proof_of(request: Request) -> Proof:
    """What is kept of a request as proof."""
    browser = request.headers().get("user-agent", "")
    return Proof(ip=request.client, user_agent=browser)


def _posted(address: int, request: Request) -> _Posted:
    fields = parse_qs(request.body.decode("utf-8", "replace"), max_num_fields=5_000)
    shown, chosen = (
        tuple(key for text in fields.get(name, ()) if (key := parse_id(text)))
        for name in ("shown", "consent")
    )
    stops_all = "all" in fields
    return _Posted(address, stops_all, shown, chosen, proof_of(request), clock.now())


def _save(posted: Sequence[_Posted]) -> None:
    for choice in posted:
        if choice.stops_all:
            preferences.stop_all(choice.address, choice.proof, choice.at)
        else:
            preferences.choose(choice.address, choice.shown, choice.chosen, choice.proof, choice.at)


def _page(shown: Preferences | None, saved: str, browser: str) -> Answer:
    language = language_of(shown.language, browser) if shown else browser
    with translation.override(language):
        html = render_to_string("hooks/preferences.html", {"shown": shown, "saved": saved})
    headers = PAGE_HEADERS
    return Answer(200 if shown else 404, html.encode(), b"text/html; charset=utf-8", headers)
