"""The link with which people unsubscribe, and the one-click POST of mail programs (RFC 8058)."""

from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Final

from django.db import DatabaseError, transaction
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

from clarion.contacts import addresses
from clarion.contacts.states import AddressState
from clarion.contacts.unsubscribe import read_token
from clarion.engine.group_commit import GroupCommit, Overloaded, Runs
from clarion.hooks.wire import Answer, Request, busy, not_allowed
from clarion.kit import clock

PREFIX: Final = "/unsubscribe/"
Leaving = tuple[int, datetime]  # the address, and when its owner unsubscribed
_POLICY: Final = (
    b"default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; "
    b"frame-ancestors 'none'"
)
PAGE_HEADERS: Final = (
    (b"content-security-policy", _POLICY),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"vary", b"accept-language"),
)


class Unsubscribing:
    """The unsubscribe links."""

    def __init__(self, writes: Runs) -> None:
        self._marked: GroupCommit[Leaving] = GroupCommit(_mark, writes)

    async def answer(self, request: Request, token: str) -> Answer:
        """GET asks, POST unsubscribes: link scanners follow every link, and must change nothing.

        Mail programs POST on their own: without cookies, login or CSRF token, and they follow no
        redirect. The signed token is what proves that they may. 503 while the database can't be
        written; a mail program tries again.
        """
        if request.method not in ("GET", "HEAD", "POST"):
            return not_allowed(b"GET", b"HEAD", b"POST")
        language = language_of(request.headers().get("accept-language", ""))
        try:
            address = read_token(token)
        except ValueError:
            return _page("unknown", language)
        if request.method != "POST":
            return _page("ask", language)
        try:
            await self._marked.add((address, clock.now()))
        except (DatabaseError, Overloaded):
            return busy("You could not be unsubscribed just now. Try again in a minute.")
        return _page("done", language)


def _mark(leaving: Sequence[Leaving]) -> None:
    with transaction.atomic():
        for address, at in sorted(leaving):  # in one order, so that two groups never deadlock
            addresses.mark(address, AddressState.OPTED_OUT, at)


@lru_cache(maxsize=256)
def _page(step: str, language: str) -> Answer:
    with translation.override(language):
        html = render_to_string("hooks/unsubscribe.html", {"step": step})
    status = 404 if step == "unknown" else 200
    return Answer(status, html.encode(), b"text/html; charset=utf-8", PAGE_HEADERS)


@lru_cache(maxsize=1_024)
def language_of(accepted: str, otherwise: str = "") -> str:
    """The language that there are texts in: of a browser's header, or of a contact."""
    for code, _ in parse_accept_lang_header(accepted):
        try:
            return translation.get_supported_language_variant(code)
        except LookupError:
            continue
    return otherwise or translation.get_language() or "en"
