"""How much may be sent to the pages: little to most of them, files by agents only."""

from io import BytesIO
from typing import Final

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.middleware import SessionMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import reverse

from clarion.content import media
from clarion.server.bodies import UNASKED, Refusal, Rule, Scope
from clarion.web.middleware import OPEN_TO_ALL

MEGABYTE: Final = 1_048_576
_FILES_OF_A_STORY: Final = 10  # of the largest size, uploaded together


def body_rule(path: str) -> Rule:
    """The rule of a page."""
    if path.startswith(OPEN_TO_ALL):
        return Rule(UNASKED, needs_agent=False)
    if path in {reverse("contact_import"), reverse("compose_ids")}:
        return Rule(settings.CLARION.upload_megabytes * MEGABYTE, needs_agent=True, uploads=True)
    if path.startswith(reverse("stories")):
        return Rule(_FILES_OF_A_STORY * media.LARGEST, needs_agent=True, uploads=True)
    return Rule(settings.DATA_UPLOAD_MAX_MEMORY_SIZE, needs_agent=True)


def refusal(status: int, rule: Rule) -> Refusal:
    """A page that says why, and how much it may be."""
    context = {"status": status, "megabytes": max(1, rule.largest // MEGABYTE)}
    page = render_to_string("refused.html", context)
    return Refusal(status, "text/html; charset=utf-8", page.encode())


async def is_agent(scope: Scope) -> bool:
    """Whether the request comes from somebody who is logged in; its body is not read for that."""
    return await sync_to_async(_has_agent)(scope)


def _has_agent(scope: Scope) -> bool:
    request = ASGIRequest({**scope, "headers": _but_body(scope)}, BytesIO())
    SessionMiddleware(lambda _: HttpResponse()).process_request(request)
    return get_user(request).is_authenticated


def _but_body(scope: Scope) -> list[tuple[bytes, bytes]]:
    skipped = {b"content-length", b"transfer-encoding", b"content-type"}
    return [pair for pair in scope["headers"] if pair[0] not in skipped]
