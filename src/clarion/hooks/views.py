"""What comes from outside: providers' callbacks, and people who unsubscribe."""

import re
from dataclasses import replace

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods

from clarion.channels.contract import (
    AnswersCallbacks,
    AnswersHandshake,
    BadSignature,
    HookRequest,
)
from clarion.channels.models import Channel
from clarion.channels.registry import adapter
from clarion.contacts import addresses
from clarion.contacts.states import AddressState
from clarion.contacts.unsubscribe import read_token
from clarion.engine.inbox import lane_of, store_callback
from clarion.hooks.bodies import LARGEST, TOO_LARGE_CALLBACK
from clarion.kit import clock

_NUMBER = re.compile(r"[0-9]{1,18}")
# Proofs of who is calling are looked at once; what is kept in the inbox must not hold them.
_PROOF = re.compile(r"auth|cookie|key|secret|signature|token")


@csrf_exempt
@require_http_methods(["GET", "POST"])
def callback(request: HttpRequest, channel: str) -> HttpResponse:
    """Verify, store as it came, answer 200 at once: the engine applies it later.

    A GET is a provider that tries the address first; only kinds that know such a thing answer it.
    `channel` is a channel's number or name. 404 for an unknown one, 401 for a wrong signature, 413
    beyond 1 MB. A database that can't be written makes it 500, so that the provider tries again.
    """
    found = _channel(channel)
    if found is None:
        return _said(404, "There is no such channel.")
    if request.method == "GET":
        return _handshake(request, found)
    body = read_body(request)
    if body is None:
        return _said(413, TOO_LARGE_CALLBACK)
    headers = {name.lower(): value for name, value in request.headers.items()}
    hook = HookRequest(headers, request.META.get("QUERY_STRING", ""), body, clock.now())
    kind = adapter(found)
    try:
        kind.verify(hook)
    except BadSignature as refused:
        return _said(401, str(refused))
    kept = {name: value for name, value in headers.items() if not _PROOF.search(name)}
    store_callback(found, replace(hook, headers=kept), lane_of(kind, hook))
    answer = kind.answer(hook) if isinstance(kind, AnswersCallbacks) else b""
    if answer:
        return HttpResponse(answer, content_type="application/json")
    return _said(200, "ok")


@csrf_exempt
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def unsubscribe(request: HttpRequest, token: str) -> HttpResponse:
    """GET asks, POST does it: link scanners follow every link, and must not unsubscribe anybody.

    Mail programs POST on their own (RFC 8058): without cookies, log-in or CSRF token, and they
    follow no redirect. The signed token is what proves that they may.
    """
    try:
        address = read_token(token)
    except ValueError:
        return render(request, "hooks/unsubscribe.html", {"step": "unknown"}, status=404)
    if request.method == "POST":
        addresses.mark(address, AddressState.OPTED_OUT, clock.now())
        return render(request, "hooks/unsubscribe.html", {"step": "done"})
    return render(request, "hooks/unsubscribe.html", {"step": "ask"})


def _handshake(request: HttpRequest, channel: Channel) -> HttpResponse:
    kind = adapter(channel)
    if not isinstance(kind, AnswersHandshake):
        return HttpResponseNotAllowed(["POST"])
    try:
        answer = kind.handshake(request.META.get("QUERY_STRING", ""))
    except BadSignature as refused:
        return _said(403, str(refused))
    return HttpResponse(answer, content_type="text/plain; charset=utf-8")


def _channel(number_or_name: str) -> Channel | None:
    if _NUMBER.fullmatch(number_or_name):
        return Channel.objects.filter(pk=int(number_or_name)).first()
    if "\x00" in number_or_name:  # PostgreSQL takes no such text
        return None
    return Channel.objects.filter(name=number_or_name).first()


def read_body(request: HttpRequest) -> bytes | None:
    """The body, or None for one that is too large; its declared length is believed first."""
    declared = request.headers.get("Content-Length", "")
    if _NUMBER.fullmatch(declared) and int(declared) > LARGEST:
        return None
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= LARGEST else None


def _said(status: int, sentence: str) -> HttpResponse:
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8")
