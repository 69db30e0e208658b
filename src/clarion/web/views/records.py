"""Broadcast Records: filter, page, open one, export."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts import audit
from clarion.channels.models import Channel
from clarion.kit.paging import CursorError, Page
from clarion.records.audience import detail
from clarion.records.export import export_csv
from clarion.records.filters import FilterError, RecordFilter
from clarion.records.reasons import wording_of
from clarion.records.search import search
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
            return redirect(_url(wanted.to_query()))
        page = search(wanted, request.GET.get("cursor"))
    except FilterError as error:
        problems[error.field] = str(error)
    except CursorError:
        return redirect(_url(wanted.to_query()))
    conditions = wanted.to_query()
    context = {
        "page": page,
        "values": _values(request, wanted),
        "problems": problems,
        "wrong": [
            Wrong(text, f"f-{name}" if name in TYPED else "") for name, text in problems.items()
        ],
        "problems_intro": _("These filters can't be applied. Correct them:"),
        "chips": _chips(wanted),
        "clear_url": reverse("records"),
        "channels": Channel.objects.order_by("name"),
        "statuses": RECORD_STATUSES,
        "export_url": reverse("records_export") + (f"?{conditions}" if conditions else ""),
        "next_url": _with_cursor(wanted, page.next_cursor),
        "first_url": _url(conditions) if request.GET.get("cursor") else "",
    }
    return render(request, "records/list.html", context)


def _fields() -> set[str]:
    return set(RecordFilter.model_fields)


def _wanted(request: AgentRequest) -> RecordFilter:
    return RecordFilter.from_query(request.GET, zone=timezone.get_current_timezone_name())


def _url(query: str) -> str:
    return reverse("records") + (f"?{query}" if query else "")


def _with_cursor(wanted: RecordFilter, cursor: str | None) -> str:
    if cursor is None:
        return ""
    return _url("&".join(filter(None, (wanted.to_query(), urlencode({"cursor": cursor})))))


def _values(request: AgentRequest, wanted: RecordFilter) -> dict[str, str]:
    """What stands in the fields: what was typed; moments as their inputs want them."""
    texts = {name: request.GET.get(name, "") for name in _fields()}
    for name in ("after", "before"):
        value = getattr(wanted, name)
        if value:
            layout = "%Y-%m-%dT%H:%M:%S" if value.second else "%Y-%m-%dT%H:%M"
            texts[name] = timezone.localtime(value).strftime(layout)
    return texts


def _chips(wanted: RecordFilter) -> list[dict[str, str]]:
    """The conditions that are set, each with the address of the page without it."""
    labels = {
        "broadcast": _("Broadcast %s"),
        "story": _("Story %s"),
        "story_name": _("Story name contains “%s”"),
        "user": _("User id %s"),
        "name": _("Name contains “%s”"),
        "status": _("Status: %s"),
        "error": _("Error contains “%s”"),
        "cause": _("Error: %s"),
        "after": _("From %s"),
        "before": _("Before %s"),
        "responses": _("Responses %s"),
        "channel": _("Channel %s"),
        "agent": _("Agent %s"),
    }
    empty = RecordFilter()
    return [
        {
            "text": labels[name] % _shown(name, value),
            "without": _url(wanted.model_copy(update={name: getattr(empty, name)}).to_query()),
        }
        for name, value in wanted
        if value not in ("", None)
    ]


def _shown(name: str, value: Any) -> str:
    if name == "status":
        return str(RECORD_STATUSES[value].label)
    if name == "cause":
        return wording_of(value) or str(value)
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "j M Y, H:i")
    return str(value)


@require_safe
def record(request: AgentRequest, pk: int) -> HttpResponse:
    """One record: what exactly was sent, all attempts, and every receipt."""
    attempt = detail(pk)
    if attempt is None:
        raise Http404
    broadcast = attempt.record.broadcast or _("Broadcast %d") % attempt.record.broadcast_id
    context = {
        "detail": attempt,
        "broadcast_name": broadcast,
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
