"""People ticked by hand (A2): a part of the page of a draft, and a page of its own."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from clarion.accounts.models import Role
from clarion.broadcasts import picker as picks_of_draft
from clarion.broadcasts.errors import PicksError
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.contacts.models import Tag
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest, needs
from clarion.web.templatetags.pages import number

LISTS = "picker-lists"  # the part that changes with every tick
KEPT = ("picker_q", "picker_tag", "picker_after", "picker_from")
CLEARED = "picker_cleared"  # in the session: [draft, address ids]
MOST_AT_ONCE = 1_000  # addresses of one request


@needs(Role.SENDER)
@require_safe
def picker(request: AgentRequest, pk: int) -> HttpResponse:
    """Search people, and see who is ticked."""
    draft = get_object_or_404(Broadcast, pk=pk)
    if draft.state != BroadcastState.DRAFT:
        url = reverse("broadcast", args=[pk])
        if request.htmx:
            return HttpResponseClientRedirect(url)
        messages.warning(request, _("Only a draft can be edited. Undo it first."))
        return redirect(url)
    context = _lists(request, draft, request.GET)
    if request.htmx and request.GET.get("picker_on") == ",".join(map(str, context["channels"])):
        return HttpResponse(status=204)  # the page was saved, with the same channels as before
    template = "broadcasts/picker_page.html"
    if request.htmx:
        only_lists = request.htmx.target == LISTS
        template = f"broadcasts/picker{'_lists' if only_lists else ''}.html"
    return render(request, template, context)


@needs(Role.SENDER)
@require_POST
def picker_act(request: AgentRequest, pk: int, act: str) -> HttpResponse:
    """Tick, untick, tick all that were found, clear, or take the clearing back."""
    draft = get_object_or_404(Broadcast, pk=pk)
    acts = {"tick": _tick, "untick": _untick, "all": _all, "clear": _clear, "undo": _undo}
    if act not in acts:
        raise Http404(act)
    try:
        result = acts[act](request, draft)
    except PicksError as error:
        result = {"problem": str(error)}
    if not request.htmx and "ask" not in result:
        if result.get("problem"):
            messages.error(request, result["problem"])
        query = urlencode({name: request.POST[name] for name in KEPT if request.POST.get(name)})
        return redirect(f"{reverse('picker', args=[pk])}?{query}")
    context = _lists(request, draft, request.POST) | result
    if not request.htmx:
        return render(request, "broadcasts/picker_page.html", context)
    response = render(request, "broadcasts/picker_lists.html", context)
    # The page of the draft counts its audience anew.
    return trigger_client_event(response, "picked")


def _tick(request: AgentRequest, draft: Broadcast) -> dict[str, Any]:
    picks_of_draft.tick(draft, _addresses(request))
    return {}


def _untick(request: AgentRequest, draft: Broadcast) -> dict[str, Any]:
    ids = _addresses(request)
    picks_of_draft.untick(draft, ids)
    return {"removed": ids}


def _all(request: AgentRequest, draft: Broadcast) -> dict[str, Any]:
    q, tag = _asked(request.POST)
    if "confirmed" not in request.POST:
        count = picks_of_draft.count_found(draft, q, tag)
        if count > picks_of_draft.ASKS:
            return {"ask": "all", "ask_count": count}
    added = picks_of_draft.tick_found(draft, q, tag)
    sentence = ngettext("%s more contact is selected.", "%s more contacts are selected.", added)
    return {"notice": sentence % number(added)}


def _clear(request: AgentRequest, draft: Broadcast) -> dict[str, Any]:
    count = draft.picks.count()
    if count > picks_of_draft.ASKS and "confirmed" not in request.POST:
        return {"ask": "clear", "ask_count": count}
    request.session[CLEARED] = [draft.pk, picks_of_draft.clear(draft)]
    return {"cleared": count if count <= picks_of_draft.ASKS else 0}


def _undo(request: AgentRequest, draft: Broadcast) -> dict[str, Any]:
    cleared, ids = request.session.pop(CLEARED, (None, []))
    if cleared != draft.pk:
        return {"problem": _("There is nothing left to undo.")}
    picks_of_draft.tick(draft, ids)
    return {}


def _addresses(request: AgentRequest) -> list[int]:
    texts = request.POST.getlist("address")[:MOST_AT_ONCE]
    return [number for number in map(parse_id, texts) if number]


def _asked(data: QueryDict) -> tuple[str, Tag | None]:
    tag = Tag.objects.filter(pk=parse_id(data.get("picker_tag", "")) or 0).first()
    return data.get("picker_q", "").strip()[:200], tag


def _lists(request: AgentRequest, draft: Broadcast, data: QueryDict) -> dict[str, Any]:
    q, tag = _asked(data)
    after, picked_from = (parse_id(data.get(name, "")) for name in ("picker_after", "picker_from"))
    page = picks_of_draft.search_contacts(draft, q, tag, after)
    count = len(page.rows)
    if page.next or after:
        count = picks_of_draft.count_found(draft, q, tag, most=picks_of_draft.ASKS + 1)
    selected = draft.picks.count()
    return {
        "draft": draft,
        "q": q,
        "tag": tag,
        "tags": list(Tag.objects.filter(taggings__isnull=False).distinct().order_by("name")),
        "after": after,
        "picked_from": picked_from,
        "page": page,
        "found_count": count,
        "found_many": count > picks_of_draft.ASKS,
        "selected": picks_of_draft.picked_contacts(draft, picked_from),
        "selected_count": selected,
        "selected_many": selected > picks_of_draft.ASKS,
        "channels": list(draft.channels.order_by("pk").values_list("pk", flat=True)),
        "whole_page": not request.htmx,
        "button": "button" if request.htmx else "submit",  # without JavaScript they submit a form
    }
