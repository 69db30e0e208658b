"""Logs: every sending operation, and the chats of one: successful, failed, each in detail (H)."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.broadcasts import history
from clarion.broadcasts.history import Sought
from clarion.clicks.rows import clicks_of
from clarion.insights.errors import explain_wording
from clarion.kit.numbers import parse_id
from clarion.kit.paging import CursorError
from clarion.records.audience import Wanted, place
from clarion.records.audience import recipients as recipients_of
from clarion.records.states import COMPLETED, DeliveryState
from clarion.web.live import fragment
from clarion.web.requests import AgentRequest
from clarion.web.shown import audience_words, name_of, shown
from clarion.web.views.broadcasts import find

# The lists of one operation: the states of the chats in them.
LISTS: dict[str, tuple[str, ...]] = {
    "successful": tuple(COMPLETED),
    "delivered": (DeliveryState.DELIVERED.value, DeliveryState.READ.value),
    "read": (DeliveryState.READ.value,),
    "failed": (DeliveryState.FAILED.value,),
}

# States that are neither successful nor failed.
REST = ("held", "in_doubt", "unsent", "skipped")


@require_safe
def logs(request: AgentRequest) -> HttpResponse:
    """All operations with their numbers, newest first."""
    return render(request, "logs/list.html", _listed(request))


@require_safe
def logs_live(request: AgentRequest) -> HttpResponse:
    """The moving part of the list."""
    return fragment(request, "logs/rows.html", _listed(request))


def _listed(request: AgentRequest) -> dict[str, Any]:
    q = request.GET.get("q", "").replace("\x00", "").strip()
    after = parse_id(request.GET.get("after", ""))
    page = history.operations(Sought(q=q), after=after)
    return {
        "q": q,
        "rows": shown(page.broadcasts),
        "live_url": _url("logs_live", q=q, after=after),
        "next_url": _url("logs", q=q, after=page.after) if page.after else "",
        "first_url": _url("logs", q=q) if after else "",
    }


def _url(view: str, *args: int, **query: Any) -> str:
    parameters = urlencode({name: value for name, value in query.items() if value})
    return reverse(view, args=args) + (f"?{parameters}" if parameters else "")


@require_safe
def log(request: AgentRequest, pk: int) -> HttpResponse:
    """One operation: its facts, and its successful or failed chats."""
    broadcast = find(pk)
    (b,) = shown([broadcast])
    chosen = request.GET.get("list", "")
    if chosen not in LISTS:
        chosen = "failed" if b["failed"] and not b["completed"] else "successful"
    cursor = request.GET.get("cursor")
    try:
        page = recipients_of(pk, Wanted(LISTS[chosen]), cursor)
    except CursorError:
        return redirect("log", pk)
    lists = {
        "successful": (_("Successful chats"), b["completed"]),
        "delivered": (_("Delivered"), b["arrived"]),
        "read": (_("Read"), b["read"]),
        "failed": (_("Failed chats"), b["failed"]),
    }
    channels = list(broadcast.channels.order_by("name"))
    context = {
        "broadcast": broadcast,
        "b": b,
        "name": name_of(broadcast),
        "audience": audience_words(broadcast),
        "channels": channels,
        "kinds": {channel.name: channel.kind for channel in channels},
        "list": chosen,
        "rest": [(state, b[state]) for state in REST if b[state]],
        "tabs": [
            {
                "title": title,
                "url": _url("log", pk, list=name),
                "count": count,
                "here": name == chosen,
            }
            for name, (title, count) in lists.items()
            if b.get(f"reports_{name}", True) or name == chosen
        ],
        "page": page,
        "next_url": _url("log", pk, list=chosen, cursor=page.next_cursor)
        if page.next_cursor
        else "",
        "first_url": _url("log", pk, list=chosen) if cursor else "",
    }
    return render(request, "logs/one.html", context)


@require_safe
def log_chat(request: AgentRequest, pk: int, delivery: int) -> HttpResponse:
    """What one chat was sent by an operation, each attempt and every receipt."""
    broadcast = find(pk)
    delivery_log = place(pk, delivery)
    if delivery_log is None:
        raise Http404
    context = {
        "broadcast": broadcast,
        "name": name_of(broadcast),
        "detail": delivery_log,
        "explained": explain_wording(delivery_log.delivery.code, delivery_log.delivery.error),
        "clicks": clicks_of(delivery),
    }
    return render(request, "logs/chat.html", context)
