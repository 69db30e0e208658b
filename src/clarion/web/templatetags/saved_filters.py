"""The saved filters of a list, beside it; and the addresses that open lists with their default."""

from typing import Any

from django import template
from django.http import HttpRequest
from django.urls import reverse

from clarion.accounts import saved_filters
from clarion.accounts.models import SavedFilter
from clarion.accounts.saved_filters import SavedFilterError

register = template.Library()


@register.inclusion_tag("saved_filters/menu.html", takes_context=True)
def saved_filters_of(context: dict[str, Any], list_name: str) -> dict[str, Any]:
    """The menu of a list: its saved filters, and saving the present one."""
    request = context["request"]
    address = reverse(list_name)
    try:
        query = saved_filters.conditions(list_name, request.GET.urlencode())
    except SavedFilterError:
        query = ""
    filters = [
        {
            "name": saved.name,
            "url": f"{address}?{saved.query}",
            "here": saved.query == query,
            "by": saved.agent.name if saved.agent and saved.agent != request.user else "",
        }
        for saved in saved_filters.visible(request.user).filter(list=list_name)
    ]
    return {
        "request": request,
        "list": list_name,
        "filters": filters,
        "query": query,
        "is_saved": any(saved["here"] for saved in filters),
    }


@register.simple_tag(takes_context=True)
def opened(context: dict[str, Any], list_name: str) -> str:
    """The address of a list with the agent's default filter."""
    return with_default(context["request"], list_name)


def with_default(request: HttpRequest, list_name: str) -> str:
    """The address of a list, with the agent's default filter where it has one."""
    address = reverse(list_name)
    if list_name not in SavedFilter.List.values or not request.user.is_authenticated:
        return address
    if not hasattr(request, "default_filters"):
        request.default_filters = saved_filters.defaults(request.user)  # type: ignore[attr-defined]
    saved = request.default_filters.get(list_name)  # type: ignore[attr-defined]
    return f"{address}?{saved.query}" if saved else address
