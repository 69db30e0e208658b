"""Broadcasts: the live list, one of them, and control over it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Agent, Role
from clarion.broadcasts import control, history, launch
from clarion.broadcasts.models import Broadcast
from clarion.engine.status import workers_alive
from clarion.kit import clock
from clarion.records.reconcile import reconcile
from clarion.records.search import RecordFilter, search
from clarion.web.advice import with_advice
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import audience_words, name_of, shown, speed
from clarion.web.words import DELIVERY_STATES

SECTION_NAMES = ("active", "scheduled", "completed", "drafts")
LATEST = 8  # records on the page of a broadcast
UNDO_WINDOW = 600  # seconds: a start this near is counted down


@require_safe
def broadcasts(request: AgentRequest) -> HttpResponse:
    """The sections with their broadcasts, newest first."""
    return render(request, "broadcasts/list.html", _listed(request))


@require_safe
def broadcasts_live(request: AgentRequest) -> HttpResponse:
    """The moving part of the list."""
    return fragment(request, "broadcasts/rows.html", _listed(request))


def _listed(request: AgentRequest) -> dict[str, Any]:
    q = request.GET.get("q", "").replace("\x00", "").strip()
    sizes = history.section_sizes(q)
    section = request.GET.get("section", "")
    if section not in SECTION_NAMES:
        section = next((name for name in SECTION_NAMES if sizes[name]), "active")
    after = request.GET.get("after", "")
    page = history.section(section, q=q, after=int(after) if after.isdecimal() else None)
    titles = (_("Active"), _("Scheduled"), _("Completed"), _("Drafts"))
    tabs = [
        {"title": title, "url": _url(name, q), "size": sizes[name], "here": name == section}
        for name, title in zip(SECTION_NAMES, titles, strict=True)
    ]
    return {
        "section": section,
        "q": q,
        "tabs": tabs,
        "anything": q or any(sizes.values()),
        "rows": shown(page.broadcasts),
        "live_url": _url(section, q, after, place="broadcasts_live"),
        "next_url": _url(section, q, page.after) if page.after else "",
        "first_url": _url(section, q) if after else "",
    }


def _url(section: str, q: str, after: object = "", place: str = "broadcasts") -> str:
    query = {"section": section, "q": q, "after": after}
    return f"{reverse(place)}?{urlencode({k: v for k, v in query.items() if v})}"


@require_safe
def broadcast(request: AgentRequest, pk: int) -> HttpResponse:
    """One broadcast: how it stands, in numbers that move."""
    found = _get(pk)
    context = {**_standing(found), "text": found.text, "audience": audience_words(found)}
    return render(request, "broadcasts/one.html", context)


@require_safe
def broadcast_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The moving part of the page of a broadcast."""
    return fragment(request, "broadcasts/standing.html", _standing(_get(pk)))


def _get(pk: int) -> Broadcast:
    found = Broadcast.objects.select_related("agent").prefetch_related("channels")
    return get_object_or_404(found, pk=pk)


def _standing(found: Broadcast) -> dict[str, Any]:
    (b,) = shown([found])
    starts_in = (
        (found.scheduled_at - clock.now()).total_seconds()
        if found.state == "scheduled" and found.scheduled_at
        else None
    )
    numbers = [
        {"state": state, "count": b[state], "meaning": word.meaning, "tone": word.tone}
        for state, word in DELIVERY_STATES.items()
        if b[state] or state in {"queued", "sent", "failed"}
    ]
    moving = found.state in {"scheduled", "sending"}
    return {
        "b": b,
        "broadcast": found,
        "name": name_of(found),
        "actions": control.actions(found),
        "numbers": numbers,
        "soon": starts_in is not None and starts_in < UNDO_WINDOW,
        "no_engine": moving and not workers_alive(),
        **(speed(b) if found.state == "sending" else {}),
    }


@require_safe
def broadcast_details(request: AgentRequest, pk: int) -> HttpResponse:
    """Errors by cause, and the newest records: the slower part of the page."""
    found = _get(pk)
    context = {
        "broadcast": found,
        "causes": with_advice(found.pk),
        "rows": search(RecordFilter(broadcast=found.pk), limit=LATEST).rows,
    }
    return fragment(request, "broadcasts/details.html", context)


@require_safe
def broadcast_reconcile(request: AgentRequest, pk: int) -> HttpResponse:
    """The equation O2, counted from the rows and from the tallies."""
    context = {"reconciliation": reconcile(_get(pk).pk)}
    return render(request, "broadcasts/reconciled.html", context)


Act = Callable[[Broadcast, Agent], object]
ACTS: dict[str, Act] = {
    "undo": lambda found, by: launch.undo(found, by=by),
    "accept_missed": lambda found, by: control.accept_missed(found, by=by),
    "pause": lambda found, by: control.pause(found, by=by),
    "resume": lambda found, by: control.resume(found, by=by),
    "stop": lambda found, by: control.stop(found, by=by),
    "delete": lambda found, by: control.delete(found, by=by),
}


@needs(Role.SENDER)
@require_POST
def broadcast_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Undo, pause, resume, stop, delete, or send a missed one after all."""
    if act not in ACTS:
        raise Http404(act)
    found = _get(pk)
    try:
        ACTS[act](found, request.user)
    except ValueError as error:  # what rooms raise for a person's mistake
        messages.error(request, str(error))
        return redirect("broadcast", pk)
    if act == "undo":
        messages.success(request, _("It is a draft again: nothing was sent."))
        return redirect("broadcast_edit", pk)
    if act == "delete":
        messages.success(request, _("“%s” is deleted.") % name_of(found))
        return redirect("broadcasts")
    return redirect("broadcast", pk)


@needs(Role.SENDER)
@require_POST
def broadcast_restart(request: AgentRequest, pk: int) -> HttpResponse:
    """Send again to those who failed or were left out, as a new broadcast."""
    try:
        fresh = control.restart(
            _get(pk), by=request.user, in_doubt=request.POST.get("in_doubt") == "on"
        )
    except (control.ControlError, launch.LaunchError) as error:
        messages.error(request, str(error))
        return redirect("broadcast", pk)
    return redirect("broadcast", fresh.pk)
