"""Broadcast Records: filter, page, open one, export."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.channels.models import Channel
from clarion.clicks.rows import clicks_of
from clarion.insights.errors import explain_wording
from clarion.kit.paging import CursorError, Page
from clarion.records.audience import detail
from clarion.records.export import export_csv
from clarion.records.filters import FilterError, RecordFilter
from clarion.records.reasons import wording_of
from clarion.records.search import search
from clarion.web.history_filters import condition_chips, field_values, page_url, url_at
from clarion.web.requests import AgentRequest
from clarion.web.stream import download
from clarion.web.words import RECORD_STATUSES
from clarion.web.wrong import Wrong

TYPED = (
    "broadcast",
    "story",
    "story_name",
    "user",
    "name",
    "error",
    "after",
    "before",
    "responses",
    "agent",
)


@require_safe
def records(request: AgentRequest) -> HttpResponse:
    """The records that meet all conditions in the address, newest first."""
    problems: dict[str, str] = {}
    wanted = RecordFilter()
    page: Page[Any] = Page([])
    try:
        wanted = _wanted(request)
        if "" in request.GET.values():
            return redirect(page_url("records", wanted.to_query()))
        page = search(wanted, request.GET.get("cursor"))
    except FilterError as error:
        problems[error.field] = str(error)
    except CursorError:
        return redirect(page_url("records", wanted.to_query()))
    conditions = wanted.to_query()
    context = {
        "page": page,
        "values": field_values(request, wanted),
        "problems": problems,
        "wrong": [
            Wrong(text, f"f-{name}" if name in TYPED else "") for name, text in problems.items()
        ],
        "problems_intro": _("These filters can't be applied. Correct them:"),
        "chips": _chips(wanted),
        "clear_url": reverse("records"),
        "channels": Channel.objects.order_by("name"),
        "statuses": RECORD_STATUSES,
        "export_url": page_url("records_export", conditions),
        "next_url": url_at("records", wanted, page.next_cursor),
        "first_url": page_url("records", conditions) if request.GET.get("cursor") else "",
    }
    return render(request, "records/list.html", context)


def _wanted(request: AgentRequest) -> RecordFilter:
    return RecordFilter.from_query(request.GET, zone=timezone.get_current_timezone_name())


def _chips(wanted: RecordFilter) -> list[dict[str, str]]:
    labels = {
        "status": _("Status: %s"),
        "error": _("Error contains “%s”"),
        "cause": _("Error: %s"),
        "responses": _("Responses %s"),
    }
    return condition_chips("records", wanted, labels, _shown)


def _shown(name: str, value: Any) -> str:
    if name == "status":
        return str(RECORD_STATUSES[value].label)
    return wording_of(value) if name == "cause" else ""


@require_safe
def record(request: AgentRequest, pk: int) -> HttpResponse:
    """One record: what exactly was sent, all attempts, and every receipt."""
    attempt = detail(pk)
    if attempt is None:
        raise Http404
    broadcast = attempt.record.broadcast or _("Broadcast %d") % attempt.record.broadcast_id
    context = {
        "detail": attempt,
        "clicks": clicks_of(attempt.record.delivery_id),
        "broadcast_name": broadcast,
        "explained": explain_wording(attempt.record.code, attempt.record.error),
        "reported_at": next((r.at for r in attempt.receipts if r.status == "failed"), None),
    }
    return render(request, "records/one.html", context)


@require_safe
def records_export(request: AgentRequest) -> HttpResponseBase:
    """The filtered records as CSV, however many."""
    try:
        wanted = _wanted(request)
        chunks = export_csv(wanted, zone=timezone.get_current_timezone_name())
    except FilterError:
        return redirect(f"{reverse('records')}?{request.GET.urlencode()}")
    audit.note_export("records", request.user, wanted.to_query())
    return download(chunks, "broadcast-records.csv")
