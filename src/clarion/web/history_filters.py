"""What the pages of records and of clicks do alike with the conditions in their address."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar
from urllib.parse import urlencode

from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from clarion.accounts import audit
from clarion.channels.models import Channel
from clarion.kit.paging import CursorError, Page
from clarion.records.filters import FilterError, HistoryFilter
from clarion.web.requests import AgentRequest
from clarion.web.stream import download
from clarion.web.wrong import Wrong

F = TypeVar("F", bound=HistoryFilter)


def list_page(
    request: AgentRequest,
    view: str,
    kind: type[F],
    search: Callable[[F, str | None], Any],
    chips: Callable[[F], list[dict[str, str]]],
    *,
    typed: Collection[str],
    **shown: Any,
) -> HttpResponse:
    """A page of what meets all conditions in the address, newest first: ``<view>/list.html``.

    ``typed``: the conditions that have a field of their own. ``shown``: what else the template
    shows. An address with empty conditions, or a wrong cursor, leads to the one without.
    """
    problems: dict[str, str] = {}
    wanted = kind()
    page: Any = Page([])
    try:
        wanted = _wanted(request, kind)
        if "" in request.GET.values():
            return redirect(page_url(view, wanted.to_query()))
        page = search(wanted, request.GET.get("cursor"))
    except FilterError as error:
        problems[error.field] = str(error)
    except CursorError:
        return redirect(page_url(view, wanted.to_query()))
    conditions = wanted.to_query()
    context = {
        "page": page,
        "values": field_values(request, wanted),
        "problems": problems,
        "wrong": [
            Wrong(text, f"f-{name}" if name in typed else "") for name, text in problems.items()
        ],
        "problems_intro": _("These filters can't be applied. Correct them:"),
        "chips": chips(wanted),
        "clear_url": reverse(view),
        "channels": Channel.objects.order_by("name"),
        "export_url": page_url(f"{view}_export", conditions),
        "next_url": url_at(view, wanted, page.next_cursor),
        "first_url": page_url(view, conditions) if request.GET.get("cursor") else "",
        **shown,
    }
    return render(request, f"{view}/list.html", context)


def list_export(
    request: AgentRequest,
    view: str,
    kind: type[F],
    export: Callable[..., Iterator[bytes]],
    file: str,
) -> HttpResponseBase:
    """What meets the conditions in the address as CSV; the page, where one of them is wrong."""
    try:
        wanted = _wanted(request, kind)
        chunks = export(wanted, zone=timezone.get_current_timezone_name())
    except FilterError:
        return redirect(f"{reverse(view)}?{request.GET.urlencode()}")
    audit.note_export(view, request.user, wanted.to_query())
    return download(chunks, file)


def _wanted(request: AgentRequest, kind: type[F]) -> F:
    return kind.from_query(request.GET, zone=timezone.get_current_timezone_name())


def page_url(view: str, query: str) -> str:
    """The address of a list with a query string."""
    return reverse(view) + (f"?{query}" if query else "")


def url_at(view: str, wanted: HistoryFilter, cursor: str | None) -> str:
    """The address of the list at a cursor; empty without one."""
    if cursor is None:
        return ""
    return page_url(
        view, "&".join(filter(None, (wanted.to_query(), urlencode({"cursor": cursor}))))
    )


def field_values(request: AgentRequest, wanted: HistoryFilter) -> dict[str, str]:
    """What stands in the fields: what was typed; moments as their inputs want them."""
    texts = {name: request.GET.get(name, "") for name in type(wanted).model_fields}
    for name in ("after", "before"):
        value = getattr(wanted, name)
        if value:
            layout = "%Y-%m-%dT%H:%M:%S" if value.second else "%Y-%m-%dT%H:%M"
            texts[name] = timezone.localtime(value).strftime(layout)
    return texts


def condition_chips(
    view: str,
    wanted: HistoryFilter,
    labels: Mapping[str, str],
    shown: Callable[[str, Any], str] | None = None,
) -> list[dict[str, str]]:
    """The conditions that are set, each with the address of the page without it.

    ``labels``: what a chip says, with a place for the value, by condition, beside those that all
    lists have. ``shown``: a value in words, or "" for as it is.
    """
    words = {
        "broadcast": _("Broadcast %s"),
        "story": _("Story %s"),
        "story_name": _("Story name contains “%s”"),
        "user": _("User id %s"),
        "name": _("Name contains “%s”"),
        "after": _("From %s"),
        "before": _("Before %s"),
        "channel": _("Channel %s"),
        "agent": _("Agent %s"),
        **labels,
    }
    empty = type(wanted)()
    chips = []
    for name, value in wanted:
        if value in ("", None):
            continue
        text = (shown(name, value) if shown else "") or _as_text(value)
        without = wanted.model_copy(update={name: getattr(empty, name)}).to_query()
        label = words[name]
        chips.append(
            {"text": label % text if "%s" in label else label, "without": page_url(view, without)}
        )
    return chips


def _as_text(value: Any) -> str:
    if isinstance(value, datetime):
        return formats.date_format(timezone.localtime(value), "j M Y, H:i")
    return str(value)
