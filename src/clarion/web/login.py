"""Logging in."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InviteOnly(DefaultAccountAdapter):  # type: ignore[misc]
    """Nobody signs up: an admin adds agents."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        """Never."""
        return False
