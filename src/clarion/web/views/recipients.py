"""Everyone a broadcast is for, with where they stand (J2)."""

from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.accounts.models import Role
from clarion.broadcasts import control
from clarion.kit.paging import CursorError
from clarion.records import tallies
from clarion.records.audience import export_recipients
from clarion.records.audience import recipients as recipients_of
from clarion.web.requests import AgentRequest
from clarion.web.shown import name_of
from clarion.web.stream import download
from clarion.web.views.broadcasts import find
from clarion.web.words import DELIVERY_STATES


@require_safe
def recipients(request: AgentRequest, pk: int) -> HttpResponse:
    """The people of a broadcast, all or those in one state."""
    broadcast = find(pk)
    state = request.GET.get("state", "")
    state = state if state in DELIVERY_STATES else ""
    here = reverse("broadcast_recipients", args=[pk])

    def url(**query: str) -> str:
        return f"{here}?{urlencode(query)}" if query else here

    chosen = {"state": state} if state else {}
    cursor = request.GET.get("cursor")
    try:
        page = recipients_of(pk, state=state or None, after=cursor)
    except CursorError:
        return redirect(url(**chosen))
    counts = tallies.counts([pk])[pk]
    tabs = [{"state": "", "url": url(), "count": broadcast.total, "here": not state}] + [
        {"state": name, "url": url(state=name), "count": counts[name], "here": name == state}
        for name in DELIVERY_STATES
        if counts[name] or name == state
    ]
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "page": page,
        "state": state,
        "tabs": tabs,
        "kinds": {channel.name: channel.kind for channel in broadcast.channels.all()},
        "may_release": state == "held"
        and request.user.may(Role.SENDER)
        and "release" in control.actions(broadcast),
        "next_url": url(**chosen, cursor=page.next_cursor) if page.next_cursor else "",
        "first_url": url(**chosen) if cursor else "",
        "export_url": reverse("recipients_export", args=[pk])
        + (f"?state={state}" if state else ""),
    }
    return render(request, "broadcasts/recipients.html", context)


@require_safe
def recipients_export(request: AgentRequest, pk: int) -> HttpResponseBase:
    """The people of a broadcast as CSV, all or those in one state."""
    find(pk)
    state = request.GET.get("state", "")
    state = state if state in DELIVERY_STATES else ""
    zone = timezone.get_current_timezone_name()
    chunks = export_recipients(pk, state or None, zone=zone)
    audit.note_export(f"recipients of broadcast {pk}", request.user, state)
    return download(chunks, f"broadcast-{pk}-recipients.csv")
