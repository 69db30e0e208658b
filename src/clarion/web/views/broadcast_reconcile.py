"""The equation O2: everybody of a broadcast counted in two ways, on a page and as a file."""

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.broadcasts.reconcile import reconcile
from clarion.insights.reconcile_report import report
from clarion.web.requests import AgentRequest
from clarion.web.shown import name_of
from clarion.web.stream import download
from clarion.web.views.broadcasts import find


@require_safe
def broadcast_reconcile(request: AgentRequest, pk: int) -> HttpResponse:
    """The page: each channel and state, by the rows and by the tallies."""
    broadcast = find(pk)
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "reconciliation": reconcile(pk),
    }
    return render(request, "broadcasts/reconcile.html", context)


@require_safe
def reconcile_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The same as CSV, with how and when each number was counted."""
    broadcast = find(pk)
    chunks = report(broadcast, reconcile(pk))
    audit.note_export(f"reconciliation of broadcast {pk}", request.user)
    return download(chunks, f"broadcast-{pk}-reconciliation.csv")
