"""Who asks: requests behind the log-in, and the role that a view needs."""

from collections.abc import Callable
from functools import wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest
from django_htmx.middleware import HtmxDetails

from clarion.accounts.models import Agent

View = TypeVar("View", bound=Callable[..., Any])


class AgentRequest(HttpRequest):
    """A request that has passed ``login_first``."""

    user: Agent
    htmx: HtmxDetails


def needs(role: str) -> Callable[[View], View]:
    """Let a view answer only agents whose role includes ``role``; others get the 403 page."""

    def decorate(view: View) -> View:
        if iscoroutinefunction(view):

            @wraps(view)
            async def guarded_async(request: AgentRequest, *args: Any, **kwargs: Any) -> Any:
                agent = cast(Agent, await request.auser())
                _refuse(agent, role)
                return await view(request, *args, **kwargs)

            return cast(View, guarded_async)

        @wraps(view)
        def guarded(request: AgentRequest, *args: Any, **kwargs: Any) -> Any:
            _refuse(request.user, role)
            return view(request, *args, **kwargs)

        return cast(View, guarded)

    return decorate


def _refuse(agent: Agent, role: str) -> None:
    if not agent.may(role):
        raise PermissionDenied(role)
