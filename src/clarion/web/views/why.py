"""Why one contact got a broadcast, or did not."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.accounts.models import Role
from clarion.broadcasts import history
from clarion.contacts.models import Contact
from clarion.contacts.search import contact_list
from clarion.engine.exchange import exchanges_of
from clarion.insights.why import why as explain
from clarion.kit.numbers import parse_id
from clarion.web.requests import AgentRequest
from clarion.web.tabs import frame
from clarion.web.views.broadcasts import find

MATCHES = 20  # contacts shown of a search


@require_safe
def why(request: AgentRequest, pk: int, contact: int) -> HttpResponse:
    """What happened to one contact in one broadcast, in order."""
    broadcast = find(pk)
    person = get_object_or_404(Contact, pk=contact)
    answer = explain(broadcast, person)
    # A request names the channel's address, which is for those who may see its settings.
    may_see = request.user.may(Role.MANAGER)
    context = {
        **frame(broadcast, "audience"),
        "person": person,
        "answer": answer,
        "exchanges": exchanges_of(answer.records) if may_see else {},
    }
    return render(request, "broadcasts/why.html", context)


@require_safe
def why_choose(request: AgentRequest, pk: int) -> HttpResponse:
    """Choose the contact that it is about."""
    broadcast = find(pk)
    q = request.GET.get("q", "").strip()
    page = contact_list(q=q) if q else None
    context = {
        **frame(broadcast, "audience"),
        "q": q,
        "people": page.rows[:MATCHES] if page else [],
    }
    return render(request, "broadcasts/why_choose.html", context)


@require_safe
def why_of_contact(request: AgentRequest, pk: int) -> HttpResponse:
    """From a contact: the broadcast of that id."""
    person = get_object_or_404(Contact, pk=pk)
    number = parse_id(request.GET.get("broadcast", "").strip().lstrip("#"))
    broadcast = history.visible().filter(pk=number).first() if number else None
    if broadcast is None:
        messages.error(
            request, _("There is no broadcast with this id. Look it up in the list of broadcasts.")
        )
        return redirect("contact", person.pk)
    return redirect("broadcast_why", broadcast.pk, person.pk)
