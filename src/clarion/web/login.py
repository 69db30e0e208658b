"""Logging in and out, and changing one's password: allauth's views in our clothes."""

from typing import Any

from allauth.account import views
from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest
from django.urls import reverse


class InviteOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: an admin adds agents."""

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

    def get_password_change_redirect_url(self, request: HttpRequest) -> str:
        """Back to one's account."""
        return reverse("account")


login = views.LoginView.as_view(template_name="accounts/login.html")
logout = views.LogoutView.as_view(template_name="accounts/logout.html")
inactive = views.AccountInactiveView.as_view(template_name="accounts/inactive.html")
change_password = views.PasswordChangeView.as_view(template_name="accounts/password.html")
reauthenticate = views.ReauthenticateView.as_view(template_name="accounts/reauthenticate.html")
