"""The page on which a contact confirms a consent."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import DatabaseError
from django.template.loader import render_to_string
from django.utils import translation

from clarion.consents import confirmations
from clarion.consents.confirmations import CONFIRM
from clarion.consents.models import Confirmation
from clarion.consents.proof import Proof
from clarion.engine.group_commit import GroupCommit, Overloaded, Runs
from clarion.hooks.preferences import proof_of
from clarion.hooks.unsubscribe import PAGE_HEADERS, language_of
from clarion.hooks.wire import Answer, Request, busy, not_allowed
from clarion.kit import clock

PREFIX: Final = "/confirm/"
_Confirmed = tuple[int, Proof, datetime]


class Confirming:
    """The links by which consents are confirmed."""

    def __init__(self, reads: Runs, writes: Runs) -> None:
        """`reads`, `writes`: where the database is asked, and where it is written."""
        self._reads = reads
        self._confirmed: GroupCommit[_Confirmed] = GroupCommit(_confirm, writes)

    async def answer(self, request: Request, token: str) -> Answer:
        """GET shows what is agreed to and changes nothing: scanners open links. POST confirms."""
        if request.method not in ("GET", "HEAD", "POST"):
            return not_allowed(b"GET", b"HEAD", b"POST")
        browser = language_of(request.headers().get("accept-language", ""))
        try:
            number = CONFIRM.read(token)
        except ValueError:
            return _page(None, browser)
        try:
            if request.method == "POST":
                await self._confirmed.add((number, proof_of(request), clock.now()))
            row: Confirmation | None = await self._reads.run(confirmations.shown_to, number)
        except (DatabaseError, Overloaded):
            return busy("This could not be confirmed just now. Try again in a minute.")
        return _page(row, browser)


def _confirm(confirmed: Sequence[_Confirmed]) -> None:
    for number, proof, at in confirmed:
        confirmations.confirm(number, proof, at)


def _page(row: Confirmation | None, browser: str) -> Answer:
    language = language_of(row.contact.language, browser) if row else browser
    is_over = row is not None and row.confirmed_at is None and row.expires_at <= clock.now()
    with translation.override(language):
        html = render_to_string("hooks/confirm.html", {"row": row, "is_over": is_over})
    headers = PAGE_HEADERS
    return Answer(200 if row else 404, html.encode(), b"text/html; charset=utf-8", headers)
