"""How much may be sent to the pages: little to most of them, files by agents only."""

from io import BytesIO
from typing import Final, cast

import structlog
from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.db import Error
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import reverse

from clarion.content import media
from clarion.server.bodies import UNASKED, Refusal, Rule, Scope
from clarion.web.middleware import OPEN_TO_ALL, Handler, agent_time_zone
from clarion.web.views import errors

MEGABYTE: Final = 1_048_576
_FILES_AT_ONCE: Final = 10  # of the largest size, uploaded together
_AROUND_PAGES: Final = (  # the innermost first: what a page with the menu needs
    AuthenticationMiddleware,
    CsrfViewMiddleware,
    SessionMiddleware,
)
log = structlog.get_logger()


def body_rule(path: str) -> Rule:
    """The rule of a page."""
    if path.startswith(OPEN_TO_ALL):
        return Rule(UNASKED, needs_agent=False)
    if path in {reverse("contact_import"), reverse("compose_ids")}:
        return Rule(settings.CLARION.upload_megabytes * MEGABYTE, needs_agent=True, uploads=True)
    if path.startswith(reverse("stories")) or path == reverse("compose_attach"):
        return Rule(_FILES_AT_ONCE * media.LARGEST, needs_agent=True, uploads=True)
    return Rule(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, needs_agent=True)


async def refusal(scope: Scope, status: int, rule: Rule) -> Refusal:
    """A page that says why, how much it may be, and what to do; with the menu for agents."""
    page = await sync_to_async(_refusal_page)(scope, status, max(1, rule.largest // MEGABYTE))
    return Refusal(status, "text/html; charset=utf-8", page)


def _refusal_page(scope: Scope, status: int, megabytes: int) -> bytes:
    def view(request: HttpRequest) -> HttpResponse:
        return errors.refused(request, status, megabytes)

    handler = agent_time_zone(view)
    for middleware in _AROUND_PAGES:
        handler = cast("Handler", middleware(handler))
    try:
        return handler(_request(scope)).content
    except Error as error:  # the database is away: the page of nobody in particular
        log.warning("database_away", error=str(error))
        return view(_request(scope)).content


async def is_agent(scope: Scope) -> bool:
    """Whether the request comes from somebody who is logged in; its body is not read for that."""
    return await sync_to_async(_has_agent)(scope)


def _has_agent(scope: Scope) -> bool:
    request = _request(scope)
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    return get_user(request).is_authenticated


def _request(scope: Scope) -> ASGIRequest:
    """The request as if it had no body."""
    return ASGIRequest({**scope, "method": "GET", "headers": _but_body(scope)}, BytesIO())


def _but_body(scope: Scope) -> list[tuple[bytes, bytes]]:
    skipped = {b"content-length", b"transfer-encoding", b"content-type"}
    return [pair for pair in scope["headers"] if pair[0] not in skipped]
