"""Clicks: filter, page, export."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.channels.models import Channel
from clarion.clicks.filters import ClickFilter
from clarion.clicks.links import target_of
from clarion.clicks.rows import export_csv, search
from clarion.kit.paging import CursorError, Page
from clarion.records.filters import FilterError
from clarion.web.history_filters import condition_chips, field_values, page_url, url_at
from clarion.web.requests import AgentRequest
from clarion.web.stream import download
from clarion.web.words import CLICK_KINDS
from clarion.web.wrong import Wrong

_TYPED = (
    "broadcast", "story", "story_name", "user", "name", "url", "after", "before", "agent",
)  # fmt: skip


@require_safe
def clicks(request: AgentRequest) -> HttpResponse:
    """The clicks that meet all conditions in the address, newest first."""
    problems: dict[str, str] = {}
    wanted = ClickFilter()
    page: Page[Any] = Page([])
    try:
        wanted = _wanted(request)
        if "" in request.GET.values():
            return redirect(page_url("clicks", wanted.to_query()))
        page = search(wanted, request.GET.get("cursor"))
    except FilterError as error:
        problems[error.field] = str(error)
    except CursorError:
        return redirect(page_url("clicks", wanted.to_query()))
    conditions = wanted.to_query()
    context = {
        "page": page,
        "values": field_values(request, wanted),
        "problems": problems,
        "wrong": [
            Wrong(text, f"f-{name}" if name in _TYPED else "") for name, text in problems.items()
        ],
        "problems_intro": _("These filters can't be applied. Correct them:"),
        "chips": _chips(wanted),
        "clear_url": reverse("clicks"),
        "channels": Channel.objects.order_by("name"),
        "kinds": CLICK_KINDS,
        "export_url": page_url("clicks_export", conditions),
        "next_url": url_at("clicks", wanted, page.next_cursor),
        "first_url": page_url("clicks", conditions) if request.GET.get("cursor") else "",
    }
    return render(request, "clicks/list.html", context)


def _wanted(request: AgentRequest) -> ClickFilter:
    return ClickFilter.from_query(request.GET, zone=timezone.get_current_timezone_name())


def _chips(wanted: ClickFilter) -> list[dict[str, str]]:
    labels = {
        "link": _("Link: %s"),
        "url": _("Link contains “%s”"),
        "clicked_by": _("Clicked by: %s"),
        "first": _("First click of each contact"),
    }
    return condition_chips("clicks", wanted, labels, _shown)


def _shown(name: str, value: Any) -> str:
    if name == "clicked_by":
        return str(CLICK_KINDS[value].label)
    return target_of(value) or "" if name == "link" else ""


@require_safe
def clicks_export(request: AgentRequest) -> HttpResponseBase:
    """The filtered clicks as CSV, however many."""
    try:
        wanted = _wanted(request)
        chunks = export_csv(wanted, zone=timezone.get_current_timezone_name())
    except FilterError:
        return redirect(f"{reverse('clicks')}?{request.GET.urlencode()}")
    audit.note_export("clicks", request.user, wanted.to_query())
    return download(chunks, "clicks.csv")
