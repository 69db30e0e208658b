"""The consents that a broadcast requires (J3)."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clarion.insights.permissions import permissions
from clarion.web.requests import AgentRequest
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find


@require_safe
def broadcast_consents(request: AgentRequest, pk: int) -> HttpResponse:
    """Which consents it requires, how many have them, and how many were left out."""
    broadcast = find(pk)
    context = frame(broadcast, "consents") | {"permissions": permissions(broadcast)}
    return render(request, "broadcasts/consents.html", context)
