"""Saved filters of lists: saved beside the list, and managed on a page of their own."""

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts import saved_filters as filters
from clarion.accounts.models import Agent, SavedFilter
from clarion.accounts.saved_filters import SavedFilterError
from clarion.web.requests import AgentRequest

List = SavedFilter.List


@require_safe
def saved_filters(request: AgentRequest) -> HttpResponse:
    """All filters that this agent sees, by list."""
    defaults = filters.defaults(request.user)
    titles = {
        List.BROADCASTS: _("Broadcasts"),
        List.CONTACTS: _("Contacts"),
        List.RECORDS: _("Records"),
        List.CLICKS: _("Clicks"),
        List.LOGS: _("Logs"),
    }
    visible = list(filters.visible(request.user))
    lists = [
        {
            "name": name.value,
            "title": title,
            "has_default": name.value in defaults,
            "rows": [
                {
                    "saved": saved,
                    "url": f"{reverse(saved.list)}?{saved.query}",
                    "is_default": defaults.get(saved.list) == saved,
                    "may_change": filters.may_change(saved, request.user),
                }
                for saved in visible
                if saved.list == name
            ],
        }
        for name, title in titles.items()
    ]
    context = {"lists": [each for each in lists if each["rows"]]}
    return render(request, "saved_filters/list.html", context)


@require_POST
def saved_filter_new(request: AgentRequest) -> HttpResponse:
    """Save the conditions of a list, and show it with them again."""
    name, query = request.POST.get("list", ""), request.POST.get("query", "")
    if name not in List.values:
        raise Http404
    try:
        saved = filters.save(
            name,
            request.POST.get("name", ""),
            query,
            shared="shared" in request.POST,
            by=request.user,
        )
    except SavedFilterError as error:
        messages.error(request, str(error))
    else:
        query = saved.query
        messages.success(request, _("The filter “%s” is saved.") % saved.name)
    return redirect(f"{reverse(name)}?{query}")


@require_POST
def saved_filter_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Rename, share or delete a filter, or let its list open with it."""
    saved = get_object_or_404(filters.visible(request.user), pk=pk)
    try:
        _act(act, saved, request.POST.get("name", ""), request.user)
    except SavedFilterError as error:
        messages.error(request, str(error))
    return redirect(f"{reverse('saved_filters')}#{saved.list}")


def _act(act: str, saved: SavedFilter, name: str, by: Agent) -> None:
    match act:
        case "rename":
            filters.rename(saved, name, by=by)
        case "share" | "unshare":
            filters.share(saved, act == "share", by=by)
        case "delete":
            filters.delete(saved, by=by)
        case "default":
            filters.set_default(by, saved)
        case _:
            raise Http404(act)


@require_POST
def saved_filter_no_default(request: AgentRequest, name: str) -> HttpResponse:
    """Let a list open without a filter again."""
    filters.clear_default(request.user, name)
    return redirect("saved_filters")
