"""Broadcast Records: filter, page, open one, export."""

from typing import Any

from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.clicks.rows import clicks_of
from clarion.insights.errors import explain_wording
from clarion.records.audience import detail
from clarion.records.export import export_csv
from clarion.records.filters import RecordFilter
from clarion.records.reasons import wording_of
from clarion.records.search import search
from clarion.web.history_filters import condition_chips, list_export, list_page
from clarion.web.requests import AgentRequest
from clarion.web.words import RECORD_STATUSES

_TYPED = (
    "broadcast", "story", "story_name", "user", "name", "error", "after", "before", "responses",
    "agent",
)  # fmt: skip


@require_safe
def records(request: AgentRequest) -> HttpResponse:
    """The records that meet all conditions in the address, newest first."""
    return list_page(
        request, "records", RecordFilter, search, _chips, typed=_TYPED, statuses=RECORD_STATUSES
    )


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
    return list_export(request, "records", RecordFilter, export_csv, "broadcast-records.csv")
