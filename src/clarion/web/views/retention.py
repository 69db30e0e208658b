"""What will be deleted because it is long over, and when (E5)."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clarion.broadcasts import retention as rules
from clarion.kit import clock
from clarion.web.requests import AgentRequest
from clarion.web.shown import name_of

WITHIN = timedelta(days=30)
LISTED = 100


@require_safe
def retention(request: AgentRequest) -> HttpResponse:
    """What goes in the next 30 days, the first to go first."""
    until = clock.now() + WITHIN
    totals = rules.summary(until)
    rows = [
        {
            "broadcast": removal.broadcast,
            "name": name_of(removal.broadcast),
            "goes_at": removal.goes_at,
        }
        for removal in rules.due(until, limit=LISTED)
    ]
    context = {
        "days": rules.days(),
        "totals": totals,
        "rows": rows,
        "unlisted": totals.broadcasts - len(rows),
    }
    return render(request, "broadcasts/retention.html", context)
