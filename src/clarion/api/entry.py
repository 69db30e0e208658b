"""The way in: requests for the API leave the pages' middleware before sessions and CSRF.

A session of the pages is worth nothing here, and every answer is the API's, also to an address that
does not exist and to a failure. Its addresses are apart from those of the pages: their models are
half of what a web process would load before it answers its first visitor, so the first request for
the API loads them.
"""

from collections.abc import Callable

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import resolve

from clarion.accounts.request_limits import WINDOW, Allowance
from clarion.api import problems
from clarion.api.bodies import PREFIX
from clarion.api.problems import Problem
from clarion.api.refusals import problem_of

URLCONF = "clarion.api.urls"
Handler = Callable[[HttpRequest], HttpResponse]


def serve(handler: Handler) -> Handler:
    """Middleware that answers requests for the API before anything of the pages sees them."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PREFIX):
            return handler(request)
        return _served(request)

    return answer


def _served(request: HttpRequest) -> HttpResponse:
    head_only = request.method == "HEAD"
    if head_only:
        request.method = "GET"
    try:
        answer = _dispatched(request)
    except Exception as error:  # noqa: BLE001 - every failure is an answer in the API's form
        answer = problems.response(problem_of(error, request))
    if answer.status_code == 405:
        allowed = answer.headers.get("Allow", "")
        answer = problems.response(
            Problem("method_not_allowed", f"Use one of: {allowed}.", headers={"Allow": allowed})
        )
    allowance = getattr(request, "allowance", None)
    if isinstance(allowance, Allowance):
        _add_limits(answer, allowance)
    answer.headers.setdefault("Cache-Control", "no-store")
    if head_only:
        answer.headers["Content-Length"] = str(len(answer.content))
        answer.content = b""
    return answer


def _dispatched(request: HttpRequest) -> HttpResponse:
    if "\0" in request.path:
        raise Http404
    # The limit of forms is not for us: the server has judged the size already (api.bodies).
    request._body = request.read()
    match = resolve(request.path_info, URLCONF)
    request.resolver_match = match
    answer: HttpResponse = match.func(request, *match.args, **match.kwargs)
    return answer


def _add_limits(answer: HttpResponse, allowance: Allowance) -> None:
    """As in draft-ietf-httpapi-ratelimit-headers."""
    answer.headers["RateLimit-Policy"] = f'"token";q={allowance.limit};w={WINDOW}'
    answer.headers["RateLimit"] = f'"token";r={allowance.remaining};t={allowance.reset}'
