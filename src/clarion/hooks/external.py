"""The secret URLs of broadcasts: calls that make runs (C5), events that fire triggers (C4)."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from clarion.broadcasts import calls
from clarion.broadcasts.errors import CallError, KeyReused, NotLive, TooOften
from clarion.broadcasts.external import event_call, launch_call
from clarion.broadcasts.models import Broadcast
from clarion.hooks.bodies import LARGEST, TOO_LARGE_CALL

Call = Callable[[Broadcast, Mapping[str, Any], str | None], dict[str, Any]]
_STATUS: dict[type[CallError], int] = {NotLive: 409, KeyReused: 422, TooOften: 429}


@csrf_exempt
@never_cache
@require_POST
def external(request: HttpRequest, number: int, token: str) -> JsonResponse:
    """Make a run of an external broadcast. 202 with what will happen, or an error in a sentence."""
    return _answer(request, calls.find("external", number, token), launch_call)


@csrf_exempt
@never_cache
@require_POST
def event(request: HttpRequest, number: int, token: str) -> JsonResponse:
    """Fire a trigger on an event. 202 with what will happen, or an error in a sentence."""
    return _answer(request, calls.find("trigger", number, token), event_call)


def _answer(request: HttpRequest, broadcast: Broadcast | None, call: Call) -> JsonResponse:
    """404 for a wrong secret as for a broadcast that does not exist: nobody learns which."""
    if broadcast is None:
        return _refused(404, "There is nothing at this address. Check the URL.")
    body = _body(request)
    if body is None:
        return _refused(413, TOO_LARGE_CALL)
    try:
        return JsonResponse(
            call(broadcast, _parsed(body), request.headers.get("Idempotency-Key")), status=202
        )
    except CallError as error:
        refused = _refused(_STATUS.get(type(error), 400), str(error))
        if isinstance(error, TooOften):
            refused["Retry-After"] = str(error.retry_after)
        return refused


def _body(request: HttpRequest) -> bytes | None:
    """The body, None for one that is too large; the server stops most of those before."""
    try:
        body = request.body
    except RequestDataTooBig:
        return None
    return body if len(body) <= LARGEST else None


def _parsed(body: bytes) -> dict[str, Any]:
    """The JSON object of a body. Raises CallError."""
    try:
        parsed = json.loads(body)
        body.decode()  # json takes other encodings too
    except (ValueError, RecursionError):
        raise CallError("The body is not valid JSON in UTF-8. Correct it.") from None
    if not isinstance(parsed, dict):
        raise CallError('The body must be a JSON object, such as {"users": ["4711"]}.')
    return parsed


def _refused(status: int, sentence: str) -> JsonResponse:
    response = JsonResponse({"error": sentence}, status=status)
    # Django would log the path of a refused request, and this one ends with the secret.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response
