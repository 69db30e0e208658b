"""What happens around every page."""

from collections.abc import Callable
from urllib.parse import urlencode

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils import timezone
from django_htmx.http import HttpResponseClientRedirect

from clarion.accounts.sessions import note_use
from clarion.web.assets import PREFIX

Handler = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(
    (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
OPEN_TO_ALL = (
    "/account/login/",
    "/account/inactive/",
    "/account/second-step/",
    "/account/set-password/",
    PREFIX,
    "/hooks/",
    "/media/",
)


def content_security_policy(handler: Handler) -> Handler:
    """Nothing inline, nothing from other hosts."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = handler(request)
        response.headers.setdefault("Content-Security-Policy", POLICY)
        return response

    return answer


def login_first(handler: Handler) -> Handler:
    """Everything but the log-in page, providers' callbacks and unsubscribing needs an agent."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.path.startswith(OPEN_TO_ALL):
            return handler(request)
        if not request.user.is_authenticated:
            return _to_login(request)
        note_use(request.session)
        response = handler(request)
        # After logging out, the Back button must not show people's names again.
        response.headers.setdefault("Cache-Control", "private, no-store")
        return response

    return answer


def _to_login(request: HttpRequest) -> HttpResponse:
    login = resolve_url(settings.LOGIN_URL)
    if request.headers.get("HX-Request"):
        # A redirect would put the log-in page into a corner of the page that is open.
        return HttpResponseClientRedirect(login)
    if request.method == "GET" and request.path != "/":
        login += "?" + urlencode({"next": request.get_full_path()})
    return HttpResponseRedirect(login)


def agent_time_zone(handler: Handler) -> Handler:
    """Show times in the agent's zone."""

    def answer(request: HttpRequest) -> HttpResponse:
        if not request.user.is_authenticated:
            return handler(request)
        with timezone.override(request.user.time_zone):
            return handler(request)

    return answer
