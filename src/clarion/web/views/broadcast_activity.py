"""What happened to a broadcast, and who received what: newest first, followed live (J5)."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.broadcasts import history
from clarion.insights.activity import GROUPS, Activity, activity
from clarion.insights.merged import Span
from clarion.kit.paging import CursorError
from clarion.web import event_words
from clarion.web.live import fragment
from clarion.web.moments import asked_span
from clarion.web.requests import AgentRequest
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find
from clarion.web.wrong import Wrong


@require_safe
def broadcast_activity(request: AgentRequest, pk: int) -> HttpResponse:
    """The tab: filters, and a page of the list."""
    broadcast = find(pk)
    try:
        context = _listed(request, pk, request.GET.get("cursor"))
    except CursorError:
        return redirect("broadcast_activity", pk)
    return render(request, "broadcasts/activity.html", frame(broadcast, "activity") | context)


@require_safe
def broadcast_activity_live(request: AgentRequest, pk: int) -> HttpResponse:
    """The first page of the list alone, which its page asks for while it is open."""
    context = {"broadcast": find(pk)} | _listed(request, pk, None)
    return fragment(request, "broadcasts/activity_list.html", context)


def _listed(request: AgentRequest, pk: int, cursor: str | None) -> dict[str, Any]:
    group = request.GET.get("group", "")
    texts, moments, problems = asked_span(request.GET)
    query = {"group": group if group in GROUPS else "", **texts}
    page = activity(pk, Span(query["group"], **moments), cursor)
    return {
        "lines": _lines(page.rows),
        "groups": [
            {"title": title, "url": _url(pk, query | {"group": name}), "here": name == group}
            for name, title in {"": _("All"), **event_words.GROUPS}.items()
        ],
        "query": query,
        "problems": problems,
        "wrong": [Wrong(text, f"f-{name}") for name, text in problems.items()],
        "problems_intro": _("These filters can’t be applied. Correct them:"),
        "chips": _chips(pk, query, moments),
        "clear_url": _url(pk, {"group": query["group"]}),
        "filtered": bool(query["group"] or any(moments.values())),
        "is_first": cursor is None,
        "live_url": _url(pk, query, view="broadcast_activity_live"),
        "next_url": _url(pk, query | {"cursor": page.next_cursor}) if page.next_cursor else "",
        "first_url": _url(pk, query) if cursor else "",
    }


def _url(pk: int, query: dict[str, Any], view: str = "broadcast_activity") -> str:
    parameters = urlencode({name: value for name, value in query.items() if value})
    return reverse(view, args=[pk]) + (f"?{parameters}" if parameters else "")


def _chips(
    pk: int, query: dict[str, str], moments: dict[str, datetime | None]
) -> list[dict[str, str]]:
    words = {"since": _("From %s"), "until": _("Before %s")}
    return [
        {
            "text": words[name] % formats.date_format(timezone.localtime(moment), "j M Y, H:i"),
            "without": _url(pk, query | {name: ""}),
        }
        for name, moment in moments.items()
        if moment
    ]


def _lines(activities: list[Activity]) -> list[dict[str, Any]]:
    """What the list shows of each line; events with the broadcasts that they lead to."""
    links = {
        key: activity.detail[name]
        for key, activity in enumerate(activities)
        for name in event_words.LINKS
        if activity.detail and isinstance(activity.detail.get(name), int)
    }
    existing = set(history.visible().filter(pk__in=links.values()).values_list("pk", flat=True))
    return [
        {"id": ".".join(map(str, activity.key)), "at": activity.at, "record": activity.record}
        if activity.record
        else _event(activity, existing)
        for activity in activities
    ]


def _event(activity: Activity, existing: set[int]) -> dict[str, Any]:
    kind = event_words.KINDS[activity.kind]
    detail = activity.detail or {}
    return {
        "id": ".".join(map(str, activity.key)),
        "at": activity.at,
        "title": kind.title,
        "icon": kind.icon,
        "tone": kind.tone,
        "more": kind.more(detail),
        "reason": detail.get("reason", "") or detail.get("left_out", ""),
        "channel": detail.get("channel", ""),
        "chat": detail.get("chat"),
        "actor": activity.actor,
        "links": [
            {"words": words, "id": detail[name], "there": detail[name] in existing}
            for name, words in event_words.LINKS.items()
            if isinstance(detail.get(name), int)
        ],
    }
