"""One contact: what is known of them, and everything that happened."""

from typing import Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from clarion.contacts.attribute_types import shown
from clarion.contacts.merges import merges_of
from clarion.contacts.models import Contact, Tag
from clarion.insights.codes import codes_of_contact
from clarion.insights.merged import Span
from clarion.insights.timeline import GROUPS, timeline
from clarion.kit.paging import CursorError
from clarion.web.requests import AgentRequest
from clarion.web.views.consents import standing

ICONS = {
    "added": "plus",
    "address": "link",
    "state": "alert-triangle",
    "tag": "list-details",
    "edit": "pencil",
    "consent": "check",
    "waiting": "clock",
    "not_sent": "x",
    "sent": "send",
    "failed": "alert-triangle",
    "wrote": "messages",
    "chat": "messages",
    "code": "ticket",
    "click": "hand-click",
}


@require_safe
def contact(request: AgentRequest, pk: int) -> HttpResponse:
    """What we know, where they are reached, and their timeline."""
    person = get_object_or_404(Contact, pk=pk)
    try:
        feed = _timeline(person, request.GET.get("show", ""), request.GET.get("cursor"))
    except CursorError:
        return redirect("contact", pk)
    context = {
        "person": person,
        "addresses": person.addresses.filter(alias_of=None)
        .select_related("channel", "chat")
        .prefetch_related("aliases")
        .order_by("pk"),
        "tags": Tag.objects.filter(taggings__contact=person).order_by("name"),
        "attributes": [(name, shown(value)) for name, value in sorted(person.attributes.items())],
        "merges": merges_of(person),
        "codes": codes_of_contact(person.pk),
        **feed,
        **standing(person),
    }
    return render(request, "contacts/one.html", context)


def _timeline(person: Contact, show: str, cursor: str | None) -> dict[str, Any]:
    group = show if show in GROUPS else ""
    page = timeline(person, Span(group), cursor)
    return {
        "lines": [{"line": line, "icon": ICONS[line.what]} for line in page.rows],
        "groups": [
            {"title": title, "url": _url(person, name), "here": name == group}
            for name, title in {"": _("All"), **GROUPS}.items()
        ],
        "group": group,
        "first_url": _url(person, group) if cursor else "",
        "next_url": _url(person, group, page.next_cursor) if page.next_cursor else "",
    }


def _url(person: Contact, group: str, cursor: str = "") -> str:
    query = {name: value for name, value in {"show": group, "cursor": cursor}.items() if value}
    parameters = f"?{urlencode(query)}" if query else ""
    return f"{reverse('contact', args=[person.pk])}{parameters}#timeline"
