"""Clicks and opened e-mails: filter, page, export."""

from typing import Any

from django.http import HttpResponse, HttpResponseBase
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.clicks.filters import ClickFilter
from clarion.clicks.links import target_of
from clarion.clicks.rows import export_csv, search
from clarion.web.history_filters import condition_chips, list_export, list_page
from clarion.web.requests import AgentRequest
from clarion.web.words import CLICK_KINDS

_TYPED = (
    "broadcast", "story", "story_name", "user", "name", "url", "after", "before", "agent",
)  # fmt: skip


@require_safe
def clicks(request: AgentRequest) -> HttpResponse:
    """The clicks or opens that meet all conditions in the address, newest first."""
    return list_page(
        request, "clicks", ClickFilter, search, _chips, typed=_TYPED, kinds=CLICK_KINDS
    )


def _chips(wanted: ClickFilter) -> list[dict[str, str]]:
    labels = {
        "event": _("Event: %s"),
        "link": _("Link: %s"),
        "url": _("Link contains “%s”"),
        "clicked_by": _("Done by: %s"),
        "first": _("First of each contact"),
    }
    return condition_chips("clicks", wanted, labels, _shown)


def _shown(name: str, value: Any) -> str:
    if name == "event":
        return _("E-mail opened")
    if name == "clicked_by":
        return str(CLICK_KINDS[value].label)
    return target_of(value) or "" if name == "link" else ""


@require_safe
def clicks_export(request: AgentRequest) -> HttpResponseBase:
    """The filtered clicks as CSV, however many."""
    return list_export(request, "clicks", ClickFilter, export_csv, "clicks.csv")
