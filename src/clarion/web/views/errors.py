"""What is shown when a page can't be."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from clarion.accounts.models import Agent, Role
from clarion.web.words import ROLES


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: which role it needs, and whom to ask."""
    agent = request.user if isinstance(request.user, Agent) else None
    context = {
        "role": ROLES.get(str(exception)),
        "mine": ROLES[agent.role] if agent else "",
        "admins": Agent.objects.filter(role=Role.ADMIN, is_active=True)[:5] if agent else (),
    }
    return render(request, "403.html", context, status=403)
