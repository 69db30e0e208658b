"""Drafts deleted together: what was ticked in their list, after one question."""

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from clarion.accounts.models import Role
from clarion.broadcasts import control
from clarion.broadcasts.models import Broadcast
from clarion.broadcasts.states import BroadcastState
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest, needs
from clarion.web.shown import name_of
from clarion.web.templatetags.pages import number

MOST = 1_000  # drafts of one request
NAMED = 10  # drafts that the question lists


@needs(Role.SENDER)
@require_safe
def drafts_ask(request: AgentRequest) -> HttpResponse:
    """The question before the ticked drafts are deleted."""
    drafts = list(
        Broadcast.objects.filter(pk__in=_ticked(request.GET), state=BroadcastState.DRAFT).order_by(
            "-pk"
        )
    )
    if not drafts:
        messages.warning(request, _("Select the drafts to delete first."))
        return redirect(_list())
    context = {
        "drafts": drafts,
        "named": [name_of(draft) for draft in drafts[:NAMED]],
        "further": max(0, len(drafts) - NAMED),
        "list_url": _list(),
    }
    return render(request, "broadcasts/ask_drafts.html", context)


@needs(Role.SENDER)
@require_POST
def drafts_delete(request: AgentRequest) -> HttpResponse:
    """Delete the drafts that the question was about."""
    count = control.delete_drafts(_ticked(request.POST), by=request.user)
    sentence = ngettext("%s draft is deleted.", "%s drafts are deleted.", count)
    messages.success(request, sentence % number(count))
    return redirect(_list())


def _ticked(data: QueryDict) -> list[int]:
    texts = data.getlist("draft")[:MOST]
    return [pk for pk in map(parse_id, texts) if pk]


def _list() -> str:
    return f"{reverse('broadcasts')}?section=drafts"
