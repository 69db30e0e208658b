"""Dry runs: what would happen if a draft were sent, and the contacts behind each number (F8)."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.broadcasts.errors import ControlError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.reasons import LEFT_OUT
from clarion.broadcasts.states import BroadcastState
from clarion.engine.dry_runs import control
from clarion.engine.dry_runs.report import export, people
from clarion.engine.dry_runs.report import report as report_of
from clarion.engine.models import DryRun, DryRunGroup
from clarion.engine.status import workers_alive
from clarion.kit.numbers import parse_id
from clarion.kit.paging import CursorError
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import name_of
from clarion.web.stream import download
from clarion.web.views.broadcasts import find


@require_safe
def dry_run(request: AgentRequest, pk: int) -> HttpResponse:
    """The report, how far it is, or how to start one."""
    return render(request, "broadcasts/dry_run.html", _status(find(pk)))


@require_safe
def dry_run_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of it."""
    return fragment(request, "broadcasts/dry_run_report.html", _status(find(pk)))


@needs(Role.SENDER)
@require_POST
def dry_run_start(request: AgentRequest, pk: int) -> HttpResponse:
    """Have a worker render the broadcast for every recipient."""
    try:
        control.order(find(pk), by=request.user)
    except ControlError as error:
        messages.error(request, str(error))
    return redirect("dry_run", pk)


@needs(Role.SENDER)
@require_POST
def dry_run_cancel(request: AgentRequest, pk: int) -> HttpResponse:
    """End a dry run that is under way."""
    if (running := control.latest(find(pk))) is not None:
        control.cancel(running)
    return redirect("dry_run", pk)


@require_safe
def dry_run_people(request: AgentRequest, pk: int) -> HttpResponse:
    """The contacts behind one number."""
    broadcast = find(pk)
    group = _group(request, broadcast)
    here = f"{reverse('dry_run_people', args=[pk])}?{urlencode({'group': group.pk})}"
    cursor = request.GET.get("cursor")
    try:
        page = people(group, cursor)
    except CursorError:
        return redirect(here)
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "group": group,
        "reason": LEFT_OUT.get(group.detail, group.detail),
        "page": page,
        "next_url": f"{here}&{urlencode({'cursor': page.next_cursor})}" if page.next_cursor else "",
        "first_url": here if cursor else "",
    }
    return render(request, "broadcasts/dry_run_people.html", context)


@require_safe
def dry_run_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The contacts behind one number as CSV."""
    group = _group(request, find(pk))
    what = f"dry run of broadcast {pk}"
    audit.note_export(what, request.user, f"{group.kind} {group.detail}".strip())
    return download(export([group]), f"broadcast-{pk}-dry-run-{group.kind}.csv")


def _group(request: AgentRequest, broadcast: Broadcast) -> DryRunGroup:
    number = parse_id(request.GET.get("group", ""))
    if number is None:
        raise Http404
    return get_object_or_404(DryRunGroup, pk=number, dry_run__broadcast=broadcast)


def _status(broadcast: Broadcast) -> dict[str, Any]:
    report = report_of(broadcast)
    is_open = report is not None and report.dry_run.state in DryRun.OPEN
    return {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "report": report,
        "is_open": is_open,
        "is_draft": broadcast.state == BroadcastState.DRAFT,
        "may_start": broadcast.state in control.STATES and not is_open,
        "left_out": LEFT_OUT,
        "no_worker": is_open and not workers_alive(),
    }
