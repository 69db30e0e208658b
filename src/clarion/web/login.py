"""Logging in and out, and changing one's password: allauth's views in our clothes."""

import hashlib
from typing import Any, ClassVar, Final

from allauth.account import views
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.signals import password_changed
from django.conf import settings
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.core import signing
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from clarion.accounts import audit, sessions
from clarion.accounts.models import Agent
from clarion.kit import ids
from clarion.web.middleware import Handler

SECOND_STEP: Final = "clarion.web.second_step.SecondStep"
DEVICE: Final = "device"  # the cookie of a browser in which somebody has logged in
_A_YEAR: Final = 365 * 86_400  # seconds
_SHARED_BY: Final = 5  # agents who log in with the same browser


class InviteOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: an admin adds agents."""

    error_messages: ClassVar[dict[str, Any]] = {
        **DefaultAccountAdapter.error_messages,
        "email_password_mismatch": _("The e-mail or the password is wrong."),
        "too_many_login_attempts": _("Too many failed attempts. Wait five minutes and try again."),
        "account_inactive": _("This account is deactivated. Ask an admin to activate it."),
        "incorrect_password": _("The password is wrong."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False

    def add_message(
        self,
        request: HttpRequest,
        level: int,
        message_template: str | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """Say nothing about logging in and out: one sees it."""
        if message_template not in {
            "account/messages/logged_in.txt",
            "account/messages/logged_out.txt",
        }:
            super().add_message(request, level, message_template, *args, **kwargs)

    def get_login_stages(self) -> list[str]:
        """A second factor is asked for, by us."""
        return [SECOND_STEP]

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's account."""
        return reverse("account")

    def get_client_ip(self, request: HttpRequest) -> str:
        """Whom a limit counts for: the browser where this agent has logged in before, else its IP.

        So nobody can lock agents out of their own browsers by failing to log in, whether as them
        or from the same address.
        """
        device = _device(request)
        if device and _mark(request.POST.get("login", "")) in device["agents"]:
            return f"device-{device['id']}"
        return str(super().get_client_ip(request))

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        """Wrong passwords count per agent and client, not per agent alone."""
        key = super()._get_login_attempts_cache_key(request, **credentials)
        return f"{key} {self.get_client_ip(request)}"


def remember_device(handler: Handler) -> Handler:
    """After a log-in, mark the browser as one in which this agent has logged in."""

    def answer(request: HttpRequest) -> HttpResponse:
        response = handler(request)
        agent = getattr(request, "logged_in", None)
        if agent is not None:
            device = _device(request) or {"id": ids.token(16), "agents": []}
            mark = _mark(agent.email)
            others = [other for other in device["agents"] if other != mark]
            device["agents"] = [mark, *others][:_SHARED_BY]
            response.set_cookie(
                DEVICE,
                signing.dumps(device, salt=DEVICE),
                max_age=_A_YEAR,
                path=reverse("account_login"),
                secure=settings.SESSION_COOKIE_SECURE,
                httponly=True,
                samesite="Lax",
            )
        return response

    return answer


def _device(request: HttpRequest) -> dict[str, Any] | None:
    try:
        device = signing.loads(request.COOKIES.get(DEVICE, ""), salt=DEVICE, max_age=_A_YEAR)
    except signing.BadSignature:
        return None
    return device if isinstance(device, dict) else None


def _mark(email: str) -> str:
    return hashlib.sha256(email.strip().lower().encode()).hexdigest()[:16]


@receiver(user_logged_in)
def _note_login(request: HttpRequest, user: Agent, **_: Any) -> None:
    request.logged_in = user  # type: ignore[attr-defined] # for remember_device
    browser = request.META.get("HTTP_USER_AGENT", "")
    sessions.begin(request.session, address=_address(request), browser=browser)
    audit.note("agent.login", f"agent {user.pk}", user, address=_address(request))


@receiver(user_logged_out)
def _note_logout(request: HttpRequest, user: Agent | None, **_: Any) -> None:
    if user is not None:
        audit.note("agent.logout", f"agent {user.pk}", user)


@receiver(password_changed)
def _note_password(request: HttpRequest, user: Agent, **_: Any) -> None:
    """As for a password that is set in another way: noted, and the other sessions are gone."""
    sessions.drop_sessions(user, but=request.session.session_key)
    audit.note("agent.password", f"agent {user.pk}", user)


@receiver(user_login_failed)
def _note_failure(credentials: dict[str, Any], request: HttpRequest | None, **_: Any) -> None:
    """Of agents only: what else is typed may be anything, a password in the wrong field too."""
    agent = Agent.objects.filter(email=str(credentials.get("email", "")).lower()).first()
    if agent is not None and request is not None:
        audit.note(
            "agent.login_failed", f"agent {agent.pk}", audit.STRANGER, address=_address(request)
        )


def _address(request: HttpRequest) -> str:
    return str(request.META.get("REMOTE_ADDR", ""))


_METHODS = ["get", "head", "post"]


class LoginPage(views.LoginView):  # type: ignore[misc]
    """allauth's page without what ours doesn't show: finding no sign-up page took a fifth of it."""

    template_name = "accounts/login.html"
    http_method_names = _METHODS

    def get_context_data(self, **context: Any) -> dict[str, Any]:
        """The form alone."""
        return {"form": context.get("form") or self.get_form()}


login = LoginPage.as_view()
logout = views.LogoutView.as_view(template_name="accounts/logout.html", http_method_names=_METHODS)
inactive = views.AccountInactiveView.as_view(
    template_name="accounts/inactive.html", http_method_names=_METHODS
)
change_password = views.PasswordChangeView.as_view(
    template_name="accounts/password.html", http_method_names=_METHODS
)
reauthenticate = views.ReauthenticateView.as_view(
    template_name="accounts/reauthenticate.html", http_method_names=_METHODS
)
