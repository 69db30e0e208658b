"""What is shown when a page can't be: one template, with a title and a text for each error."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from clarion.accounts.models import Agent, Role
from clarion.web.words import ROLES

FRAMED, ALONE = "base.html", "frame.html"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400: the browser sent what the server can't read."""
    text = _("Nothing was changed. Go back and try again.")
    return _page(request, 400, _("The server could not read this request"), text)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: which roles may do this, and which admins to ask."""
    agent = _agent(request)
    allowed = _roles_from(str(exception))
    text = _("Ask an admin to do it.")
    if allowed and agent:
        text = _("Only %(roles)s can do this. Your role is %(mine)s.") % {
            "roles": allowed,
            "mine": ROLES[agent.role],
        }
    admins = Agent.objects.filter(role=Role.ADMIN, is_active=True)[:5] if agent else ()
    return _page(request, 403, _("You don't have access to this"), text, admins=admins)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form was open for too long, or the browser keeps no cookies."""
    text = _(
        "This page was open for too long, or your browser blocks cookies. Nothing was changed. "
        "Go back, reload the page and try again."
    )
    return _page(request, 403, _("Reload the page and try again"), text)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404: mistyped, or deleted."""
    text = _("The address may be wrong, or what was here has been deleted.")
    days = settings.CLARION.retention_days
    if days:
        text += (
            " "
            + ngettext(
                "Broadcasts are deleted %d day after they have finished.",
                "Broadcasts are deleted %d days after they have finished.",
                days,
            )
            % days
        )
    return _page(request, 404, _("Page not found"), text)


def refused(request: HttpRequest, status: int, megabytes: int) -> HttpResponse:
    """What is not even read: too large (413), sent by nobody (403), or too much at once (503)."""
    if status == 413:
        title = _("This is too large")
        text = _(
            "This page accepts %d MB at most. Nothing was saved. Split the file, or choose a "
            "smaller one, and try again."
        )
        return _page(request, status, title, text % megabytes)
    if status == 403:
        text = _("You are no longer logged in. Nothing was saved. Log in, then send it again.")
        return _page(request, status, _("Log in first"), text)
    text = _("Nothing was saved. Try again in a minute.")
    return _page(request, status, _("The server is busy"), text)


def too_many(request: HttpRequest) -> HttpResponse:
    """429: too many log-in attempts."""
    text = _("Wait five minutes, then try again.")
    back = request.get_full_path()
    return _page(request, 429, _("Too many attempts"), text, layout=ALONE, back=back)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: rendered without the request, whose session and database may be what fails."""
    context = {
        "layout": ALONE,
        "title": _("Something went wrong"),
        "text": _(
            "The error is in the server's log. Broadcasts continue to be sent. Try again. If it "
            "happens again, tell the administrator of this server."
        ),
        "back": "/",
    }
    return HttpResponse(render_to_string("error.html", context), status=500)


def _page(request: HttpRequest, status: int, title: str, text: str, **more: Any) -> HttpResponse:
    layout = FRAMED if _agent(request) else ALONE
    context = {"layout": layout, "title": title, "text": text, "back": "/", **more}
    return render(request, "error.html", context, status=status)


def _agent(request: HttpRequest) -> Agent | None:
    user = getattr(request, "user", None)
    return user if isinstance(user, Agent) else None


def _roles_from(role: str) -> str:
    """The roles from this one up, in words: “managers and admins”. Empty for what is no role."""
    roles = {
        Role.VIEWER: _("viewers, senders, managers and admins"),
        Role.SENDER: _("senders, managers and admins"),
        Role.MANAGER: _("managers and admins"),
        Role.ADMIN: _("admins"),
    }
    return next((words for at_least, words in roles.items() if str(at_least.value) == role), "")
